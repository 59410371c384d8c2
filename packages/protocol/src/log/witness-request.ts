import { malformed } from '../error.js';
import { decodeBase64, encodeBase64 } from './base64.js';
import { isHash } from './hash.js';
import { parseNote } from './note.js';
import { isTreeSize, readDecimal } from './tree-size.js';

/** What a log asks a witness (C2SP tlog-witness, add-checkpoint): to cosign `checkpoint`, a note, which `proof` shows to
 *  be consistent with the one of `oldSize` that the witness saw last. */
export interface AddCheckpoint {
  readonly oldSize: number;
  readonly proof: readonly Uint8Array[];
  readonly checkpoint: string;
}

/** Most hashes of a consistency proof (C2SP tlog-witness). */
const MAX_PROOF_HASHES = 63;

const OLD = 'old ';

/** Takes a request apart. The checkpoint is what follows the empty line, and is not looked at: whether a log signed it
 *  is another question than whether this is a request.
 *  @throws {TrustError} MALFORMED */
export function parseAddCheckpoint(text: string): AddCheckpoint {
  const split = text.indexOf('\n\n');
  const [old = '', ...hashes] = text.slice(0, Math.max(split, 0)).split('\n');
  const oldSize = old.startsWith(OLD) ? readDecimal(old.slice(OLD.length)) : undefined;
  if (oldSize === undefined) throw malformed('a request to a witness that does not begin with an old size');
  if (hashes.length > MAX_PROOF_HASHES) throw malformed('a request to a witness with too many hashes');
  return { oldSize, proof: hashes.map(parseHash), checkpoint: text.slice(split + 2) };
}

/** Writes a request.
 *  @throws {TypeError} the size or a hash is not possible
 *  @throws {TrustError} MALFORMED, the checkpoint is not a note */
export function formatAddCheckpoint({ oldSize, proof, checkpoint }: AddCheckpoint): string {
  if (!isTreeSize(oldSize)) throw new TypeError('an old size is an integer from 0 to 2^53 - 1');
  if (proof.length > MAX_PROOF_HASHES || !proof.every(isHash)) {
    throw new TypeError('a consistency proof has at most 63 hashes of 32 bytes');
  }
  parseNote(checkpoint);
  return [`${OLD}${oldSize}`, ...proof.map(encodeBase64), '', checkpoint].join('\n');
}

function parseHash(line: string): Uint8Array {
  const hash = decodeBase64(line);
  if (!isHash(hash)) throw malformed('a request to a witness with a hash that is not 32 bytes long');
  return hash;
}
