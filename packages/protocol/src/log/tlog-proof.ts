import { malformed } from '../error.js';
import { decodeBase64, encodeBase64 } from './base64.js';
import { type TrustedLog, type VerifiedCheckpoint, verifyCheckpoint } from './checkpoint.js';
import { isHash, type TreeHasher } from './hash.js';
import { MAX_NOTE_LENGTH, parseNote } from './note.js';
import { verifyInclusion } from './proof-check.js';
import { isTreeSize, readDecimal } from './tree-size.js';

/** A self-contained proof that a leaf is in a log (C2SP tlog-proof). `checkpoint` is the note as it was signed;
 *  `extra` is authenticated by nothing. */
export interface TlogProof {
  readonly index: number;
  readonly proof: readonly Uint8Array[];
  readonly checkpoint: string;
  readonly extra?: Uint8Array;
}

declare const verified: unique symbol;

/** A leaf that is proven to be in a log, at this index, under this checkpoint. */
export interface VerifiedInclusion {
  readonly index: number;
  readonly leafHash: Uint8Array;
  readonly checkpoint: VerifiedCheckpoint;
  readonly [verified]: true;
}

/** A tree of 2^53 - 1 leaves is 53 levels high. */
const MAX_PROOF_HASHES = 53;

/** Longest proof that is read, in UTF-16 units: a note, and as much again for extra data. */
const MAX_LENGTH = 2 * MAX_NOTE_LENGTH;

const HEADER = 'c2sp.org/tlog-proof@v1';

/** Takes a proof apart; the checkpoint in it must be a note, but no signature and no hash is checked.
 *  @throws {TrustError} MALFORMED */
export function parseTlogProof(text: string): TlogProof {
  if (text.length > MAX_LENGTH) throw malformed('a tlog proof that is too long');
  const split = text.indexOf('\n\n');
  const [header, ...lines] = text.slice(0, Math.max(split, 0)).split('\n');
  if (header !== HEADER) throw malformed('tlog proof: missing expected header');
  const extra = lines[0]?.startsWith('extra ') ? parseExtra(lines.shift()) : {};
  const index = parseIndex(lines.shift());
  if (lines.length > MAX_PROOF_HASHES) throw malformed('tlog proof: too many hashes');
  const checkpoint = text.slice(split + 2);
  parseNote(checkpoint);
  return { index, proof: lines.map(parseHash), checkpoint, ...extra };
}

/** Writes a proof. Extra data of no bytes is the same as none.
 *  @throws {TypeError} the index or a hash is not possible
 *  @throws {TrustError} MALFORMED, the checkpoint is not a note */
export function formatTlogProof(proof: TlogProof): string {
  const { index, checkpoint, extra = new Uint8Array(0) } = proof;
  if (!isTreeSize(index)) throw new TypeError('a leaf index is an integer from 0 to 2^53 - 1');
  if (proof.proof.length > MAX_PROOF_HASHES || !proof.proof.every(isHash)) {
    throw new TypeError('an inclusion proof has at most 53 hashes of 32 bytes');
  }
  parseNote(checkpoint);
  const extraLines = extra.length > 0 ? [`extra ${encodeBase64(extra)}`] : [];
  return [HEADER, ...extraLines, `index ${index}`, ...proof.proof.map(encodeBase64), '', checkpoint].join(
    '\n',
  );
}

/** Proves that the log has the leaf: its checkpoint verifies, and the inclusion proof leads from the leaf to the
 *  checkpoint's root. Says nothing of what the leaf means, and nothing of `extra`.
 *  @throws {TrustError} MALFORMED | SIGNATURE_INVALID | PROOF_NOT_PROVEN */
export function verifyTlogProof(
  hasher: TreeHasher,
  text: string,
  leafHash: Uint8Array,
  log: TrustedLog,
): VerifiedInclusion {
  const { index, proof, checkpoint: note } = parseTlogProof(text);
  const checkpoint = verifyCheckpoint(note, log);
  verifyInclusion(hasher, { index, size: checkpoint.size, root: checkpoint.root, leafHash, proof });
  return { index, leafHash, checkpoint } as unknown as VerifiedInclusion;
}

function parseExtra(line = ''): { extra: Uint8Array } {
  const extra = decodeBase64(line.slice('extra '.length));
  if (extra.length === 0) throw malformed('tlog proof: extra data without bytes');
  return { extra };
}

function parseIndex(line = ''): number {
  if (!line.startsWith('index ')) throw malformed('tlog proof: missing required index');
  const index = readDecimal(line.slice('index '.length));
  if (index === undefined) throw malformed('tlog proof: the index is not a valid uint64 below 2^53');
  return index;
}

function parseHash(line: string): Uint8Array {
  const hash = decodeBase64(line);
  if (!isHash(hash)) throw malformed('tlog proof: a hash is not 32 bytes long');
  return hash;
}
