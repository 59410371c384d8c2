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
const TEXT_LENGTH = 42;
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
  if (sid.length !== TEXT_LENGTH || !SID.test(sid)) throw malformed('text that is not a session id');
  const bytes = decodeBase64url(sid.slice(4));
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    node: view.getUint32(0),
    boot: view.getUint32(4),
    slot: view.getUint32(8),
    random: bytes.slice(12),
  };
}

/** The value of each base64url character, by its code unit; -1 for every other one, which stays below 0 however far it
 *  is shifted within a group of 30 bits. */
const SIX_BITS = new Int8Array(65_536).fill(-1);
for (let value = 0; value < 64; value++) SIX_BITS[ALPHABET.charCodeAt(value)] = value;

/** `ses_`, whose characters are of the alphabet as well. */
const PREFIX = twentyFourBits('ses_', 0);

/** Reads a session id into seven words (node, boot, slot, four of randomness), without making anything; false if the
 *  text is none, and then the words mean nothing. */
export function readSessionId(sid: string, words: Uint32Array): boolean {
  return sid.length === TEXT_LENGTH && twentyFourBits(sid, 0) === PREFIX && decodeSessionWords(sid, 4, words);
}

/** Decodes the 38 characters of a session id that stand at `at`; false if they are none. They are 228 bits, of which
 *  the last four must be zero: there is one spelling. */
export function decodeSessionWords(text: string, at: number, words: Uint32Array): boolean {
  const sound = decodeThreeWords(text, at, words, 0) | decodeThreeWords(text, at + 16, words, 3);
  const high = thirtyBits(text, at + 32);
  const last = sixBits(text, at + 37);
  words[6] = (high << 2) | (last >>> 4);
  return (sound | high | last) >= 0 && (last & 15) === 0;
}

/** 16 characters, 12 bytes. Below 0 if a character is none of base64url. */
function decodeThreeWords(text: string, at: number, words: Uint32Array, to: number): number {
  const first = thirtyBits(text, at);
  const fifth = sixBits(text, at + 5);
  const second = twentyFourBits(text, at + 6);
  const tenth = sixBits(text, at + 10);
  const third = thirtyBits(text, at + 11);
  words[to] = (first << 2) | (fifth >>> 4);
  words[to + 1] = (fifth << 28) | (second << 4) | (tenth >>> 2);
  words[to + 2] = (tenth << 30) | third;
  return first | fifth | second | tenth | third;
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

/** The value of one base64url character, or -1. */
export function sixBits(text: string, at: number): number {
  return SIX_BITS[text.charCodeAt(at)] as number;
}

/** True for an integer that fits the four bytes of a node, boot or slot. */
export function isUint32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}
