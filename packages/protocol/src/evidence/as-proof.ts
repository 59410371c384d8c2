import { isTrustError } from '../error.js';
import { notProven } from './not-proven.js';

/** Whatever refuses inside a verifier, the answer is the same: this is not proven. `check` names the step for what
 *  does not name its own, `item` where it is.
 *  @throws {TrustError} PROOF_NOT_PROVEN */
export function asProof<T>(check: string, step: () => T, item?: string): T {
  try {
    return step();
  } catch (error) {
    if (!isTrustError(error)) throw error;
    const { caveat = check, reason = error.message } = error.data;
    const where = item === undefined ? '' : `${item}: `;
    const code = error.code === 'PROOF_NOT_PROVEN' ? '' : ` (${error.code})`;
    throw notProven(caveat, `${where}${reason}${code}`, error, item);
  }
}
