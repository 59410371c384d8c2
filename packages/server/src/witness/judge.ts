import type { SplitView } from '@talosprotocol/contracts';
import {
  type AddCheckpoint,
  equalBytes,
  findSplitView,
  isTrustError,
  type TreeHasher,
  type VerifiedCheckpoint,
  verifyConsistency,
} from '@talosprotocol/protocol';
import type { LastSeen } from './store.js';

/** Whether a checkpoint may be cosigned after the last one: it may; the log must go on from `size`; or it contradicts
 *  what was seen, as the proof `splitView` shows, if there is one. */
export type Verdict =
  | { readonly kind: 'follows' }
  | { readonly kind: 'elsewhere'; readonly size: number; readonly splitView?: SplitView }
  | { readonly kind: 'contradicts'; readonly splitView?: SplitView }
  | { readonly kind: 'unproven'; readonly splitView?: SplitView };

/** Judges a checkpoint that the log signed, whose size is not below `oldSize`, by C2SP tlog-witness. */
export function judge(
  hasher: TreeHasher,
  last: LastSeen,
  { oldSize, proof }: Pick<AddCheckpoint, 'oldSize' | 'proof'>,
  checkpoint: VerifiedCheckpoint,
  note: string,
): Verdict {
  const { size, root } = checkpoint;
  const seen = last.note === undefined ? undefined : { size: last.size, root: last.root, note: last.note };
  // Two roots of one size convict a log, from whatever size it says it goes on.
  const offered = { size, root, note };
  if (seen !== undefined && seen.size === size && !equalBytes(seen.root, root)) {
    const splitView = findSplitView(hasher, seen, offered, []);
    const found = splitView === undefined ? {} : { splitView };
    if (oldSize === size) return { kind: 'contradicts', ...found };
    return { kind: 'elsewhere', size: last.size, ...found };
  }
  if (oldSize !== last.size) return { kind: 'elsewhere', size: last.size };
  if (isConsistent(hasher, last, checkpoint, proof)) return { kind: 'follows' };
  const splitView = seen === undefined ? undefined : findSplitView(hasher, seen, offered, proof);
  return splitView === undefined ? { kind: 'unproven' } : { kind: 'unproven', splitView };
}

function isConsistent(
  hasher: TreeHasher,
  last: LastSeen,
  { size, root }: VerifiedCheckpoint,
  proof: readonly Uint8Array[],
): boolean {
  // Every tree continues the one without leaves; there is nothing to prove.
  if (last.size === 0 && size > 0) return proof.length === 0;
  try {
    verifyConsistency(hasher, {
      oldSize: last.size,
      oldRoot: last.root,
      newSize: size,
      newRoot: root,
      proof,
    });
    return true;
  } catch (error) {
    if (isTrustError(error)) return false;
    throw error;
  }
}
