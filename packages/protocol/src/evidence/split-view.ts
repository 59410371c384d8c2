import { createChecker, MAX_SPLIT_VIEW_BYTES, SplitView } from '@talosprotocol/contracts';
import { equalBytes } from '../crypto/equal.js';
import { decodeBase64url, encodeBase64url } from '../encoding/base64url.js';
import { parseJson } from '../encoding/json.js';
import { isTrustError, malformed } from '../error.js';
import {
  type Checkpoint,
  type TrustedLog,
  type VerifiedCheckpoint,
  verifyCheckpoint,
} from '../log/checkpoint.js';
import type { TreeHasher } from '../log/hash.js';
import { provenPrefix, verifyConsistency } from '../log/proof-check.js';
import { notProven } from './not-proven.js';

/** Two checkpoints that one log signed and that contradict each other. */
export interface VerifiedSplitView {
  readonly older: VerifiedCheckpoint;
  readonly newer: VerifiedCheckpoint;
}

const check = createChecker(SplitView);

/** Reads a proof of a split view; nothing is verified.
 *  @throws {TrustError} MALFORMED */
export function parseSplitView(bytes: Uint8Array): SplitView {
  const value = parseJson(bytes, { maxBytes: MAX_SPLIT_VIEW_BYTES });
  const wrong = check(value);
  if (wrong !== undefined) throw malformed(`a proof of a split view: ${wrong}`);
  return value as unknown as SplitView;
}

/** Verifies that a log showed two histories (AUD-29): its key signed both checkpoints, and the first `older.size` leaves
 *  of the newer one have another root than the older one states. Whoever holds this needs to trust nobody: no history
 *  explains both, so the log, or whoever has its key, misbehaved. Witnesses play no part in it.
 *  @throws {TrustError} PROOF_NOT_PROVEN | SIGNATURE_INVALID | MALFORMED: this proves nothing of the kind */
export function verifySplitView(
  evidence: SplitView,
  { origin, keys }: TrustedLog,
  hasher: TreeHasher,
): VerifiedSplitView {
  const older = verifyCheckpoint(evidence.older, { origin, keys });
  const newer = verifyCheckpoint(evidence.newer, { origin, keys });
  const prefix = decodeBase64url(evidence.prefix);
  verifyConsistency(hasher, {
    oldSize: older.size,
    oldRoot: prefix,
    newSize: newer.size,
    newRoot: newer.root,
    proof: evidence.proof.map(decodeBase64url),
  });
  if (equalBytes(prefix, older.root)) throw notProven('split view', 'both checkpoints are of one history');
  return { older, newer };
}

/** A checkpoint and the note it was signed in. */
export type SeenCheckpoint = Pick<Checkpoint, 'size' | 'root'> & { readonly note: string };

/** Makes the proof of a split view out of two checkpoints, which the caller verified, and what was handed in as the
 *  consistency proof between them. Undefined if that proves no misbehaviour: both are of one history, or the proof
 *  leads nowhere (anybody can send a wrong one), or the older size is a power of two and below the newer one, where a
 *  consistency proof does not hold the root that contradicts. */
export function findSplitView(
  hasher: TreeHasher,
  older: SeenCheckpoint,
  newer: SeenCheckpoint,
  proof: readonly Uint8Array[],
): SplitView | undefined {
  if (older.size === 0) return undefined;
  const isSameSize = older.size === newer.size;
  const prefix = isSameSize ? newer.root : prefixOf(hasher, older, newer, proof);
  if (prefix === undefined || equalBytes(prefix, older.root)) return undefined;
  return {
    format: 'talos-split-view-v1',
    older: older.note,
    newer: newer.note,
    prefix: encodeBase64url(prefix),
    proof: isSameSize ? [] : proof.map(encodeBase64url),
  };
}

function prefixOf(
  hasher: TreeHasher,
  older: SeenCheckpoint,
  newer: SeenCheckpoint,
  proof: readonly Uint8Array[],
): Uint8Array | undefined {
  try {
    return provenPrefix(hasher, { oldSize: older.size, newSize: newer.size, newRoot: newer.root, proof });
  } catch (error) {
    if (isTrustError(error)) return undefined;
    throw error;
  }
}
