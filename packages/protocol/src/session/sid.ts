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
/** 38 characters are 228 bits, of which the last four must be zero. */
const ONE_SPELLING = /^ses_[A-Za-z0-9_-]{37}[AQgw]$/;
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

/** The value of each base64url character, by its code. */
const SIX_BITS = Uint8Array.from({ length: 128 }, (_, code) =>
  Math.max(0, ALPHABET.indexOf(String.fromCharCode(code))),
);

/** Reads a session id into seven words (node, boot, slot, four of randomness), without making anything; false if the
 *  text is none. */
export function readSessionId(sid: string, words: Uint32Array): boolean {
  if (!ONE_SPELLING.test(sid)) return false;
  decodeSessionWords(sid, 4, words);
  return true;
}

/** Decodes the 38 characters of a session id that stand at `at`, known to be well formed. */
export function decodeSessionWords(text: string, at: number, words: Uint32Array): void {
  decodeThreeWords(text, at, words, 0);
  decodeThreeWords(text, at + 16, words, 3);
  words[6] = (thirtyBits(text, at + 32) << 2) | (sixBits(text, at + 37) >>> 4);
}

/** 16 characters, 12 bytes. */
function decodeThreeWords(text: string, at: number, words: Uint32Array, to: number): void {
  const fifth = sixBits(text, at + 5);
  const tenth = sixBits(text, at + 10);
  words[to] = (thirtyBits(text, at) << 2) | (fifth >>> 4);
  words[to + 1] = (fifth << 28) | (twentyFourBits(text, at + 6) << 4) | (tenth >>> 2);
  words[to + 2] = (tenth << 30) | thirtyBits(text, at + 11);
}

function thirtyBits(text: string, at: number): number {
  return (twentyFourBits(text, at) << 6) | sixBits(text, at + 4);
}

function twentyFourBits(text: string, at: number): number {
  return (
    (sixBits(text, at) << 18) |
    (sixBits(text, at + 1) << 12) |
    (sixBits(text, at + 2) << 6) |
    sixBits(text, at + 3)
  );
}

/** The value of one base64url character. */
export function sixBits(text: string, at: number): number {
  return SIX_BITS[text.charCodeAt(at) & 127] as number;
}

/** True for an integer that fits the four bytes of a node, boot or slot. */
export function isUint32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}
