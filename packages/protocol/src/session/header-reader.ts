import { NO_BITS, readSessionId, SIX_BITS } from './sid.js';

/** What was read of an `Authorization: Talos` header last, in place: nothing is made for each request. */
export interface HeaderReader {
  /** Node, boot, slot and four words of randomness of the sid. */
  readonly sid: Uint32Array;
  readonly mac: Uint8Array;
  seq: number;
  /** Where the digits of `seq` end. */
  seqEnd: number;
  /** True if the value is exactly of the form of SES-6; only then the rest says something. */
  read(value: string): boolean;
}

/** `Talos sid=` and 42 characters, `, seq=` and 1 to 16 digits, then what has always the same length. */
export const SID_AT = 10;
export const SID_END = 52;
export const SEQ_AT = 58;
const REST = 6 + 36 + 6 + 22;
const MAC_LENGTH = 22;
const MAX_LENGTH = SEQ_AT + 16 + REST;
const ZERO = 48;

/** Makes the reader. It accepts what `parseTalosAuthorization` accepts. */
export function createHeaderReader(): HeaderReader {
  const reader: HeaderReader = {
    sid: new Uint32Array(7),
    mac: new Uint8Array(16),
    seq: 0,
    seqEnd: 0,
    read(value) {
      const end = value.length - REST;
      reader.seqEnd = end;
      return (
        value.length <= MAX_LENGTH &&
        value.startsWith('Talos sid=') &&
        readSessionId(value, SID_AT, reader.sid) &&
        value.startsWith(', seq=', SID_END) &&
        readSeq(value, end) &&
        value.startsWith(', rid=', end) &&
        isUuidv7At(value, end + 6) &&
        value.startsWith(', mac=', end + 42) &&
        readMac(value, end + 48, reader.mac)
      );
    },
  };

  function readSeq(value: string, end: number): boolean {
    if (end <= SEQ_AT || value.charCodeAt(SEQ_AT) === ZERO) return false;
    let seq = 0;
    for (let i = SEQ_AT; i < end; i++) {
      const digit = value.charCodeAt(i) - ZERO;
      if (digit < 0 || digit > 9) return false;
      seq = 10 * seq + digit;
    }
    reader.seq = seq;
    return seq <= Number.MAX_SAFE_INTEGER;
  }

  return reader;
}

const HYPHEN = 45;
/** 16 for what is no lowercase hexadecimal digit. */
const HEX = Uint8Array.from({ length: 128 }, (_, code) => {
  const value = '0123456789abcdef'.indexOf(String.fromCharCode(code));
  return value < 0 ? 16 : value;
});

function isUuidv7At(value: string, at: number): boolean {
  let bad = 0;
  for (let i = 0; i < 36; i++) {
    const code = value.charCodeAt(at + i);
    const hyphen = i === 8 || i === 13 || i === 18 || i === 23;
    bad |= hyphen ? code ^ HYPHEN : ((HEX[code & 127] as number) & 16) | (code & ~127);
  }
  const variant = HEX[value.charCodeAt(at + 19) & 127] as number;
  return bad === 0 && value.charCodeAt(at + 14) === 55 && (variant & 12) === 8;
}

function readMac(value: string, at: number, mac: Uint8Array): boolean {
  let bad = 0;
  let bits = 0;
  for (let i = 0, to = 0, held = 0; i < MAC_LENGTH; i++) {
    const code = value.charCodeAt(at + i);
    const six = SIX_BITS[code & 127] as number;
    bad |= (six & NO_BITS) | (code & ~127);
    bits = ((bits << 6) | six) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      mac[to++] = bits >>> held;
    }
  }
  // 22 characters are 132 bits, of which the last four must be zero.
  return bad === 0 && (bits & 15) === 0;
}
