import { malformed, TrustError } from '../error.js';

/** What the hit path answers instead of throwing: a slot is 0 or more, a refusal is one of these. */
export const MALFORMED = -1;
export const SESSION_UNKNOWN = -2;
export const SESSION_ELSEWHERE = -3;
export const NOT_YET_VALID = -4;
export const SEEN = -5;
export const BELOW_WINDOW = -6;
export const PROOF_INVALID = -7;

/** The hint begins with the reason (SES-9): what is logged and shown of a refusal is its hint. */
const replay = (reason: string, why: string): TrustError =>
  new TrustError('REPLAY', reason, {
    hint: `${reason}: ${why}. Every request of a session needs a new seq, also when it is tried again.`,
  });
const MAC_HINT =
  'The mac is not that of this request as it arrived: make it over exactly what is sent, with the key of this session, or open another.';

const REFUSALS: Readonly<Record<number, () => TrustError>> = {
  [MALFORMED]: () => malformed('a Talos authorization that is not of the form sid, seq, rid, mac'),
  [SESSION_UNKNOWN]: () => new TrustError('SESSION_UNKNOWN', 'no open session has this id'),
  [SESSION_ELSEWHERE]: () =>
    new TrustError('SESSION_ELSEWHERE', 'the session is of another node or an earlier start'),
  [NOT_YET_VALID]: () => new TrustError('NOT_YET_VALID', 'what the session was opened for is not valid yet'),
  [SEEN]: () => replay('seen', 'a request with this seq was taken before'),
  [BELOW_WINDOW]: () => replay('below_window', 'this seq is too far below the highest one that was taken'),
  [PROOF_INVALID]: () =>
    new TrustError('PROOF_INVALID', 'the MAC is not that of this request', { caveat: 'mac', hint: MAC_HINT }),
};

/** The error a refused code of the hit path stands for.
 *  @throws {RangeError} a code that refuses nothing */
export function sessionRefusal(code: number): TrustError {
  const refusal = REFUSALS[code];
  if (refusal === undefined) throw new RangeError('not a refusal of the session table');
  return refusal();
}
