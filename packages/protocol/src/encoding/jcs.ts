import { createJcsWriter } from './jcs-writer.js';
import { decodeUtf8 } from './utf8.js';

const shared = createJcsWriter();
let isWriting = false;

/** Writes a value as canonical JSON (RFC 8785): members sorted by UTF-16 units, no white space, numbers as
 *  ECMAScript prints them, `-0` as `0`. What is hashed or signed are its bytes: `canonicalBytes`.
 *  Only JSON is accepted: `undefined`, NaN, infinities, lone surrogates, holes, symbols, functions, bigints and
 *  objects that are not plain (Date, Map, instances) are refused, and so is anything deeper than 128 levels,
 *  which includes every cycle. `toJSON` is not called.
 *  @throws {TrustError} MALFORMED */
export function canonicalize(value: unknown): string {
  return written(value, decodeUtf8);
}

/** The UTF-8 form of `canonicalize`, without the text.
 *  @throws {TrustError} MALFORMED */
export function canonicalBytes(value: unknown): Uint8Array {
  return written(value, (bytes) => bytes.slice());
}

function written<T>(value: unknown, take: (bytes: Uint8Array) => T): T {
  // A getter may want canonical JSON while the value it is of is being written.
  if (isWriting) return take(createJcsWriter().write(value));
  isWriting = true;
  try {
    return take(shared.write(value));
  } finally {
    isWriting = false;
  }
}
