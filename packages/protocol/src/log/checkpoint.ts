import { malformed, TrustError } from '../error.js';
import { decodeBase64, encodeBase64 } from './base64.js';
import { isHash } from './hash.js';
import { signNote, type VerifiedNote, verifyNote } from './note.js';
import type { NoteSigner, NoteVerifier } from './note-key.js';
import { isTreeSize, readDecimal } from './tree-size.js';
import { assertWitnessed, type Cosignature, type WitnessPolicy } from './witness-policy.js';

/** What a log states of itself (C2SP tlog-checkpoint): `size` leaves have this `root` (32 bytes). `extensions`
 *  are lines whose meaning is the log's own; Talos writes none. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly extensions: readonly string[];
}

/** The log a checkpoint must come from: its origin, its keys (several while a key is replaced), and the witnesses that
 *  must have seen it, if there are any. A key trusted for one origin says nothing of another. */
export interface TrustedLog {
  readonly origin: string;
  readonly keys: readonly NoteVerifier[];
  readonly witnesses?: WitnessPolicy;
}

declare const verified: unique symbol;

/** A checkpoint that a key of the trusted log signed, with the note it came in, and what the witnesses of the log said
 *  of it: enough of them, if the log has any. */
export interface VerifiedCheckpoint extends Checkpoint {
  readonly note: VerifiedNote;
  readonly cosignatures: readonly Cosignature[];
  readonly [verified]: true;
}

/** Reads the text of a checkpoint, that is of a note without its signatures: three lines and any extension
 *  lines, none of them empty. Stricter than C2SP in one point: the root is a SHA-256, 32 bytes.
 *  @throws {TrustError} MALFORMED */
export function parseCheckpoint(text: string): Checkpoint {
  if (!text.endsWith('\n')) throw malformed('a checkpoint that does not end in a line feed');
  const [origin = '', size = '', root = '', ...extensions] = text.slice(0, -1).split('\n');
  if (origin === '') throw malformed('a checkpoint without origin');
  if (extensions.includes('')) throw malformed('a checkpoint with an empty extension line');
  const leaves = readDecimal(size);
  if (leaves === undefined) throw malformed('a checkpoint whose size is not a decimal below 2^53');
  const hash = decodeBase64(root);
  if (!isHash(hash)) throw malformed('a checkpoint whose root is not 32 bytes');
  return { origin, size: leaves, root: hash, extensions };
}

/** Writes the text of a checkpoint.
 *  @throws {TypeError} a line would be empty or hold a line feed, or the size or root is not possible */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  const { origin, size, root, extensions } = checkpoint;
  if (!isTreeSize(size) || !isHash(root)) throw new TypeError('a checkpoint needs a tree size and a root');
  const isLine = (line: string): boolean => line !== '' && !line.includes('\n');
  if (![origin, ...extensions].every(isLine)) throw new TypeError('a line of a checkpoint is one line');
  return `${[origin, size, encodeBase64(root), ...extensions].join('\n')}\n`;
}

/** Signs a checkpoint and writes the note. The caller makes sure that it is consistent with every checkpoint it
 *  signed before.
 *  @throws {TypeError} as `formatCheckpoint` and `signNote` */
export function signCheckpoint(checkpoint: Checkpoint, signers: readonly NoteSigner[]): string {
  return signNote(formatCheckpoint(checkpoint), signers);
}

/** Verifies a checkpoint: signed by a key of the log, its origin is that log's, and as many of the log's witnesses
 *  cosigned it as they must (AUD-28). Without witnesses their cosignatures are in `note.unverified`.
 *  @throws {TrustError} MALFORMED | SIGNATURE_INVALID | PROOF_NOT_PROVEN (no key of the log signed it, it is of
 *  another log, or too few witnesses cosigned it: then `data.caveat` is `witnesses`) */
export function verifyCheckpoint(note: string, log: TrustedLog): VerifiedCheckpoint {
  const verifiedNote = verifyNote(note, log.keys);
  const checkpoint = parseCheckpoint(verifiedNote.text);
  if (checkpoint.origin !== log.origin) {
    throw new TrustError('PROOF_NOT_PROVEN', 'the checkpoint is of another log');
  }
  const cosignatures = log.witnesses === undefined ? [] : assertWitnessed(note, log.witnesses);
  return { ...checkpoint, note: verifiedNote, cosignatures } as unknown as VerifiedCheckpoint;
}
