import { equalBytes } from '../crypto/equal.js';
import { malformed, TrustError } from '../error.js';
import { type CosignatureVerifier, cosignatureTime, createCosignatureVerifier } from './cosignature.js';
import { parseNote, sortSignatures } from './note.js';
import type { NoteCrypto } from './note-key.js';

/** Which witnesses count, and how many of them must have cosigned a checkpoint: k of n. */
export interface WitnessPolicy {
  readonly witnesses: readonly CosignatureVerifier[];
  readonly quorum: number;
}

/** That a witness had seen a checkpoint, and when by its clock: Unix seconds. */
export interface Cosignature {
  readonly name: string;
  readonly keyId: number;
  readonly time: number;
}

/** What the witnesses of a policy said of a checkpoint: in the order of the note, one line for each that cosigned. */
export interface WitnessReport {
  readonly cosignatures: readonly Cosignature[];
  readonly quorum: number;
  readonly isReached: boolean;
}

/** Reads a policy. Two names of one key are one witness, so a key that is listed twice is refused, under whatever names
 *  (as in C2SP tlog-policy). `quorum` 0 demands nothing and still tells who cosigned.
 *  @throws {TrustError} MALFORMED: a key that is no witness's, one listed twice, or a quorum that can never be reached */
export function createWitnessPolicy(
  crypto: NoteCrypto,
  { witnesses, quorum }: { readonly witnesses: readonly string[]; readonly quorum: number },
): WitnessPolicy {
  const verifiers = witnesses.map((vkey) => createCosignatureVerifier(crypto, vkey));
  for (const [at, { publicKey }] of verifiers.entries()) {
    const isTwice = verifiers.slice(at + 1).some((other) => equalBytes(other.publicKey, publicKey));
    if (isTwice) throw malformed('a key of a witness is listed twice');
  }
  const isReachable = Number.isSafeInteger(quorum) && quorum >= 0 && quorum <= verifiers.length;
  if (!isReachable) throw malformed(`a quorum of ${quorum} among ${verifiers.length} witnesses`);
  return { witnesses: verifiers, quorum };
}

/** Says which witnesses cosigned a checkpoint. Each counts once, however often it signed; lines of unknown keys count for
 *  nothing. That the log itself signed the note is another question (`verifyCheckpoint`).
 *  @throws {TrustError} MALFORMED | SIGNATURE_INVALID: a line names a witness of the policy and does not verify */
export function readCosignatures(note: string, policy: WitnessPolicy): WitnessReport {
  const { good } = sortSignatures(parseNote(note), policy.witnesses);
  const cosignatures = good.map(({ name, keyId, signature }) => ({
    name,
    keyId,
    // It verified, so it states a time.
    time: cosignatureTime(signature) as number,
  }));
  const { quorum } = policy;
  return { cosignatures, quorum, isReached: cosignatures.length >= quorum };
}

/** As `readCosignatures`, and refuses what too few cosigned.
 *  @throws {TrustError} MALFORMED | SIGNATURE_INVALID | PROOF_NOT_PROVEN */
export function assertWitnessed(note: string, policy: WitnessPolicy): readonly Cosignature[] {
  const { cosignatures, quorum, isReached } = readCosignatures(note, policy);
  if (isReached) return cosignatures;
  const names = cosignatures.map(({ name }) => name).join(', ');
  const signed = cosignatures.length === 0 ? 'none of them' : `only ${names}`;
  const reason = `${quorum} of ${policy.witnesses.length} witnesses must have cosigned the checkpoint: this one is signed by ${signed}`;
  throw new TrustError('PROOF_NOT_PROVEN', reason, { caveat: 'witnesses' });
}
