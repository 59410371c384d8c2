import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTrustError } from '../error.js';
import { makeProof, planConsistency, planInclusion } from './proof.js';
import {
  type ConsistencyClaim,
  type InclusionClaim,
  verifyConsistency,
  verifyInclusion,
} from './proof-check.js';
import type { HashReader, NodeId } from './range.js';
import { hasher, sampleEntries, slowRoot } from './testing/reference.js';

const MAX = 64;
const ENTRIES = sampleEntries(MAX);
const LEAVES = ENTRIES.map((entry) => hasher.leaf(entry));
const ROOTS = Array.from({ length: MAX + 1 }, (_, size) => slowRoot(ENTRIES.slice(0, size)));
const NODES = new Map<string, Uint8Array>();

/** Knows only the nodes of the tree of `size`: a proof that looked further would fail. */
function readerAt(size: number): HashReader {
  return ({ level, index }: NodeId) => {
    const end = (index + 1) * 2 ** level;
    if (end > size) throw new Error(`node ${level}/${index} is not in a tree of ${size}`);
    const key = `${level}/${index}`;
    const hash = NODES.get(key) ?? slowRoot(ENTRIES.slice(index * 2 ** level, end));
    NODES.set(key, hash);
    return hash;
  };
}

function inclusion(index: number, size: number): InclusionClaim {
  const proof = makeProof(hasher, readerAt(size), planInclusion(index, size));
  return { index, size, leafHash: LEAVES[index]!, root: ROOTS[size]!, proof };
}

function consistency(oldSize: number, newSize: number): ConsistencyClaim {
  const proof = makeProof(hasher, readerAt(newSize), planConsistency(oldSize, newSize));
  return { oldSize, newSize, oldRoot: ROOTS[oldSize]!, newRoot: ROOTS[newSize]!, proof };
}

function refusal(check: () => void): string {
  try {
    check();
  } catch (error) {
    if (isTrustError(error) && error.code === 'PROOF_NOT_PROVEN') return error.data.reason ?? '';
    throw error;
  }
  throw new Error('a false claim was accepted');
}

/** Each way to damage a list of hashes by one step. */
function mutations(proof: readonly Uint8Array[]): Uint8Array[][] {
  const flip = (hash: Uint8Array): Uint8Array =>
    Uint8Array.from(hash, (byte, i) => (i === 7 ? byte ^ 1 : byte));
  const changed = proof.map((hash, i) => proof.with(i, flip(hash)));
  const dropped = proof.map((_, i) => proof.toSpliced(i, 1));
  const extra = LEAVES[0]!;
  const added = [...proof, extra].map((_, i) => proof.toSpliced(i, 0, extra));
  const swapped = proof.slice(1).map((hash, i) => proof.with(i, hash).with(i + 1, proof[i]!));
  const short = proof.map((hash, i) => proof.with(i, hash.subarray(1)));
  return [...changed, ...dropped, ...added, ...swapped, ...short];
}

describe('inclusion', () => {
  it('is proven for every leaf of every size to 64', () => {
    for (let size = 1; size <= MAX; size++) {
      for (let index = 0; index < size; index++) verifyInclusion(hasher, inclusion(index, size));
    }
  });

  it('is refused for every damaged proof to 33', () => {
    for (let size = 1; size <= 33; size++) {
      for (let index = 0; index < size; index++) {
        const claim = inclusion(index, size);
        for (const proof of mutations(claim.proof))
          refusal(() => verifyInclusion(hasher, { ...claim, proof }));
      }
    }
  });

  it('is refused for another leaf, index, root, or a size whose path differs', () => {
    for (let size = 2; size <= 20; size++) {
      for (let index = 0; index < size; index++) {
        const claim = inclusion(index, size);
        refusal(() => verifyInclusion(hasher, { ...claim, leafHash: LEAVES[index ^ 1]! }));
        refusal(() => verifyInclusion(hasher, { ...claim, index: index ^ 1 }));
        refusal(() => verifyInclusion(hasher, { ...claim, root: ROOTS[size - 1]! }));
        refusal(() => verifyInclusion(hasher, { ...claim, size: size * 2 }));
      }
    }
  });

  it('is refused for an inner node passed off as a leaf', () => {
    const claim = inclusion(0, 8);
    const leafHash = hasher.node(LEAVES[0]!, LEAVES[1]!);
    expect(
      refusal(() => verifyInclusion(hasher, { ...claim, size: 8, leafHash, proof: claim.proof.slice(1) })),
    ).toContain('too short');
  });

  it('is refused for sizes, indexes and hashes that cannot be', () => {
    const claim = inclusion(3, 5);
    for (const bad of [-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
      refusal(() => verifyInclusion(hasher, { ...claim, size: bad }));
      refusal(() => verifyInclusion(hasher, { ...claim, index: bad }));
    }
    expect(refusal(() => verifyInclusion(hasher, { ...claim, index: 5 }))).toContain('not below');
    refusal(() => verifyInclusion(hasher, { ...claim, size: 0, index: 0 }));
    refusal(() => verifyInclusion(hasher, { ...claim, leafHash: new Uint8Array(31) }));
    refusal(() => verifyInclusion(hasher, { ...claim, root: new Uint8Array(0) }));
  });

  it('is not planned for a leaf that is not there', () => {
    expect(() => planInclusion(5, 5)).toThrow(RangeError);
    expect(() => planInclusion(-1, 5)).toThrow(RangeError);
    expect(() => planInclusion(0, 0)).toThrow(RangeError);
    expect(planInclusion(2 ** 52, Number.MAX_SAFE_INTEGER)).toHaveLength(53);
  });
});

describe('consistency', () => {
  it('is proven for every pair of sizes to 64', () => {
    for (let newSize = 1; newSize <= MAX; newSize++) {
      for (let oldSize = 1; oldSize <= newSize; oldSize++)
        verifyConsistency(hasher, consistency(oldSize, newSize));
    }
  });

  it('is refused for every damaged proof to 20', () => {
    for (let newSize = 1; newSize <= 20; newSize++) {
      for (let oldSize = 1; oldSize <= newSize; oldSize++) {
        const claim = consistency(oldSize, newSize);
        for (const proof of mutations(claim.proof))
          refusal(() => verifyConsistency(hasher, { ...claim, proof }));
      }
    }
  });

  it('is refused for another root or another size', () => {
    for (let newSize = 3; newSize <= 20; newSize++) {
      for (let oldSize = 2; oldSize < newSize; oldSize++) {
        const claim = consistency(oldSize, newSize);
        refusal(() => verifyConsistency(hasher, { ...claim, oldRoot: LEAVES[0]! }));
        refusal(() => verifyConsistency(hasher, { ...claim, newRoot: LEAVES[0]! }));
        refusal(() => verifyConsistency(hasher, { ...claim, oldSize: oldSize - 1 }));
        refusal(() => verifyConsistency(hasher, { ...claim, newSize: newSize * 2 }));
      }
    }
  });

  it('is refused for a log that dropped, changed or reordered an old entry', () => {
    const forked = ENTRIES.slice(0, 12).with(3, ENTRIES[4]!);
    const claim = consistency(8, 12);
    expect(refusal(() => verifyConsistency(hasher, { ...claim, newRoot: slowRoot(forked) }))).toContain(
      'new root',
    );
  });

  it('holds between equal trees only without a proof, and for empty trees only with the empty root', () => {
    const same = consistency(5, 5);
    expect(same.proof).toEqual([]);
    refusal(() => verifyConsistency(hasher, { ...same, proof: [LEAVES[0]!] }));
    refusal(() => verifyConsistency(hasher, { ...same, newRoot: ROOTS[6]! }));
    const empty = { oldSize: 0, newSize: 0, oldRoot: ROOTS[0]!, newRoot: ROOTS[0]!, proof: [] };
    verifyConsistency(hasher, empty);
    refusal(() => verifyConsistency(hasher, { ...empty, oldRoot: ROOTS[1]!, newRoot: ROOTS[1]! }));
    refusal(() => verifyConsistency(hasher, { ...empty, newSize: 1, newRoot: ROOTS[1]! }));
  });

  it('is refused for sizes and hashes that cannot be', () => {
    const claim = consistency(3, 5);
    for (const bad of [-1, 0.5, Number.NaN, 2 ** 53]) {
      refusal(() => verifyConsistency(hasher, { ...claim, oldSize: bad }));
      refusal(() => verifyConsistency(hasher, { ...claim, newSize: bad }));
    }
    refusal(() => verifyConsistency(hasher, { ...claim, oldSize: 6 }));
    refusal(() => verifyConsistency(hasher, { ...claim, oldRoot: new Uint8Array(33) }));
    expect(() => planConsistency(0, 5)).toThrow(RangeError);
    expect(() => planConsistency(6, 5)).toThrow(RangeError);
    expect(() => planConsistency(-1, 5)).toThrow(RangeError);
  });
});

describe('hostile proofs', () => {
  const anyHash = fc.uint8Array({ minLength: 30, maxLength: 33 });
  const anySize = fc.oneof(fc.nat(70), fc.maxSafeNat(), fc.double());

  it('end in a refusal, whatever they hold', () => {
    fc.assert(
      fc.property(
        anySize,
        anySize,
        anyHash,
        anyHash,
        fc.array(anyHash, { maxLength: 60 }),
        (a, b, x, y, proof) => {
          refusal(() =>
            verifyInclusion(hasher, { index: a, size: b, leafHash: x, root: Uint8Array.of(1, ...y), proof }),
          );
          refusal(() =>
            verifyConsistency(hasher, {
              oldSize: a,
              newSize: b,
              oldRoot: x,
              newRoot: Uint8Array.of(1, ...y),
              proof,
            }),
          );
        },
      ),
    );
  });
});
