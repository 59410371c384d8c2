import {
  type Cosignature,
  formatNote,
  type NoteSignature,
  parseNote,
  readCosignatures,
  type WitnessPolicy,
} from '@talosprotocol/protocol';
import type { SignedCheckpoint } from '../checkpoint.js';

/** A checkpoint that witnesses have seen: its note carries their cosignatures. */
export interface WitnessedCheckpoint extends SignedCheckpoint {
  readonly cosignatures: readonly Cosignature[];
}

/** A checkpoint for which cosignatures are gathered. */
export interface Candidate {
  readonly checkpoint: SignedCheckpoint;
  has(keyOfWitness: string): boolean;
  add(keyOfWitness: string, signature: NoteSignature): void;
  /** It, once as many as must have cosigned it. */
  witnessed(): WitnessedCheckpoint | undefined;
}

export function createCandidate(checkpoint: SignedCheckpoint, policy: WitnessPolicy): Candidate {
  const { text, signatures } = parseNote(checkpoint.note);
  const gathered = new Map<string, NoteSignature>();
  return {
    checkpoint,
    has: (key) => gathered.has(key),
    add: (key, signature) => void gathered.set(key, signature),
    witnessed: () => {
      const note = formatNote({ text, signatures: [...signatures, ...gathered.values()] });
      return readWitnessed({ ...checkpoint, note }, policy);
    },
  };
}

/** A checkpoint as witnessed under a policy; undefined if too few of its witnesses cosigned it, and if none did: one that
 *  nobody else saw is no news.
 *  @throws {TrustError} SIGNATURE_INVALID */
export function readWitnessed(
  checkpoint: SignedCheckpoint,
  policy: WitnessPolicy,
): WitnessedCheckpoint | undefined {
  const { cosignatures, isReached } = readCosignatures(checkpoint.note, policy);
  return isReached && cosignatures.length > 0 ? { ...checkpoint, cosignatures } : undefined;
}
