import { describe, expect, it } from 'vitest';
import { createCompactTree, foldRight, rootOf } from './compact-tree.js';
import { assertHash, createTreeHasher } from './hash.js';
import { frontierAt, type HashReader, planCover, planRange, rangeRoot, rootAt } from './range.js';
import { hasher, sampleEntries, slowRoot } from './testing/reference.js';
import { readDecimal } from './tree-size.js';

const ENTRIES = sampleEntries(130);
const LEAVES = ENTRIES.map((entry) => hasher.leaf(entry));
const read: HashReader = ({ level, index }) =>
  slowRoot(ENTRIES.slice(index * 2 ** level, (index + 1) * 2 ** level));

describe('the cover of a range', () => {
  it('is the fewest perfect subtrees, and grafting them gives the tree', () => {
    for (let begin = 0; begin <= 40; begin += 1)
      for (let end = begin; end <= 40; end += 1) {
        const tree = createCompactTree(hasher);
        for (const leaf of LEAVES.slice(0, begin)) tree.append(leaf);
        for (const node of planCover(begin, end)) {
          expect(node.index * 2 ** node.level).toBe(tree.size);
          tree.graft(node.level, read(node));
        }
        expect([tree.size, tree.root()]).toEqual([end, slowRoot(ENTRIES.slice(0, end))]);
      }
    expect(planCover(1, Number.MAX_SAFE_INTEGER).length).toBeLessThanOrEqual(106);
    expect(() => planCover(2, 1)).toThrow(RangeError);
    expect(() => createCompactTree(hasher, { size: 1, hashes: [LEAVES[0]!] }).graft(1, LEAVES[1]!)).toThrow(
      RangeError,
    );
  });
});

describe('compact tree', () => {
  it('has the RFC 6962 root at every size, also when continued from its frontier', () => {
    let tree = createCompactTree(hasher);
    for (const [size, leaf] of LEAVES.entries()) {
      expect(tree.size).toBe(size);
      expect(tree.root()).toEqual(slowRoot(ENTRIES.slice(0, size)));
      expect(tree.frontier()).toEqual(frontierAt(read, size));
      if (size % 3 === 0) tree = createCompactTree(hasher, tree.frontier());
      tree.append(leaf);
    }
    expect(rootOf(hasher, LEAVES)).toEqual(slowRoot(ENTRIES));
  });

  it('names each perfect subtree once, as it is completed', () => {
    const seen = new Map<string, Uint8Array>();
    const tree = createCompactTree(hasher);
    for (const leaf of LEAVES) {
      tree.append(leaf, (level, index, hash) => {
        expect(seen.has(`${level}/${index}`)).toBe(false);
        seen.set(`${level}/${index}`, hash);
        expect(hash).toEqual(read({ level, index }));
      });
    }
    expect(seen.size).toBe(130 + 65 + 32 + 16 + 8 + 4 + 2 + 1);
  });

  it('costs one node hash for each leaf on average', () => {
    let nodes = 0;
    const counting = {
      ...hasher,
      node(left: Uint8Array, right: Uint8Array) {
        nodes++;
        return hasher.node(left, right);
      },
    };
    const tree = createCompactTree(counting);
    for (let i = 0; i < 1024; i++) tree.append(LEAVES[0]!);
    expect(nodes).toBe(1023);
    expect(tree.frontier().hashes).toHaveLength(1);
  });

  it('does not lose its state to whoever holds an old frontier', () => {
    const tree = createCompactTree(hasher, { size: 1, hashes: [LEAVES[0]!] });
    const old = tree.frontier();
    tree.append(LEAVES[1]!);
    expect(old).toEqual({ size: 1, hashes: [LEAVES[0]] });
  });

  it('refuses a frontier that does not fit its size, and hashes that are none', () => {
    expect(() => createCompactTree(hasher, { size: 3, hashes: [LEAVES[0]!] })).toThrow(RangeError);
    expect(() => createCompactTree(hasher, { size: 1, hashes: [new Uint8Array(31)] })).toThrow(RangeError);
    expect(() => createCompactTree(hasher, { size: -1, hashes: [] })).toThrow(RangeError);
    expect(() => createCompactTree(hasher, { size: 0.5, hashes: [] })).toThrow(RangeError);
    expect(() => createCompactTree(hasher).append(new Uint8Array(33))).toThrow(RangeError);
    expect(() => foldRight(hasher, [])).toThrow(RangeError);
  });

  it('stops at the largest size that a number can state', () => {
    const hashes = Array.from({ length: 53 }, () => LEAVES[0]!);
    const tree = createCompactTree(hasher, { size: Number.MAX_SAFE_INTEGER, hashes });
    expect(() => tree.append(LEAVES[0]!)).toThrow(RangeError);
    expect(tree.size).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('counts sizes beyond 32 bits', () => {
    const tree = createCompactTree(hasher, { size: 2 ** 40, hashes: [LEAVES[0]!] });
    tree.append(LEAVES[1]!, (level, index) => expect([level, index]).toEqual([0, 2 ** 40]));
    expect(tree.root()).toEqual(hasher.node(LEAVES[0]!, LEAVES[1]!));
  });
});

describe('range', () => {
  it('has the root of every aligned range to 64', () => {
    for (let end = 1; end <= 64; end++) {
      for (let begin = 0; begin < end; begin++) {
        const width = 2 ** Math.ceil(Math.log2(end - begin));
        if (begin % width !== 0) expect(() => planRange(begin, end)).toThrow(RangeError);
        else expect(rangeRoot(hasher, read, begin, end)).toEqual(slowRoot(ENTRIES.slice(begin, end)));
      }
    }
  });

  it('refuses ranges without leaves', () => {
    expect(() => planRange(4, 4)).toThrow(RangeError);
    expect(() => planRange(8, 4)).toThrow(RangeError);
    expect(() => planRange(-1, 4)).toThrow(RangeError);
  });

  it('knows the root of a tree without leaves', () => {
    expect(rootAt(hasher, read, 0)).toEqual(slowRoot([]));
    expect(rootAt(hasher, read, 77)).toEqual(slowRoot(ENTRIES.slice(0, 77)));
    expect(planRange(0, Number.MAX_SAFE_INTEGER)).toHaveLength(53);
  });
});

describe('hash', () => {
  it('tells leaves from nodes: a node is not the leaf of its children', () => {
    const [left, right] = [LEAVES[0]!, LEAVES[1]!];
    expect(hasher.node(left, right)).not.toEqual(hasher.leaf(Uint8Array.of(...left, ...right)));
  });

  it('does not mix up results that share a buffer', () => {
    const first = hasher.node(LEAVES[0]!, LEAVES[1]!);
    const copy = Uint8Array.from(first);
    hasher.node(LEAVES[2]!, LEAVES[3]!);
    expect(first).toEqual(copy);
  });

  it('refuses children that are not hashes', () => {
    const other = createTreeHasher(() => new Uint8Array(32));
    expect(() => other.node(new Uint8Array(33), new Uint8Array(31))).toThrow(RangeError);
    expect(() => assertHash(new Uint8Array(0))).toThrow(RangeError);
  });
});

describe('decimal', () => {
  it('reads what C2SP writes and nothing else', () => {
    expect(readDecimal('0')).toBe(0);
    expect(readDecimal('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER);
    for (const text of [
      '',
      '00',
      '01',
      '-1',
      '+1',
      '1.0',
      '1e3',
      ' 1',
      '1\n',
      '0x1',
      '9007199254740992',
      '१',
      '99999999999999999',
    ]) {
      expect(readDecimal(text)).toBeUndefined();
    }
  });
});
