import { keccak_256 } from '@noble/hashes/sha3.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeUtf8 } from '../../encoding/utf8.js';
import { encodeRlp, type RlpItem } from '../testing/rlp.js';
import { buildTrie, hexPrefix, nibbles } from '../testing/trie.js';
import { readTrie } from './trie.js';

const value = (text: string): Uint8Array => keccak_256(encodeUtf8(`value of ${text}`));
const notProven = expect.objectContaining({ code: 'PROOF_NOT_PROVEN' });
const malformed = expect.objectContaining({ code: 'MALFORMED' });
const key = encodeUtf8('a key');
const path = nibbles(keccak_256(key));
const empty = new Uint8Array(0);

/** A proof of nodes that refer to each other, from the last one up. */
function chain(...nodes: ((below: Uint8Array) => RlpItem)[]): [root: Uint8Array, proof: Uint8Array[]] {
  const proof: Uint8Array[] = [];
  let below: Uint8Array = value('a key');
  for (const node of nodes.toReversed()) {
    const bytes = encodeRlp(node(below));
    proof.unshift(bytes);
    below = keccak_256(bytes);
  }
  return [below, proof];
}
const leaf = (nibblesOfPath: readonly number[]) => (below: Uint8Array) => [
  hexPrefix(nibblesOfPath, true),
  below,
];
const extension = (nibblesOfPath: readonly number[]) => (below: Uint8Array) => [
  hexPrefix(nibblesOfPath, false),
  below,
];
const branch = (nibble: number | undefined) => (below: Uint8Array) =>
  Array.from({ length: 17 }, (_, i) => (i === nibble ? below : empty));

describe('a Merkle-Patricia proof (AUD-38)', () => {
  it('leads to every value of a trie of any size', () => {
    const names = fc.uniqueArray(fc.string({ maxLength: 12 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(names, (keys) => {
        const trie = buildTrie(keys.map((name) => [encodeUtf8(name), value(name)]));
        for (const name of keys)
          expect(readTrie(trie.root, encodeUtf8(name), trie.prove(encodeUtf8(name)))).toEqual(value(name));
      }),
      { numRuns: 40 },
    );
  });

  const names = Array.from({ length: 50 }, (_, i) => `key ${i}`);
  const trie = buildTrie(names.map((name) => [encodeUtf8(name), value(name)]));

  it('says nothing of a key that is not there, or of another key', () => {
    const other = encodeUtf8('nobody wrote this');
    expect(() => readTrie(trie.root, other, trie.prove(other))).toThrow(notProven);
    const [a, b] = [encodeUtf8('key 1'), encodeUtf8('key 2')];
    expect(() => readTrie(trie.root, b, trie.prove(a))).toThrow(notProven);
  });

  it('is refused with any byte of any node changed', () => {
    const wanted = encodeUtf8('key 7');
    const proof = trie.prove(wanted);
    for (const [index, node] of proof.entries()) {
      for (let at = 0; at < node.length; at += 7) {
        const changed = Uint8Array.from(node);
        changed[at] = (changed[at] as number) ^ 1;
        expect(() => readTrie(trie.root, wanted, proof.with(index, changed))).toThrow('is not the one');
      }
    }
  });

  it('is refused when it ends early, goes on, or is of another trie', () => {
    const wanted = encodeUtf8('key 7');
    const proof = trie.prove(wanted);
    expect(() => readTrie(trie.root, wanted, proof.slice(0, -1))).toThrow('ends before');
    expect(() => readTrie(trie.root, wanted, [])).toThrow('ends before');
    expect(() => readTrie(trie.root, wanted, [...proof, proof[0] as Uint8Array])).toThrow('goes on');
    expect(() => readTrie(keccak_256(empty), wanted, proof)).toThrow(notProven);
  });

  it('may have its leaf at the root, below an extension, or below 64 branches', () => {
    for (const nodes of [
      [leaf(path)],
      [extension(path.slice(0, 5)), branch(path[5]), leaf(path.slice(6))],
      [...path.map(branch), leaf([])],
    ]) {
      const [root, proof] = chain(...nodes);
      expect(readTrie(root, key, proof)).toEqual(value('a key'));
    }
  });

  it.each([
    ['a leaf that ends early', [leaf(path.slice(0, 63))], notProven],
    ['a leaf of another path', [leaf(path.with(3, ((path[3] as number) + 1) % 16))], notProven],
    ['a leaf whose path is too long', [leaf([...path, 0])], notProven],
    [
      'an extension of another path',
      [extension([((path[0] as number) + 1) % 16]), leaf(path.slice(1))],
      notProven,
    ],
    ['an extension of no path', [extension([]), leaf(path)], malformed],
    ['a branch at the end of the path', [extension(path), branch(16), leaf([])], notProven],
    ['an empty place', [branch(undefined), leaf(path.slice(1))], notProven],
    ['a node of three items', [(below: Uint8Array) => [empty, empty, below]], malformed],
    ['a node of no items', [() => []], malformed],
    ['a path without flag', [(below: Uint8Array) => [empty, below]], malformed],
    ['a path whose flag is not known', [(below: Uint8Array) => [Uint8Array.of(0x40), below]], malformed],
    ['a path whose padding is not zero', [(below: Uint8Array) => [Uint8Array.of(0x21), below]], malformed],
    [
      'a node inside a node',
      [() => [hexPrefix([1], false), [Uint8Array.of(0x31), Uint8Array.of(1)]]],
      malformed,
    ],
    [
      'a reference of 31 bytes',
      [(below: Uint8Array) => [hexPrefix(path, false), below.subarray(1)]],
      notProven,
    ],
    ['a node that is too large', [() => [hexPrefix(path, true), new Uint8Array(1_024)]], malformed],
  ])('refuses %s', (_, nodes, refusal) => {
    const [root, proof] = chain(...(nodes as ((below: Uint8Array) => RlpItem)[]));
    expect(() => readTrie(root, key, proof)).toThrow(refusal);
  });
});
