import { isTrustError, TrustError } from '../error.js';
import type { FileKind } from './file-kind.js';
import { notProven } from './not-proven.js';
import { meaningOf } from './words/failure.js';

/** A file that somebody gave to be verified, or to verify with. */
export interface NamedFile {
  readonly name: string;
  readonly kind: FileKind;
}

/** Files that stand in each other's place. */
export interface Misplaced {
  /** In words. */
  readonly fault: string;
  /** True if they only have to be swapped. */
  readonly isSwapped: boolean;
}

/** What is wrong if a file was given in the place of another kind of file; undefined if nothing is. */
export function findMisplaced(evidence: NamedFile, trust: NamedFile | undefined): Misplaced | undefined {
  const isEvidence = trust?.kind === 'bundle' || trust?.kind === 'receipt';
  if (evidence.kind === 'trust')
    return { fault: `${evidence.name} is a trust file, and no evidence`, isSwapped: isEvidence };
  if (!isEvidence) return undefined;
  return { fault: `${trust.name} is a ${trust.kind}, and no trust file`, isSwapped: false };
}

/** Whatever refuses evidence, the answer is that it proves nothing (AUD-24). A file that is none is named: perhaps another
 *  was meant. What is no refusal is given back as it is. */
export function failedEvidence(name: string, error: unknown): unknown {
  if (!isTrustError(error)) return error;
  const { reason = error.message, ...facts } = error.data;
  const where = error.code === 'MALFORMED' || facts.caveat === 'bundle' ? `${name}: ` : '';
  const code = error.code === 'PROOF_NOT_PROVEN' ? '' : ` (${error.code})`;
  return new TrustError('PROOF_NOT_PROVEN', `${where}${reason}${code}`, facts, error);
}

/** Reads a file that is given beside the evidence: what is wrong with it is said of it by its name, with what that means.
 *  @throws {TrustError} the code `parse` gave */
export function readBeside<T>(name: string, place: 'trust' | 'kept', parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!isTrustError(error)) throw error;
    const { reason = error.message } = error.data;
    const facts = { caveat: place, hint: meaningOf(notProven(place, reason)) };
    throw new TrustError(error.code, `${name}: ${reason}`, facts, error);
  }
}
