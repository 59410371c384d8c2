import { createAsciiLine } from '../encoding/ascii-line.js';
import { decodeSessionWords, SID_LENGTH, twelveBits } from './sid.js';

/** What was read of an `Authorization: Talos` header last, in place: nothing is made for each request. */
export interface HeaderReader {
  /** The characters, as bytes. */
  readonly line: DataView;
  /** Node, boot, slot and four words of randomness of the sid. */
  readonly sid: Uint32Array;
  readonly mac: Uint8Array;
  seq: number;
  /** How many digits `seq` has. */
  digits: number;
  /** True if the value is exactly of the form of SES-6; only then the rest says something. */
  read(value: string): boolean;
}

/** `Talos sid=` and 42 characters, `, seq=` and 1 to 16 digits, then what has always the same length. */
export const SID_AT = 10;
export const SID_END = SID_AT + SID_LENGTH;
export const SEQ_AT = SID_END + 6;
/** From the end of the digits on. */
export const RID_AT = 6;
const RID_END = 42;
const MAC_AT = 48;
const REST = 70;
const MAX_DIGITS = 16;
const ZERO = 48;

/** Makes a reader. It accepts what `parseTalosAuthorization` and `decodeSessionId` accept. */
export function createHeaderReader(): HeaderReader {
  const line = createAsciiLine(SEQ_AT + MAX_DIGITS + REST);
  const { view } = line;
  const sid = new Uint32Array(7);
  const mac = new Uint8Array(16);
  const reader: HeaderReader = {
    line: view,
    sid,
    mac,
    seq: 0,
    digits: 0,
    read(value) {
      const digits = value.length - SEQ_AT - REST;
      if (digits < 1 || !line.write(value)) return false;
      const rest = SEQ_AT + digits;
      const difference =
        differenceBeforeSid(view) |
        differenceOfName(view, SID_END, SEQ) |
        differenceOfName(view, rest, RID) |
        differenceOfName(view, rest + RID_END, MAC) |
        differenceOfUuidv7(view, rest + RID_AT);
      if (difference !== 0 || !decodeSessionWords(view, SID_AT + 4, sid)) return false;
      reader.digits = digits;
      reader.seq = numberAt(view, SEQ_AT, digits);
      return reader.seq <= Number.MAX_SAFE_INTEGER && decodeMac(view, rest + MAC_AT, mac);
    },
  };
  return reader;
}

/** Four characters of `Talos sid=ses_` each, the last of which are read twice. */
const TALO = wordOf('Talo');
const S_SI = wordOf('s si');
const D_SE = wordOf('d=se');
const SES_ = wordOf('ses_');

/** 0 if the line begins so. */
function differenceBeforeSid(view: DataView): number {
  return (
    (view.getInt32(0) ^ TALO) |
    (view.getInt32(4) ^ S_SI) |
    (view.getInt32(8) ^ D_SE) |
    (view.getInt32(10) ^ SES_)
  );
}

/** What stands before each of the other values, such as `, seq=`. */
interface Name {
  readonly first: number;
  readonly last: number;
}
const SEQ: Name = { first: wordOf(', se'), last: wordOf('seq=') };
const RID: Name = { first: wordOf(', ri'), last: wordOf('rid=') };
const MAC: Name = { first: wordOf(', ma'), last: wordOf('mac=') };

/** 0 if the name stands at `at`. */
function differenceOfName(view: DataView, at: number, name: Name): number {
  return (view.getInt32(at) ^ name.first) | (view.getInt32(at + 2) ^ name.last);
}

/** A UUIDv7: where in each four characters something other than a hexadecimal digit must stand, what it is, and the digit
 *  0 in its place. */
const DIGITS_ONLY = { mask: 0, fixed: 0, zero: 0 };
const UUIDV7 = [
  ...[DIGITS_ONLY, DIGITS_ONLY, fixedIn('-hhh'), fixedIn('h-7h'), fixedIn('hh-h'), fixedIn('hhh-')],
  ...[DIGITS_ONLY, DIGITS_ONLY, DIGITS_ONLY],
];
const VARIANT_AT = 19;

/** 0 if a UUIDv7 stands at `at`. */
function differenceOfUuidv7(view: DataView, at: number): number {
  let difference = 0;
  for (let i = 0; i < 9; i++) {
    const { mask, fixed, zero } = UUIDV7[i] as typeof DIGITS_ONLY;
    const word = view.getInt32(at + 4 * i);
    difference |= ((word & mask) ^ fixed) | nonHex((word & ~mask) | zero);
  }
  const variant = view.getUint8(at + VARIANT_AT);
  const isVariant = variant === 0x38 || variant === 0x39 || variant === 0x61 || variant === 0x62;
  return isVariant ? difference : 1;
}

/** 0 if all four ASCII characters of a word are lowercase hexadecimal digits. What is added to each carries into its
 *  top bit where the character is no less than `0`, greater than `9`, no less than `a`, greater than `f`. */
function nonHex(word: number): number {
  const digit = (word + 0x50505050) & ~(word + 0x46464646);
  const letter = (word + 0x1f1f1f1f) & ~(word + 0x19191919);
  return ~(digit | letter) & 0x80808080;
}

/** The number that these digits are; infinite if they are none without a leading zero. */
function numberAt(view: DataView, at: number, digits: number): number {
  if (view.getUint8(at) === ZERO) return Number.POSITIVE_INFINITY;
  let value = 0;
  for (let i = at; i < at + digits; i++) {
    const digit = view.getUint8(i) - ZERO;
    if (digit < 0 || digit > 9) return Number.POSITIVE_INFINITY;
    value = 10 * value + digit;
  }
  return value;
}

/** 22 characters, 16 bytes: the last four bits are zero. False if they are none. */
function decodeMac(view: DataView, at: number, mac: Uint8Array): boolean {
  let sound = 0;
  for (let from = at, to = 0; to < 15; from += 4, to += 3) {
    const first = twelveBits(view, from);
    const second = twelveBits(view, from + 2);
    mac[to] = first >>> 4;
    mac[to + 1] = (first << 4) | (second >>> 8);
    mac[to + 2] = second;
    sound |= first | second;
  }
  const last = twelveBits(view, at + 20);
  mac[15] = last >>> 4;
  return (sound | last) >= 0 && (last & 15) === 0;
}

/** Four characters, as `DataView` reads them. */
function wordOf(text: string): number {
  return [...text].reduce((word, character) => (word << 8) | character.charCodeAt(0), 0);
}

function fixedIn(pattern: string): typeof DIGITS_ONLY {
  const bytes = (of: (kind: string) => string) => wordOf([...pattern].map(of).join(''));
  return {
    mask: bytes((kind) => (kind === 'h' ? '\0' : '\xff')),
    fixed: bytes((kind) => (kind === 'h' ? '\0' : kind)),
    zero: bytes((kind) => (kind === 'h' ? '\0' : '0')),
  };
}
