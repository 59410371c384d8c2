import { assertHash, type TreeHasher } from './hash.js';
import { assertTreeSize, bitCount } from './tree-size.js';

/** Told of each perfect subtree as an append completes it: `level` 0 is a leaf, and the subtree covers the leaves
 *  from `index * 2^level`, `2^level` of them. */
export type OnNode = (level: number, index: number, hash: Uint8Array) => void;

/** The right edge of a tree: the roots of its perfect subtrees, largest (leftmost) first, one for each one-bit of
 *  `size`. It is all that an append needs: at most 53 hashes. */
export interface Frontier {
  readonly size: number;
  readonly hashes: readonly Uint8Array[];
}

/** A tree that only grows: holds the frontier, not the leaves. */
export interface CompactTree {
  readonly size: number;
  /** Adds one leaf hash: one node hash on average, one for each trailing one-bit of the size at worst. */
  append(leafHash: Uint8Array, onNode?: OnNode): void;
  /** Adds a perfect subtree of `2^level` leaves by its root, without its leaves.
   *  @throws {RangeError} no such subtree begins at the present size */
  graft(level: number, root: Uint8Array): void;
  /** Root at the present size (RFC 6962 section 2.1). */
  root(): Uint8Array;
  frontier(): Frontier;
}

/** The frontier of a tree without leaves. */
export const EMPTY_FRONTIER: Frontier = { size: 0, hashes: [] };

/** Continues a tree from its frontier (of an empty tree if none is given).
 *  @throws {RangeError} the frontier does not fit its size */
export function createCompactTree(hasher: TreeHasher, from: Frontier = EMPTY_FRONTIER): CompactTree {
  const hashes = [...assertFrontier(from).hashes];
  let size = from.size;

  /** Merges the new subtree with every perfect one of its own size to its left, like a carry in addition. */
  function graft(from: number, root: Uint8Array, onNode?: OnNode): void {
    const next = assertTreeSize(size + 2 ** from);
    let hash = assertHash(root);
    let index = assertTreeSize(size / 2 ** from);
    let level = from;
    onNode?.(level, index, hash);
    for (; index % 2 === 1; index = (index - 1) / 2) {
      hash = hasher.node(hashes.pop() as Uint8Array, hash);
      level += 1;
      onNode?.(level, (index - 1) / 2, hash);
    }
    hashes.push(hash);
    size = next;
  }

  return {
    get size() {
      return size;
    },
    append: (leafHash, onNode) => graft(0, leafHash, onNode),
    graft,
    root: () => (size === 0 ? hasher.empty() : foldRight(hasher, hashes)),
    frontier: () => ({ size, hashes: [...hashes] }),
  };
}

/** Root of the tree over these leaf hashes, in order (RFC 6962 section 2.1). */
export function rootOf(hasher: TreeHasher, leafHashes: Iterable<Uint8Array>): Uint8Array {
  const tree = createCompactTree(hasher);
  for (const leafHash of leafHashes) tree.append(leafHash);
  return tree.root();
}

/** Root of the range whose perfect subtrees these are, left to right: the last two are joined first.
 *  @throws {RangeError} no hash at all */
export function foldRight(hasher: TreeHasher, hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 0) throw new RangeError('a range without leaves has no root');
  return hashes.reduceRight((right, left) => hasher.node(left, right));
}

function assertFrontier(frontier: Frontier): Frontier {
  if (frontier.hashes.length !== bitCount(assertTreeSize(frontier.size))) {
    throw new RangeError(
      `a frontier of size ${frontier.size} does not have ${frontier.hashes.length} hashes`,
    );
  }
  for (const hash of frontier.hashes) assertHash(hash);
  return frontier;
}
