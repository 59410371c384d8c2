import { ripemd160, sha1 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { encodeHex } from '../../encoding/hex.js';
import { encodeUtf8 } from '../../encoding/utf8.js';
import { malformed } from '../../error.js';
import type { OtsReader } from './reader.js';

/** Longest message an operation takes or gives, and longest argument, in bytes; as in python-opentimestamps. */
export const MAX_MESSAGE = 4_096;

/** One operation on a message; `argument` only of those that have one. */
export interface OtsOp {
  readonly tag: number;
  readonly argument?: Uint8Array;
}

const SHA256 = 0x08;
const APPEND = 0xf0;
const PREPEND = 0xf1;

type Unary = (message: Uint8Array) => Uint8Array;

/** Operations without argument by their tag. */
const UNARY: Readonly<Record<number, Unary>> = {
  2: sha1,
  3: ripemd160,
  [SHA256]: sha256,
  103: keccak_256,
  242: (message) => message.toReversed(),
  243: (message) => encodeUtf8(encodeHex(message)),
};

/** SHA-256, which a file of ours begins with. */
export const SHA256_OP: OtsOp = { tag: SHA256 };

/** Puts bytes behind the message. */
export function appendOp(argument: Uint8Array): OtsOp {
  return { tag: APPEND, argument };
}

/** Reads the rest of an operation whose tag was read.
 *  @throws {TrustError} MALFORMED, also for a tag that is not known: what it does cannot be followed */
export function readOp(tag: number, reader: OtsReader): OtsOp {
  if (tag === APPEND || tag === PREPEND) return { tag, argument: reader.text(1, MAX_MESSAGE) };
  if (UNARY[tag] === undefined) throw malformed('a timestamp with an operation that is not known');
  return { tag };
}

/** @throws {TrustError} MALFORMED: the message becomes longer than 4,096 bytes */
export function applyOp({ tag, argument }: OtsOp, message: Uint8Array): Uint8Array {
  const result =
    argument === undefined
      ? (UNARY[tag] as Unary)(message)
      : tag === APPEND
        ? join(message, argument)
        : join(argument, message);
  if (result.length > MAX_MESSAGE) throw malformed('a timestamp whose message becomes too long');
  return result;
}

function join(left: Uint8Array, right: Uint8Array): Uint8Array {
  const both = new Uint8Array(left.length + right.length);
  both.set(left);
  both.set(right, left.length);
  return both;
}
