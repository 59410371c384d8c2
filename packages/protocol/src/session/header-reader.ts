import type { MacRoom } from '../crypto/provider.js';
import { decodeSessionWords, sixBits } from './sid.js';

/** What was read of an `Authorization: Talos` header last, in place: nothing is made for each request. */
export interface HeaderReader {
  /** Node, boot, slot and four words of randomness of the sid. */
  readonly sid: Uint32Array;
  readonly mac: Uint8Array;
  seq: number;
  /** How many digits `seq` has. */
  digits: number;
  /** True if the value is exactly of the form of SES-6; only then the rest says something, and its characters are the
   *  bytes of the room from the reader's place on. */
  read(value: string): boolean;
}

/** `Talos sid=` and 42 characters, `, seq=` and 1 to 16 digits, then what has always the same length. */
export const SID_AT = 10;
export const SID_END = 52;
export const SEQ_AT = 58;
/** From the end of the digits on. */
export const RID_AT = 6;
const RID_END = 42;
const MAC_AT = 48;
const REST = 70;
const MAX_DIGITS = 16;
const ZERO = 48;

/** What a reader needs of a room: three bytes for each character, so that `write` tells whether all are ASCII. */
export const HEADER_ROOM = 3 * (SEQ_AT + MAX_DIGITS + REST);

const BEFORE_SID = bytesOf('Talos sid=ses_');
const BEFORE_SEQ = bytesOf(', seq=');
const BEFORE_RID = bytesOf(', rid=');
const BEFORE_MAC = bytesOf(', mac=');

/** A UUIDv7, each character the kind that belongs there, and the kinds that each byte is of: a bit for each kind. */
const UUIDV7 = Uint8Array.from('hhhhhhhh-hhhh-7hhh-vhhh-hhhhhhhhhhhh', (kind) => 1 << 'h-7v'.indexOf(kind));
const KINDS = Uint8Array.from({ length: 256 }, (_, code) => kindsOf(String.fromCharCode(code)));

/** Makes a reader that lays the header out at `place` of a room. It accepts what `parseTalosAuthorization` and
 *  `decodeSessionId` accept. */
export function createHeaderReader(room: MacRoom, place: number): HeaderReader {
  const bytes = room.message;
  const sid = new Uint32Array(7);
  const mac = new Uint8Array(16);
  const reader: HeaderReader = {
    sid,
    mac,
    seq: 0,
    digits: 0,
    read(value) {
      const digits = value.length - SEQ_AT - REST;
      if (digits < 1 || digits > MAX_DIGITS || room.write(value, place) !== value.length) return false;
      const rest = place + SEQ_AT + digits;
      const difference =
        differenceOf(bytes, place, BEFORE_SID) |
        differenceOf(bytes, place + SID_END, BEFORE_SEQ) |
        differenceOf(bytes, rest, BEFORE_RID) |
        differenceOf(bytes, rest + RID_END, BEFORE_MAC) |
        differenceOfKinds(bytes, rest + RID_AT);
      if (difference !== 0 || !decodeSessionWords(value, SID_AT + 4, sid)) return false;
      reader.digits = digits;
      reader.seq = numberAt(bytes, place + SEQ_AT, digits);
      return reader.seq <= Number.MAX_SAFE_INTEGER && decodeMac(value, value.length - REST + MAC_AT, mac);
    },
  };
  return reader;
}

/** 0 if these bytes stand at `at`. */
function differenceOf(bytes: Uint8Array, at: number, expected: Uint8Array): number {
  let difference = 0;
  for (let i = 0; i < expected.length; i++) difference |= (bytes[at + i] as number) ^ (expected[i] as number);
  return difference;
}

/** 0 if a UUIDv7 stands at `at`. */
function differenceOfKinds(bytes: Uint8Array, at: number): number {
  let missing = 0;
  for (let i = 0; i < 36; i++) missing |= (UUIDV7[i] as number) & ~(KINDS[bytes[at + i] as number] as number);
  return missing;
}

/** The number that these digits are; infinite if they are none without a leading zero. */
function numberAt(bytes: Uint8Array, at: number, digits: number): number {
  if (bytes[at] === ZERO) return Number.POSITIVE_INFINITY;
  let value = 0;
  for (let i = at; i < at + digits; i++) {
    const digit = (bytes[i] as number) - ZERO;
    if (digit < 0 || digit > 9) return Number.POSITIVE_INFINITY;
    value = 10 * value + digit;
  }
  return value;
}

/** 22 characters, 16 bytes: the last four bits are zero. False if they are none. */
function decodeMac(text: string, at: number, mac: Uint8Array): boolean {
  let sound = 0;
  for (let from = at, to = 0; to < 15; from += 4, to += 3) {
    const a = sixBits(text, from);
    const b = sixBits(text, from + 1);
    const c = sixBits(text, from + 2);
    const d = sixBits(text, from + 3);
    mac[to] = (a << 2) | (b >>> 4);
    mac[to + 1] = (b << 4) | (c >>> 2);
    mac[to + 2] = (c << 6) | d;
    sound |= a | b | c | d;
  }
  const high = sixBits(text, at + 20);
  const last = sixBits(text, at + 21);
  mac[15] = (high << 2) | (last >>> 4);
  return (sound | high | last) >= 0 && (last & 15) === 0;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function kindsOf(character: string): number {
  const kinds = [/[0-9a-f]/, /-/, /7/, /[89ab]/];
  return kinds.reduce((bits, kind, bit) => (kind.test(character) ? bits | (1 << bit) : bits), 0);
}
