import { TrustError } from '../error.js';

/** The one refusal of a verifier of evidence: `check` names what failed, `item` where. */
export function notProven(check: string, reason: string, cause?: unknown, item?: string): TrustError {
  return new TrustError(
    'PROOF_NOT_PROVEN',
    reason,
    { caveat: check, ...(item === undefined ? {} : { item }) },
    cause,
  );
}
