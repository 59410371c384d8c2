import type { AsciiLine } from '../encoding/ascii-line.js';
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
/** In characters. */
export const SID_LENGTH = 42;
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
  if (sid.length !== SID_LENGTH || !SID.test(sid)) throw malformed('text that is not a session id');
  const bytes = decodeBase64url(sid.slice(4));
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    node: view.getUint32(0),
    boot: view.getUint32(4),
    slot: view.getUint32(8),
    random: bytes.slice(12),
  };
}

/** The twelve bits of each two base64url characters, by their bytes; -1 for all others, which stays below 0 in an `or`
 *  with whatever else was read. */
const TWELVE_BITS = new Int16Array(65_536).fill(-1);
for (const [high, first] of [...ALPHABET].entries())
  for (const [low, second] of [...ALPHABET].entries())
    TWELVE_BITS[(first.charCodeAt(0) << 8) | second.charCodeAt(0)] = (high << 6) | low;

/** `ses_`. */
const PREFIX = 0x7365_735f;

/** Reads a session id into seven words (node, boot, slot, four of randomness), without making anything; false if the
 *  text is none, and then the words mean nothing. */
export function readSessionId(sid: string, line: AsciiLine, words: Uint32Array): boolean {
  return (
    sid.length === SID_LENGTH &&
    line.write(sid) &&
    line.view.getInt32(0) === PREFIX &&
    decodeSessionWords(line.view, 4, words)
  );
}

/** Decodes the 38 characters of a session id that stand at `at`; false if they are none. They are 228 bits, of which
 *  the last four must be zero: there is one spelling. */
export function decodeSessionWords(view: DataView, at: number, words: Uint32Array): boolean {
  const sound = decodeThreeWords(view, at, words, 0) | decodeThreeWords(view, at + 16, words, 3);
  const first = twelveBits(view, at + 32);
  const second = twelveBits(view, at + 34);
  const last = twelveBits(view, at + 36);
  words[6] = (first << 20) | (second << 8) | (last >>> 4);
  return (sound | first | second | last) >= 0 && (last & 15) === 0;
}

/** 16 characters, 12 bytes. Below 0 if a character is none of base64url. */
function decodeThreeWords(view: DataView, at: number, words: Uint32Array, to: number): number {
  const a = twelveBits(view, at);
  const b = twelveBits(view, at + 2);
  const c = twelveBits(view, at + 4);
  const d = twelveBits(view, at + 6);
  const e = twelveBits(view, at + 8);
  const f = twelveBits(view, at + 10);
  const g = twelveBits(view, at + 12);
  const h = twelveBits(view, at + 14);
  words[to] = (a << 20) | (b << 8) | (c >>> 4);
  words[to + 1] = (c << 28) | (d << 16) | (e << 4) | (f >>> 8);
  words[to + 2] = (f << 24) | (g << 12) | h;
  return a | b | c | d | e | f | g | h;
}

/** The value of two base64url characters, or -1. */
export function twelveBits(view: DataView, at: number): number {
  return TWELVE_BITS[view.getUint16(at)] as number;
}

/** True for an integer that fits the four bytes of a node, boot or slot. */
export function isUint32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}
