import { TrustError } from '../error.js';

/** The one refusal of a verifier of chain anchors: `check` names what failed. */
export function notAnchored(check: string, reason: string, hint?: string): TrustError {
  const data = { caveat: `anchor ${check}`, ...(hint === undefined ? {} : { hint }) };
  return new TrustError('PROOF_NOT_PROVEN', reason, data);
}
