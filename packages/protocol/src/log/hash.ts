/** SHA-256 as a port: 32 bytes for any input, and the input is not kept after the call returns. */
export type Sha256 = (data: Uint8Array) => Uint8Array;

/** Bytes of one hash of the tree. */
export const HASH_BYTES = 32;

/** The three hashes of RFC 6962 section 2.1. Leaves and nodes are hashed with different prefixes, so that no
 *  inner node can be passed off as an entry. Call `leaf` with an entry, `node` with two hashes of 32 bytes. */
export interface TreeHasher {
  leaf(entry: Uint8Array): Uint8Array;
  node(left: Uint8Array, right: Uint8Array): Uint8Array;
  /** The root of a tree without leaves: SHA-256 of nothing. */
  empty(): Uint8Array;
}

const LEAF_PREFIX = 0;
const NODE_PREFIX = 1;

/** Builds the tree hashes over a SHA-256 port. */
export function createTreeHasher(sha256: Sha256): TreeHasher {
  // One buffer for all nodes: an append costs a hash and no allocation beyond its result.
  const pair = new Uint8Array(1 + 2 * HASH_BYTES);
  pair[0] = NODE_PREFIX;
  return {
    leaf(entry) {
      const input = new Uint8Array(1 + entry.length);
      input[0] = LEAF_PREFIX;
      input.set(entry, 1);
      return sha256(input);
    },
    node(left, right) {
      pair.set(assertHash(left), 1);
      pair.set(assertHash(right), 1 + HASH_BYTES);
      return sha256(pair);
    },
    empty: () => sha256(new Uint8Array(0)),
  };
}

/** True if the bytes have the length of a hash. */
export function isHash(bytes: Uint8Array): boolean {
  return bytes.length === HASH_BYTES;
}

/** Returns a hash the caller itself made or checked before.
 *  @throws {RangeError} not 32 bytes: a bug of the caller */
export function assertHash(hash: Uint8Array): Uint8Array {
  if (!isHash(hash)) throw new RangeError(`a tree hash has ${HASH_BYTES} bytes, not ${hash.length}`);
  return hash;
}
