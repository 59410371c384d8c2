const DOT = String.raw`(?:\.|%2e)`;
const SLASH = String.raw`(?:[/\\]|%(?:2f|5c))`;
/** What a server goes up at, once decoded or not, also one that takes parameters off a segment (`..;x`). */
const DOTS = new RegExp(
  `(?:^|${SLASH})${DOT}(?:${DOT}?(?:(?:;|%3b)|${SLASH}|$)|${DOT}(?:[?#]|%(?:3f|23)))`,
  'i',
);
/** An escape of `%` or of a hexadecimal digit: who decodes it may have another one before him. */
const NESTING = /%(?:25|3\d|[46][1-6])/i;
const PERCENT = 0x25;
/** As many characters as `String.fromCharCode` takes at a time. */
const CHUNK = 8_192;

/** True if some parser reads a segment of this path as `.` or `..` (CAP-17), whatever others make of it, and however often it
 *  decodes.
 *  @example readsAsDots('/api/..;x=y/admin') // true */
export function readsAsDots(path: string): boolean {
  return DOTS.test(NESTING.test(path) ? decodeAll(path) : path);
}

/** The text with no escape left, not even one that the decoding of others made, such as that of `%25%32%65`. What a decoder
 *  finds on its way stands in it too: no `.`, `/`, `;`, `?` or `#` is part of an escape. One look at each character. */
function decodeAll(text: string): string {
  const codes = new Uint16Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    codes[length++] = text.charCodeAt(i);
    while (length > 2 && codes[length - 3] === PERCENT) {
      const byte = byteOf(codes[length - 2] as number, codes[length - 1] as number);
      if (byte < 0) break;
      length -= 2;
      codes[length - 1] = byte;
    }
  }
  let decoded = '';
  for (let at = 0; at < length; at += CHUNK)
    decoded += String.fromCharCode(...codes.subarray(at, Math.min(length, at + CHUNK)));
  return decoded;
}

/** The byte that two hexadecimal digits are, or less than 0. */
function byteOf(high: number, low: number): number {
  return (hexDigit(high) << 4) | hexDigit(low);
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = (code | 0x20) - 0x61;
  return letter >= 0 && letter < 6 ? letter + 10 : -1;
}
