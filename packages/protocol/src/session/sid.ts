import { decodeBase64url, encodeBase64url } from '../encoding/base64url.js';
import { malformed } from '../error.js';

/** What a session id says: whose table holds the session, of which start of that node, and in which slot. */
export interface SessionId {
  /** Number of the node, 0 to 2^32 - 1. */
  readonly node: number;
  /** Boot epoch of the node, 0 to 2^32 - 1; grows with each start. */
  readonly boot: number;
  readonly slot: number;
  /** 16 bytes that nobody can guess. */
  readonly random: Uint8Array;
}

const SID = /^ses_[A-Za-z0-9_-]{38}$/;
const BYTES = 28;
const LENGTH = 42;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Writes a session id (SES-8): `ses_` and 38 base64url characters.
 *  @throws {RangeError} a number that is not a 32-bit unsigned integer, or not 16 random bytes */
export function encodeSessionId(id: SessionId): string {
  if (id.random.length !== 16) throw new RangeError('a session id needs 16 random bytes');
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of [id.node, id.boot, id.slot].entries()) {
    if (!isUint32(value)) throw new RangeError('a part of a session id is not a 32-bit unsigned integer');
    view.setUint32(4 * index, value);
  }
  bytes.set(id.random, 12);
  return `ses_${encodeBase64url(bytes)}`;
}

/** Reads a session id; each has exactly one spelling.
 *  @throws {TrustError} MALFORMED */
export function decodeSessionId(sid: string): SessionId {
  if (sid.length !== 42 || !SID.test(sid)) throw malformed('text that is not a session id');
  const bytes = decodeBase64url(sid.slice(4));
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    node: view.getUint32(0),
    boot: view.getUint32(4),
    slot: view.getUint32(8),
    random: bytes.slice(12),
  };
}

/** What stands in for a character that is not base64url: no six bits. */
export const NO_BITS = 64;
export const SIX_BITS = Uint8Array.from({ length: 128 }, (_, code) => {
  const index = ALPHABET.indexOf(String.fromCharCode(code));
  return index < 0 ? NO_BITS : index;
});

/** Reads the session id that stands in `text` at `at` into seven words (node, boot, slot, four of randomness),
 *  without making anything; false if none stands there. The 42 characters may have others before and after. */
export function readSessionId(text: string, at: number, words: Uint32Array): boolean {
  if (at + LENGTH > text.length || !text.startsWith('ses_', at)) return false;
  let bad = readThreeWords(text, at + 4, words, 0) | readThreeWords(text, at + 20, words, 3);
  let last = 0;
  let above = 0;
  for (let i = at + 36; i < at + LENGTH; i++) {
    const code = text.charCodeAt(i);
    const bits = SIX_BITS[code & 127] as number;
    above |= code;
    bad |= bits & NO_BITS;
    last = (last << 6) | bits;
  }
  // 38 characters are 228 bits, of which the last four must be zero: one spelling each.
  const first = SIX_BITS[text.charCodeAt(at + 36) & 127] as number;
  words[6] = (first << 26) | ((last >>> 4) & 0x3ff_ffff);
  return bad === 0 && above < 128 && (last & 15) === 0;
}

/** 16 characters, 12 bytes; 0 if all are base64url. */
function readThreeWords(text: string, at: number, words: Uint32Array, to: number): number {
  let bad = 0;
  for (let half = 0, word = 0; half < 16; half++) {
    const code = text.charCodeAt(at + half);
    const bits = SIX_BITS[code & 127] as number;
    bad |= (bits & NO_BITS) | (code & ~127);
    // Characters 5 and 10 lie across the border of two words.
    if (half === 5) {
      words[to] = (word << 2) | (bits >>> 4);
      word = bits & 15;
    } else if (half === 10) {
      words[to + 1] = (word << 4) | (bits >>> 2);
      word = bits & 3;
    } else word = (word << 6) | bits;
    if (half === 15) words[to + 2] = word;
  }
  return bad;
}

/** True for an integer that fits the four bytes of a node, boot or slot. */
export function isUint32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}
