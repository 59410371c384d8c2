import { keccak_256 } from '@noble/hashes/sha3.js';
import { encodeRlp, type RlpItem } from './rlp.js';

/** A secure Merkle-Patricia trie, built at once. Nodes of less than 32 bytes would stand inside others: values are long
 *  enough that there are none. */
export interface TestTrie {
  readonly root: Uint8Array;
  /** From the root down. */
  prove(key: Uint8Array): Uint8Array[];
}

interface Entry {
  readonly path: readonly number[];
  readonly value: Uint8Array;
}

/** Builds the trie of these values, by key. */
export function buildTrie(values: readonly (readonly [key: Uint8Array, value: Uint8Array])[]): TestTrie {
  const nodes = new Map<string, Uint8Array>();
  const put = (item: RlpItem): Uint8Array => {
    const node = encodeRlp(item);
    const hash = keccak_256(node);
    nodes.set(hash.join(), node);
    return hash;
  };
  const entries = values.map(([key, value]) => ({ path: nibbles(keccak_256(key)), value }));
  const root = putNode(entries, 0, put);
  return { root, prove: (key) => walk(root, nibbles(keccak_256(key)), nodes) };
}

function putNode(entries: readonly Entry[], at: number, put: (item: RlpItem) => Uint8Array): Uint8Array {
  const [first] = entries;
  if (first === undefined) throw new RangeError('a trie of nothing');
  if (entries.length === 1) return put([hexPrefix(first.path.slice(at), true), first.value]);
  let shared = at;
  while (entries.every(({ path }) => path[shared] === first.path[shared])) shared += 1;
  if (shared > at) {
    const below = putNode(entries, shared, put);
    return put([hexPrefix(first.path.slice(at, shared), false), below]);
  }
  const children = Array.from({ length: 16 }, (_, nibble) => {
    const inside = entries.filter(({ path }) => path[at] === nibble);
    return inside.length === 0 ? new Uint8Array(0) : putNode(inside, at + 1, put);
  });
  return put([...children, new Uint8Array(0)]);
}

/** The nodes on the way, as far as there is one: by trying which hash of each node is known. */
function walk(
  root: Uint8Array,
  path: readonly number[],
  nodes: ReadonlyMap<string, Uint8Array>,
): Uint8Array[] {
  const found: Uint8Array[] = [];
  let hash: Uint8Array | undefined = root;
  let at = 0;
  while (hash !== undefined) {
    const node = nodes.get(hash.join());
    if (node === undefined) return found;
    found.push(node);
    const children = childrenOf(node);
    hash = children.length === 1 ? children[0] : children[path[at] ?? 0];
    at += children.length === 1 ? extensionLength(node) : 1;
  }
  return found;
}

/** Only of nodes made above: a branch has 17 items of 0 or 32 bytes, an extension two of which the second has 32. */
function childrenOf(node: Uint8Array): (Uint8Array | undefined)[] {
  const items = itemsOf(node);
  if (items.length === 17) return items.slice(0, 16).map((item) => (item.length === 32 ? item : undefined));
  const isLeaf = ((items[0]?.[0] ?? 0) & 0x20) !== 0;
  return [isLeaf ? undefined : items[1]];
}

function extensionLength(node: Uint8Array): number {
  const encoded = itemsOf(node)[0] ?? new Uint8Array(0);
  return 2 * (encoded.length - 1) + (((encoded[0] ?? 0) & 0x10) === 0 ? 0 : 1);
}

function itemsOf(node: Uint8Array): Uint8Array[] {
  const items: Uint8Array[] = [];
  const first = node[0] ?? 0;
  for (let at = first <= 0xf7 ? 1 : 1 + first - 0xf7; at < node.length; ) {
    const code = node[at] ?? 0;
    const long = code > 0xb7 ? code - 0xb7 : 0;
    const length = long > 0 ? (node[at + 1] ?? 0) : code < 0x80 ? 1 : code - 0x80;
    const start = code < 0x80 ? at : at + 1 + long;
    items.push(node.subarray(start, start + length));
    at = start + length;
  }
  return items;
}

/** Hex prefix encoding. */
export function hexPrefix(path: readonly number[], isLeaf: boolean): Uint8Array {
  const flag = isLeaf ? 2 : 0;
  const all = path.length % 2 === 0 ? [flag, 0, ...path] : [flag + 1, ...path];
  return Uint8Array.from(
    { length: all.length / 2 },
    (_, i) => (all[2 * i] as number) * 16 + (all[2 * i + 1] as number),
  );
}

export function nibbles(bytes: Uint8Array): number[] {
  return [...bytes].flatMap((byte) => [byte >> 4, byte & 15]);
}
