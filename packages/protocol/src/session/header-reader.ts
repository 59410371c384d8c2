import { decodeSessionWords, sixBits } from './sid.js';

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
const REST = 70;
const MAX_LENGTH = SEQ_AT + 16 + REST;
const ZERO = 48;

/** What ends in [AQgw] ends in four zero bits: there is one spelling. */
const HEADER =
  /^Talos sid=ses_[A-Za-z0-9_-]{37}[AQgw], seq=[1-9][0-9]{0,15}, rid=[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}, mac=[A-Za-z0-9_-]{21}[AQgw]$/;

/** Makes the reader. It accepts what `parseTalosAuthorization` and `decodeSessionId` accept. */
export function createHeaderReader(): HeaderReader {
  const reader: HeaderReader = {
    sid: new Uint32Array(7),
    mac: new Uint8Array(16),
    seq: 0,
    seqEnd: 0,
    read(value) {
      if (value.length > MAX_LENGTH || !HEADER.test(value)) return false;
      const end = value.length - REST;
      let seq = 0;
      for (let i = SEQ_AT; i < end; i++) seq = 10 * seq + (value.charCodeAt(i) - ZERO);
      decodeSessionWords(value, SID_AT + 4, reader.sid);
      decodeMac(value, value.length - 22, reader.mac);
      reader.seq = seq;
      reader.seqEnd = end;
      return seq <= Number.MAX_SAFE_INTEGER;
    },
  };
  return reader;
}

/** 22 characters, 16 bytes. */
function decodeMac(text: string, at: number, mac: Uint8Array): void {
  for (let from = at, to = 0; to < 15; from += 4, to += 3) {
    const b = sixBits(text, from + 1);
    const c = sixBits(text, from + 2);
    mac[to] = (sixBits(text, from) << 2) | (b >>> 4);
    mac[to + 1] = (b << 4) | (c >>> 2);
    mac[to + 2] = (c << 6) | sixBits(text, from + 3);
  }
  mac[15] = (sixBits(text, at + 20) << 2) | (sixBits(text, at + 21) >>> 4);
}
