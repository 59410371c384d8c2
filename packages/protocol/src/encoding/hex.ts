import { malformed } from '../error.js';

const BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Writes bytes as lowercase hex. */
export function encodeHex(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += BYTES[bytes[i] as number];
  return text;
}

/** Reads lowercase hex, the only form hashes have in Talos records; an upper-case digit is refused.
 *  @throws {TrustError} MALFORMED */
export function decodeHex(text: string): Uint8Array {
  if (text.length % 2 !== 0) throw malformed('hex of odd length');
  const bytes = new Uint8Array(text.length / 2);
  let seen = 0;
  for (let i = 0; i < bytes.length; i++) {
    const value = (digit(text.charCodeAt(2 * i)) << 4) | digit(text.charCodeAt(2 * i + 1));
    seen |= value;
    bytes[i] = value;
  }
  if (seen < 0) throw malformed('text that is not lowercase hex');
  return bytes;
}

function digit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1;
}
