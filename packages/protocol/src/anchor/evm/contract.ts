import { keccak_256 } from '@noble/hashes/sha3.js';
import { decodeHex } from '../../encoding/hex.js';
import { encodeUtf8 } from '../../encoding/utf8.js';
import { malformed } from '../../error.js';
import { decodeRlpString } from './rlp.js';

const WORD = 32;

/** Keccak-256 of the code of every version of the anchor contract: what an account must have for its storage to follow the
 *  rules of that contract (AUD-37). The server's tests hold it against the compiler. */
export const ANCHOR_CODE_HASHES: readonly string[] = [
  '8f193e75e9480cb43e014c1da8d9651952d2390307dbf9d8ed1a29459ce92a55',
];

/** Where the contract keeps a log: the slot of size and flag, and the slot of the root behind it. 32 bytes each. */
export interface HeadSlots {
  readonly head: Uint8Array;
  readonly root: Uint8Array;
}

/** The hash under which the contract knows an origin. */
export function originHashOf(origin: string): Uint8Array {
  return keccak_256(encodeUtf8(origin));
}

/** Finds the two slots of `heads[keccak256(origin)][anchorer]`, a mapping in a mapping at slot 0 (Solidity, layout of
 *  state variables in storage). `anchorer` is `0x` and lowercase hex. */
export function headSlots(origin: string, anchorer: string): HeadSlots {
  const ofOrigin = keccak_256(join(originHashOf(origin), new Uint8Array(WORD)));
  const head = keccak_256(join(padLeft(decodeHex(anchorer.slice(2))), ofOrigin));
  return { head, root: successor(head) };
}

/** What the first slot says; a value that no such slot has is not `registered`. */
export function readHead(value: Uint8Array): { readonly registered: boolean; readonly size: bigint } {
  const word = readWord(value);
  const size = new DataView(word.buffer, word.byteOffset).getBigUint64(24);
  const registered = word.subarray(0, 24).every((byte, i) => byte === (i === 23 ? 1 : 0));
  return { registered, size };
}

/** A word of storage from its value in the trie: RLP of the bytes without leading zeros.
 *  @throws {TrustError} MALFORMED */
export function readWord(value: Uint8Array): Uint8Array {
  const bytes = decodeRlpString(value);
  if (bytes.length > WORD || bytes[0] === 0) throw malformed('a value of storage that is no word');
  return padLeft(bytes);
}

function padLeft(bytes: Uint8Array): Uint8Array {
  const word = new Uint8Array(WORD);
  word.set(bytes, WORD - bytes.length);
  return word;
}

function successor(slot: Uint8Array): Uint8Array {
  const next = Uint8Array.from(slot);
  let at = WORD - 1;
  while (next[at] === 0xff) next[at--] = 0;
  next[at] = (next[at] as number) + 1;
  return next;
}

function join(left: Uint8Array, right: Uint8Array): Uint8Array {
  const both = new Uint8Array(left.length + right.length);
  both.set(left);
  both.set(right, left.length);
  return both;
}
