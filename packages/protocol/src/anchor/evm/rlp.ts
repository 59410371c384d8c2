import { malformed } from '../../error.js';

/** Reads one string of RLP (Ethereum Yellow Paper, appendix B), which is all of `bytes`, in its one canonical form.
 *  @throws {TrustError} MALFORMED */
export function decodeRlpString(bytes: Uint8Array): Uint8Array {
  const { start, end } = readString(bytes, 0);
  if (end !== bytes.length) throw malformed('RLP: bytes behind the end');
  return bytes.subarray(start, end);
}

/** Reads a list of strings, which is all of `bytes`. A list inside the list is refused: nothing that an anchor is proven
 *  with has one, and so there is no depth and no recursion.
 *  @throws {TrustError} MALFORMED, also for more than `maxItems` */
export function decodeRlpList(bytes: Uint8Array, maxItems: number): Uint8Array[] {
  const first = bytes[0] ?? 0;
  if (first < LIST) throw malformed('RLP: a string in place of a list');
  const { start, end } = readLength(bytes, 0, first - LIST);
  if (end !== bytes.length) throw malformed('RLP: a list whose length is not what is there');
  const items: Uint8Array[] = [];
  for (let at = start; at < end; ) {
    if (items.length === maxItems) throw malformed('RLP: a list with too many items');
    const item = readString(bytes, at);
    items.push(bytes.subarray(item.start, item.end));
    at = item.end;
  }
  return items;
}

/** Reads a scalar: big-endian, without leading zeros, at most 2^53 - 1.
 *  @throws {TrustError} MALFORMED */
export function readScalar(bytes: Uint8Array): number {
  if (bytes[0] === 0) throw malformed('RLP: a number with a leading zero');
  let value = 0;
  for (const byte of bytes.subarray(0, 8)) value = value * 256 + byte;
  if (bytes.length > 8 || !Number.isSafeInteger(value)) throw malformed('RLP: a number that is too large');
  return value;
}

const STRING = 0x80;
const LIST = 0xc0;
/** Longest content whose length is in the first byte. */
const SHORT = 55;

interface Place {
  readonly start: number;
  readonly end: number;
}

function readString(bytes: Uint8Array, at: number): Place {
  const first = bytes[at] ?? LIST;
  if (first >= LIST) throw malformed('RLP: a list or nothing in place of a string');
  if (first < STRING) return { start: at, end: at + 1 };
  const place = readLength(bytes, at, first - STRING);
  if (first === STRING + 1 && (bytes[place.start] as number) < STRING) {
    throw malformed('RLP: a byte that stands for itself was written as a string');
  }
  return place;
}

/** Where content begins and ends: `code` is its length or, beyond 55, how many bytes of length follow. */
function readLength(bytes: Uint8Array, at: number, code: number): Place {
  const width = Math.max(0, code - SHORT);
  const start = at + 1 + width;
  if (width > 3 || start > bytes.length) throw malformed('RLP: a length that is too long');
  const length = width === 0 ? code : readScalar(bytes.subarray(at + 1, start));
  if (width > 0 && length <= SHORT) throw malformed('RLP: a short length in the long form');
  if (start + length > bytes.length) throw malformed('RLP: content that is cut off');
  return { start, end: start + length };
}
