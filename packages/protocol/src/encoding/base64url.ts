import { malformed } from '../error.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Every pair of digits, so that three bytes become text in two steps. */
const PAIRS: readonly string[] = [...ALPHABET].flatMap((high) => [...ALPHABET].map((low) => high + low));

/** Value of each ASCII digit; -1, whose bits survive any `|`, marks the rest. */
const VALUES = Int8Array.from({ length: 128 }, (_, code) => ALPHABET.indexOf(String.fromCharCode(code)));

/** Writes bytes as base64url without padding (RFC 4648 section 5). */
export function encodeBase64url(bytes: Uint8Array): string {
  const whole = bytes.length - (bytes.length % 3);
  let text = '';
  for (let i = 0; i < whole; i += 3) {
    const group = (at(bytes, i) << 16) | (at(bytes, i + 1) << 8) | at(bytes, i + 2);
    text += pair(group >> 12) + pair(group & 0xfff);
  }
  if (bytes.length - whole === 1) return text + pair(at(bytes, whole) << 4);
  if (bytes.length - whole === 2) {
    const rest = (at(bytes, whole) << 8) | at(bytes, whole + 1);
    return text + pair(rest >> 4) + ALPHABET.charAt((rest & 15) << 2);
  }
  return text;
}

/** Reads base64url strictly, so that each byte string has exactly one spelling: no padding, no whitespace, no
 *  other alphabet, and the unused low bits of the last digit are zero (RFC 4648 sections 3.2, 3.3, 3.5).
 *  Linear in the length of `text`; the caller bounds that length.
 *  @throws {TrustError} MALFORMED */
export function decodeBase64url(text: string): Uint8Array {
  const rest = text.length & 3;
  if (rest === 1) throw malformed('base64url of an impossible length');
  const whole = text.length - rest;
  const bytes = new Uint8Array((whole >> 2) * 3 + (rest === 0 ? 0 : rest - 1));
  let seen = 0;
  let out = 0;
  for (let i = 0; i < whole; i += 4) {
    const group = (digit(text, i) << 18) | (digit(text, i + 1) << 12);
    const low = (digit(text, i + 2) << 6) | digit(text, i + 3);
    seen |= group | low;
    bytes[out++] = group >> 16;
    bytes[out++] = (group | low) >> 8;
    bytes[out++] = low;
  }
  if (rest > 0) seen |= decodeTail(text, whole, bytes, out);
  if (seen < 0) throw malformed('text that is not base64url');
  return bytes;
}

/** Decodes the last two or three digits; a negative result means that they were not canonical digits. */
function decodeTail(text: string, from: number, bytes: Uint8Array, out: number): number {
  const group = (digit(text, from) << 12) | (digit(text, from + 1) << 6);
  bytes[out] = group >> 10;
  if (text.length - from === 2) return (group & 0x3c0) === 0 ? group : -1;
  const low = digit(text, from + 2);
  bytes[out + 1] = (group | low) >> 2;
  return (low & 3) === 0 ? group | low : -1;
}

function digit(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code < 128 ? (VALUES[code] as number) : -1;
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}

function pair(value: number): string {
  return PAIRS[value] as string;
}
