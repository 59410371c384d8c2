import { keccak_256 } from '@noble/hashes/sha3.js';
import { MAX_TRIE_NODE } from '@talosprotocol/contracts';
import { equalBytes } from '../../crypto/equal.js';
import { malformed } from '../../error.js';
import { notAnchored } from '../not-anchored.js';
import { decodeRlpList } from './rlp.js';

/** Nibbles of a hashed key: the depth of a leaf. */
const DEPTH = 64;
const BRANCH_ITEMS = 17;

/** Reads what stands under a key in a secure Merkle-Patricia trie (Ethereum Yellow Paper, appendix D; keys are hashed)
 *  with this root, from a proof as `eth_getProof` gives it: the nodes from the root to the leaf, no other. A node that
 *  stands inside another is refused: it would have less than 32 bytes, which nothing on the way to a value that an anchor
 *  is proven with can have. Work is bounded by 64 nodes of 1,024 bytes.
 *  @throws {TrustError} PROOF_NOT_PROVEN | MALFORMED */
export function readTrie(root: Uint8Array, key: Uint8Array, proof: readonly Uint8Array[]): Uint8Array {
  const path = nibblesOf(keccak_256(key));
  let expected = root;
  let at = 0;
  for (const [index, node] of proof.entries()) {
    if (node.length > MAX_TRIE_NODE) throw malformed('a node of a trie that is too large');
    if (!equalBytes(keccak_256(node), expected))
      throw notAnchored('trie', `node ${index} of the proof is not the one that the trie has there`);
    const step = follow(decodeRlpList(node, BRANCH_ITEMS), path, at);
    if (step.isLeaf) {
      if (index + 1 < proof.length) throw notAnchored('trie', 'the proof goes on below its leaf');
      return step.next;
    }
    expected = step.next;
    at = step.at;
  }
  throw notAnchored('trie', 'the proof ends before it comes to a value');
}

interface Step {
  readonly next: Uint8Array;
  readonly at: number;
  readonly isLeaf: boolean;
}

function follow(items: readonly Uint8Array[], path: readonly number[], at: number): Step {
  const [first = new Uint8Array(0), second] = items;
  if (items.length === BRANCH_ITEMS) {
    // At the end of a path no branch can stand: all keys are equally long.
    const child = at < DEPTH ? items[path[at] as number] : undefined;
    return { next: assertReference(child), at: at + 1, isLeaf: false };
  }
  if (items.length !== 2 || second === undefined) throw malformed('a node of a trie with 2 or 17 items');
  const { isLeaf, nibbles } = readPath(first);
  if (nibbles.some((nibble, i) => nibble !== path[at + i]))
    throw notAnchored('trie', 'the trie has nothing under this key');
  const end = at + nibbles.length;
  if (isLeaf && end !== DEPTH) throw notAnchored('trie', 'a leaf stands where the path does not end');
  return isLeaf ? { next: second, at: end, isLeaf } : { next: assertReference(second), at: end, isLeaf };
}

/** The hash of the node below. An empty place, and a node inside the node, have another length. */
function assertReference(child: Uint8Array | undefined): Uint8Array {
  if (child?.length === 32) return child;
  throw notAnchored('trie', 'the trie has nothing under this key');
}

/** Hex prefix encoding (appendix C): a flag for leaves, one for an odd number of nibbles. */
function readPath(encoded: Uint8Array): { readonly isLeaf: boolean; readonly nibbles: readonly number[] } {
  const [flag = 0xff, pad = 0, ...rest] = nibblesOf(encoded);
  const isOdd = flag % 2 === 1;
  const isLeaf = flag >= 2;
  const nibbles = isOdd ? [pad, ...rest] : rest;
  if (flag > 3 || (!isOdd && pad !== 0) || (!isLeaf && nibbles.length === 0))
    throw malformed('a node of a trie whose path is not well formed');
  return { isLeaf, nibbles };
}

function nibblesOf(bytes: Uint8Array): number[] {
  return [...bytes].flatMap((byte) => [byte >> 4, byte & 15]);
}
