import { equalBytes } from '../crypto/equal.js';
import { TrustError } from '../error.js';
import { isHash, type TreeHasher } from './hash.js';
import { half, isTreeSize } from './tree-size.js';

/** Claims that a leaf is in a tree. All fields may come from an attacker, except the root and the size, which
 *  mean something only if a verified checkpoint states them. */
export interface InclusionClaim {
  readonly index: number;
  readonly size: number;
  readonly leafHash: Uint8Array;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** Claims that an older tree is a prefix of a newer one. */
export interface ConsistencyClaim {
  readonly oldSize: number;
  readonly oldRoot: Uint8Array;
  readonly newSize: number;
  readonly newRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** Where a proof walks: a node of the claimed leaf's (or old tree's) path, and the last node of the same level. */
interface Position {
  node: number;
  last: number;
}

/** Checks an inclusion proof (RFC 9162 section 2.1.3.2). Work is bounded by the claimed size: 53 hashes.
 *  @throws {TrustError} PROOF_NOT_PROVEN */
export function verifyInclusion(hasher: TreeHasher, claim: InclusionClaim): void {
  if (!isTreeSize(claim.size) || !isTreeSize(claim.index)) throw notProven('a size or index is not possible');
  if (claim.index >= claim.size) throw notProven('the leaf index is not below the tree size');
  assertHashes([claim.leafHash, claim.root], claim.proof);
  const at: Position = { node: claim.index, last: claim.size - 1 };
  let hash = claim.leafHash;
  for (const sibling of claim.proof) {
    hash = takesLeft(at) ? hasher.node(sibling, hash) : hasher.node(hash, sibling);
  }
  if (at.last !== 0) throw notProven('the inclusion proof is too short');
  if (!equalBytes(hash, claim.root)) throw notProven('the inclusion proof leads to another root');
}

/** Checks a consistency proof (RFC 9162 section 2.1.4.2). From an old tree without leaves nothing can be proven,
 *  so that claim is refused unless both trees are empty.
 *  @throws {TrustError} PROOF_NOT_PROVEN */
export function verifyConsistency(hasher: TreeHasher, claim: ConsistencyClaim): void {
  const { oldSize, newSize, oldRoot, newRoot, proof } = claim;
  if (!isTreeSize(oldSize) || !isTreeSize(newSize)) throw notProven('a tree size is not possible');
  if (oldSize > newSize) throw notProven('the old tree is larger than the new one');
  assertHashes([oldRoot, newRoot], proof);
  if (oldSize === newSize) {
    verifySameTree(hasher, claim);
    return;
  }
  if (oldSize === 0) throw notProven('an empty tree is consistent with anything');
  const [oldHash, newHash] = walkBothTrees(hasher, claim, oldRoot);
  if (!equalBytes(oldHash, oldRoot)) throw notProven('the consistency proof leads to another old root');
  if (!equalBytes(newHash, newRoot)) throw notProven('the consistency proof leads to another new root');
}

/** The root that a consistency proof shows the first `oldSize` leaves of the newer tree to have. Whatever others say
 *  of that size, the newer tree has no other prefix. Of an old tree whose size is a power of two such a proof does
 *  not hold the root, so nothing is shown.
 *  @throws {TrustError} PROOF_NOT_PROVEN: the proof does not lead to the newer tree, or shows no prefix */
export function provenPrefix(hasher: TreeHasher, claim: Omit<ConsistencyClaim, 'oldRoot'>): Uint8Array {
  const { oldSize, newSize, newRoot, proof } = claim;
  if (!isTreeSize(oldSize) || !isTreeSize(newSize)) throw notProven('a tree size is not possible');
  if (oldSize === 0 || oldSize >= newSize) throw notProven('only a smaller tree with leaves is a prefix');
  assertHashes([newRoot], proof);
  const [prefix, newHash] = walkBothTrees(hasher, claim, undefined);
  if (!equalBytes(newHash, newRoot)) throw notProven('the consistency proof leads to another new root');
  return prefix;
}

/** Computes the old and the new root at once: left siblings belong to both, right siblings only to the new. */
function walkBothTrees(
  hasher: TreeHasher,
  { oldSize, newSize, proof }: Omit<ConsistencyClaim, 'oldRoot'>,
  oldRoot: Uint8Array | undefined,
): [oldHash: Uint8Array, newHash: Uint8Array] {
  const at: Position = { node: oldSize - 1, last: newSize - 1 };
  while (at.node % 2 === 1) climb(at);
  // The walk starts at the last perfect subtree of the old tree; if that is the whole old tree, its root is known.
  const [start, rest] = at.node === 0 ? [oldRoot, proof] : [proof[0], proof.slice(1)];
  if (start === undefined) throw notProven('the consistency proof is too short');
  let oldHash = start;
  let newHash = start;
  for (const sibling of rest) {
    const left = takesLeft(at);
    if (left) oldHash = hasher.node(sibling, oldHash);
    newHash = left ? hasher.node(sibling, newHash) : hasher.node(newHash, sibling);
  }
  if (at.last !== 0) throw notProven('the consistency proof is too short');
  return [oldHash, newHash];
}

function verifySameTree(hasher: TreeHasher, claim: ConsistencyClaim): void {
  if (claim.proof.length > 0) throw notProven('the consistency proof is too long');
  if (!equalBytes(claim.oldRoot, claim.newRoot)) throw notProven('trees of one size have different roots');
  if (claim.newSize === 0 && !equalBytes(claim.newRoot, hasher.empty())) {
    throw notProven('the root is not that of a tree without leaves');
  }
}

/** Tells on which side the next sibling stands, and moves up past it. */
function takesLeft(at: Position): boolean {
  if (at.last === 0) throw notProven('the proof is too long');
  const left = at.node % 2 === 1 || at.node === at.last;
  // A last node without right sibling passes unchanged through every level at which it has no left one either.
  if (left) while (at.node % 2 === 0 && at.node !== 0) climb(at);
  climb(at);
  return left;
}

function climb(at: Position): void {
  at.node = half(at.node);
  at.last = half(at.last);
}

function assertHashes(claimed: readonly Uint8Array[], proof: readonly Uint8Array[]): void {
  if (!claimed.every(isHash) || !proof.every(isHash)) throw notProven('a hash is not 32 bytes long');
}

function notProven(reason: string): TrustError {
  return new TrustError('PROOF_NOT_PROVEN', reason);
}
