import { isTrustError, type TrustError } from '../../error.js';
import type { Account } from './account.js';
import { nameOf } from './phrase.js';

const CHANGED = 'The records contradict each other: one is missing, or the log was put together afterwards.';
const WRONGLY = 'The log says that something was right which by the grants it shows was not.';
const NOT_BORNE_OUT =
  'A record says something that the records before it, or what is disclosed with it, do not bear out.';
const NO_WHOLE_FILE =
  'The file is not as it was made: something in it was changed, cut off or added, or it is another kind of file.';
const NOT_LOGGED = 'A record is not the one that was logged, or it is not of this log.';
const NOT_SIGNED = 'The state of the log is not signed by a key that your trust file names.';

/** What a check that failed means, in plain words. */
const MEANINGS: Readonly<Record<string, string>> = {
  bundle:
    'The file is not as it was exported: something in it was changed, cut off or added, or it is no bundle at all.',
  version: 'The file holds records of a kind that this verifier is too old, or too new, to know.',
  checkpoint: NOT_SIGNED,
  witnesses:
    'Not enough of the witnesses that you trust had seen this history: others may have been shown another one.',
  statement: 'The file was changed after it was made, or it was made by somebody whom you do not trust.',
  range: 'Records are missing that the file says are there.',
  order: 'Records stand in another order than the log has them, or one stands there twice.',
  window: 'The file is not of the time that it says: something may be missing at its beginning or end.',
  tree: NOT_LOGGED,
  origin: 'A record was made for another log.',
  emitter: 'A record is by somebody whose word does not count for you.',
  complete: 'Something of an agent is missing, though the file says that nothing is.',
  endings: 'It is not shown whether a grant that was used had been revoked, though the file says that it is.',
  asserts: 'The receipt was given words that receipts do not have.',
  redaction: 'The file discloses something that it says it keeps back.',
  anchor: 'The log is not the one that was anchored: it was split, or rewritten since.',
  earlier:
    'The history that you kept is not shown to be the beginning of this one: it may have been rewritten since.',
  trust:
    'This is no whole trust file, so nothing can be held against it. Get it anew from somebody you trust, by another way than the evidence.',
  kept: 'What you kept holds no state of a log: it is another file, or it was changed or cut off.',
  places:
    'A file stands in the place of another: evidence is a bundle or a receipt, and whom you trust is a file of its own.',
  selection: 'The file says of itself what its records do not show.',
  form: 'A record is not written as records are: something in it was changed.',
  eseq: CHANGED,
  prev: CHANGED,
  pseq: CHANGED,
  time: CHANGED,
  id: CHANGED,
  start: CHANGED,
  tenant: CHANGED,
  counted: CHANGED,
  denials: NOT_BORNE_OUT,
  erasure: NOT_BORNE_OUT,
  pruning: NOT_BORNE_OUT,
  identity: NOT_BORNE_OUT,
  revocation: NOT_BORNE_OUT,
  chain: WRONGLY,
  capability: WRONGLY,
  principal: WRONGLY,
  decision: WRONGLY,
  session: WRONGLY,
  proof: WRONGLY,
  limits: WRONGLY,
  cost: WRONGLY,
  outcome: WRONGLY,
};

/** The same of what names no check: a receipt has few. */
const BY_CODE: Readonly<Record<string, string>> = {
  MALFORMED: NO_WHOLE_FILE,
  SIGNATURE_INVALID: NOT_SIGNED,
  PROOF_NOT_PROVEN: NOT_LOGGED,
};

/** What a refusal means, in plain words. */
export function meaningOf(error: TrustError): string {
  const { caveat } = error.data;
  if (caveat === undefined) return lookUp(BY_CODE, codeOf(error)) ?? NO_WHOLE_FILE;
  if (caveat.endsWith(' event')) return NOT_BORNE_OUT;
  return lookUp(MEANINGS, caveat) ?? NOT_BORNE_OUT;
}

/** Of what was refused at first. */
function codeOf({ code, cause }: TrustError): string {
  return isTrustError(cause) ? codeOf(cause) : code;
}

function lookUp(texts: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(texts, name) ? texts[name] : undefined;
}

/** Tells why nothing was proven (AUD-62): what failed, where, and what that means. */
export function accountOfFailure(error: TrustError): Account {
  const { reason = error.message } = error.data;
  return {
    proven: false,
    headline: `${nameOf(reason)}.`,
    shown: [meaningOf(error)],
    notShown: ['anything: a file of which one check fails proves nothing'],
    trusted: [],
  };
}
