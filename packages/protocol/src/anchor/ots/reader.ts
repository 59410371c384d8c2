import { malformed } from '../../error.js';

/** Reads the binary form of OpenTimestamps from front to back. */
export interface OtsReader {
  /** @throws {TrustError} MALFORMED: fewer are left */
  bytes(length: number): Uint8Array;
  byte(): number;
  /** A number in base 128, lowest digits first, at most 2^32 - 1 and in its shortest form. */
  number(): number;
  /** Bytes behind their number. @throws {TrustError} MALFORMED: fewer than `min` or more than `max` */
  text(min: number, max: number): Uint8Array;
  /** @throws {TrustError} MALFORMED: something is left */
  end(): void;
}

const MAX_NUMBER = 0xffff_ffff;

export function createOtsReader(input: Uint8Array): OtsReader {
  let at = 0;
  const bytes = (length: number): Uint8Array => {
    if (at + length > input.length) throw malformed('a timestamp that is cut off');
    at += length;
    return input.subarray(at - length, at);
  };
  const byte = (): number => bytes(1)[0] as number;
  const number = (): number => {
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const digit = byte();
      value += (digit & 127) * unit;
      if (value > MAX_NUMBER) throw malformed('a timestamp with a number that is too large');
      if (digit >= 128) continue;
      if (digit === 0 && unit > 1)
        throw malformed('a timestamp with a number that is not in its shortest form');
      return value;
    }
  };
  return {
    bytes,
    byte,
    number,
    text: (min, max) => {
      const length = number();
      if (length < min || length > max)
        throw malformed('a timestamp with a part that is too short or too long');
      return bytes(length);
    },
    end: () => {
      if (at < input.length) throw malformed('a timestamp with bytes behind its end');
    },
  };
}

/** Writes what `number` reads. */
export function encodeOtsNumber(value: number): number[] {
  const digits: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) digits.push((rest % 128) + 128);
  return [...digits, rest];
}
