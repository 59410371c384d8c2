import { type Frontier, foldRight } from './compact-tree.js';
import type { TreeHasher } from './hash.js';
import { assertTreeSize } from './tree-size.js';

/** A perfect subtree: the leaves from `index * 2^level`, `2^level` of them. */
export interface NodeId {
  readonly level: number;
  readonly index: number;
}

/** Answers the hash of a perfect subtree, synchronously: the caller loads what the plan names first
 *  (`createTileReader` answers from tiles). MUST throw rather than answer a hash it is not sure of. */
export type HashReader = (node: NodeId) => Uint8Array;

/** The perfect subtrees that make up the leaves `begin` up to, not including, `end`, left to right: at most 53.
 *  `begin` must be 0 or a multiple of a power of two at least as large as the range, as it is for every range a
 *  proof consists of; only then is the range itself a subtree with a root.
 *  @throws {RangeError} no such range */
export function planRange(begin: number, end: number): readonly NodeId[] {
  const nodes: NodeId[] = [];
  let rest = assertTreeSize(end) - assertTreeSize(begin);
  let level = 0;
  let width = 1;
  while (width < rest) {
    width *= 2;
    level += 1;
  }
  if (rest <= 0 || begin % width !== 0) throw new RangeError(`leaves ${begin} to ${end} are not a subtree`);
  for (let at = begin; rest > 0; level -= 1, width /= 2) {
    if (width > rest) continue;
    nodes.push({ level, index: at / width });
    at += width;
    rest -= width;
  }
  return nodes;
}

/** The fewest perfect subtrees that make up the leaves `begin` up to, not including, `end`, left to right, wherever
 *  these lie: at most 106. None if there is no leaf between.
 *  @throws {RangeError} no such range */
export function planCover(begin: number, end: number): readonly NodeId[] {
  const nodes: NodeId[] = [];
  let at = assertTreeSize(begin);
  if (at > assertTreeSize(end)) throw new RangeError(`leaves ${begin} to ${end} are no range`);
  while (at < end) {
    let level = 0;
    let width = 1;
    while (at % (width * 2) === 0 && at + width * 2 <= end) {
      width *= 2;
      level += 1;
    }
    nodes.push({ level, index: at / width });
    at += width;
  }
  return nodes;
}

/** Root of the leaves `begin` up to, not including, `end` (see `planRange` for which ranges have one).
 *  @throws {RangeError} no such range */
export function rangeRoot(hasher: TreeHasher, read: HashReader, begin: number, end: number): Uint8Array {
  return foldRight(hasher, planRange(begin, end).map(read));
}

/** Root of the tree at `size`, which may be any size up to the one the reader knows. */
export function rootAt(hasher: TreeHasher, read: HashReader, size: number): Uint8Array {
  return size === 0 ? hasher.empty() : rangeRoot(hasher, read, 0, size);
}

/** The perfect subtrees of the frontier at `size`, largest first. */
export function planFrontier(size: number): readonly NodeId[] {
  return size === 0 ? [] : planRange(0, size);
}

/** Reads the frontier at `size`, from which `createCompactTree` goes on. */
export function frontierAt(read: HashReader, size: number): Frontier {
  return { size, hashes: planFrontier(size).map(read) };
}
