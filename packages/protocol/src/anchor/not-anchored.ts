import { TrustError } from '../error.js';

/** The one refusal of a verifier of chain anchors: `check` names what failed. */
export function notAnchored(check: string, reason: string, cause?: unknown): TrustError {
  return new TrustError('PROOF_NOT_PROVEN', reason, { caveat: `anchor ${check}` }, cause);
}
