import { foldRight } from './compact-tree.js';
import type { TreeHasher } from './hash.js';
import { type HashReader, type NodeId, planRange } from './range.js';
import { assertTreeSize, splitPoint } from './tree-size.js';

/** What a proof consists of: for each of its hashes, the perfect subtrees to fold into it, left to right. Load
 *  the nodes a plan names (`tilesForNodes` says which tiles hold them), then `makeProof`. */
export type ProofPlan = readonly (readonly NodeId[])[];

/** Plans the proof that leaf `index` is in the tree of `size` leaves (RFC 6962 section 2.1.1), sibling of the
 *  leaf first.
 *  @throws {RangeError} the tree has no such leaf */
export function planInclusion(index: number, size: number): ProofPlan {
  assertTreeSize(size);
  if (assertTreeSize(index) >= size) throw new RangeError(`a tree of ${size} leaves has no leaf ${index}`);
  return pathTo(index, 0, size);
}

/** Plans the proof that the tree of `oldSize` leaves is a prefix of the one of `newSize` (RFC 6962 section
 *  2.1.2). Empty if both sizes are the same.
 *  @throws {RangeError} sizes not in order, or an old tree without leaves: it says nothing that could be proven */
export function planConsistency(oldSize: number, newSize: number): ProofPlan {
  if (assertTreeSize(oldSize) > assertTreeSize(newSize) || oldSize === 0) {
    throw new RangeError(`no consistency proof leads from ${oldSize} to ${newSize} leaves`);
  }
  return prefixPath(oldSize, 0, newSize, true);
}

/** Makes the hashes of a planned proof from the nodes it names. */
export function makeProof(hasher: TreeHasher, read: HashReader, plan: ProofPlan): readonly Uint8Array[] {
  return plan.map((nodes) => foldRight(hasher, nodes.map(read)));
}

/** PATH of RFC 6962 section 2.1.1, over the leaves `begin` to `end`. */
function pathTo(index: number, begin: number, end: number): ProofPlan {
  if (end - begin === 1) return [];
  const middle = begin + splitPoint(end - begin);
  if (index < middle) return [...pathTo(index, begin, middle), planRange(middle, end)];
  return [...pathTo(index, middle, end), planRange(begin, middle)];
}

/** SUBPROOF of RFC 6962 section 2.1.2, over the leaves `begin` to `end`; `oldEnd` is where the old tree ends.
 *  While `known`, the verifier holds the root of what remains of the old tree: it is the old root. */
function prefixPath(oldEnd: number, begin: number, end: number, known: boolean): ProofPlan {
  if (oldEnd === end) return known ? [] : [planRange(begin, end)];
  const middle = begin + splitPoint(end - begin);
  if (oldEnd <= middle) return [...prefixPath(oldEnd, begin, middle, known), planRange(middle, end)];
  return [...prefixPath(oldEnd, middle, end, false), planRange(begin, middle)];
}
