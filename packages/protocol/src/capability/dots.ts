/** What a server goes up at, also one that takes parameters off a segment (`..;x`). */
const DOTS = /(?:^|[/\\])\.(?:\.?(?:[;/\\]|$)|\.[?#])/;
const PERCENT = 0x25;
/** As many characters as `String.fromCharCode` takes at a time. */
const CHUNK = 8_192;

/** True if some parser reads a segment of this path as `.` or `..` (CAP-17), whatever others make of it, and however often it
 *  decodes.
 *  @example readsAsDots('/api/..;x=y/admin') // true */
export function readsAsDots(path: string): boolean {
  return DOTS.test(path.includes('%') ? decodeAll(path) : path);
}

/** The text with no escape left, not even one that the decoding of others made, such as that of `%25%32%65`. What a decoder
 *  finds on its way stands in it too: no `.`, `/`, `;`, `?` or `#` is part of an escape. One look at each character. */
function decodeAll(text: string): string {
  const codes = new Uint16Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    codes[length++] = text.charCodeAt(i);
    for (let byte = escapeAt(codes, length - 3); byte >= 0; byte = escapeAt(codes, length - 3)) {
      length -= 3;
      codes[length++] = byte;
    }
  }
  let decoded = '';
  for (let at = 0; at < length; at += CHUNK)
    decoded += String.fromCharCode(...codes.subarray(at, Math.min(length, at + CHUNK)));
  return decoded;
}

/** The byte that is escaped at this place, or -1. */
function escapeAt(codes: Uint16Array, at: number): number {
  if (codes[at] !== PERCENT) return -1;
  const high = hexDigit(codes[at + 1]);
  const low = hexDigit(codes[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code = 0): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = (code | 0x20) - 0x61;
  return letter >= 0 && letter < 6 ? letter + 10 : -1;
}
