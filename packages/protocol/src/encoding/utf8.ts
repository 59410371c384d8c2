import { malformed } from '../error.js';

// The two WHATWG Encoding classes exist in every runtime, but not in the `es2023` library this package is
// compiled against. Declared for this module alone, so that nothing leaks into the types of a consumer.
declare const TextEncoder: new () => {
  encode(text: string): Uint8Array;
  encodeInto(text: string, bytes: Uint8Array): { written: number };
};
declare const TextDecoder: new (
  label: 'utf-8',
  options: { fatal: true; ignoreBOM: true },
) => { decode(bytes: Uint8Array): string };

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** With the `u` flag a surrogate pair is one character, so that this finds exactly the lone ones. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Writes text as UTF-8. A lone surrogate is refused, where TextEncoder would put U+FFFD in its place and two
 *  different texts would become the same bytes.
 *  @throws {TrustError} MALFORMED */
export function encodeUtf8(text: string): Uint8Array {
  assertWellFormed(text);
  return encoder.encode(text);
}

/** @throws {TrustError} MALFORMED: a lone surrogate */
export function assertWellFormed(text: string): void {
  if (LONE_SURROGATE.test(text)) throw malformed('text with a lone surrogate');
}

/** Writes as much of the text as there is room for, and gives the number of bytes. A lone surrogate takes three, as
 *  many as U+FFFD, which stands in its place. */
export function writeUtf8(text: string, bytes: Uint8Array): number {
  return encoder.encodeInto(text, bytes).written;
}

/** Reads UTF-8 strictly: no invalid or overlong sequence. A byte order mark stays in the text as U+FEFF, so that
 *  no two byte strings become the same text.
 *  @throws {TrustError} MALFORMED */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw malformed('bytes that are not UTF-8', cause);
  }
}

/** The same text in memory of its own. What was cut out of a longer text may hold on to all of that: whoever keeps a name out of
 *  each of many texts would keep the texts.
 *  @throws {TrustError} MALFORMED: a lone surrogate */
export function ownText(text: string): string {
  return decodeUtf8(encodeUtf8(text));
}

/** Length in bytes of the UTF-8 form of `text`, without building it (a lone surrogate counts 3). */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    length += code < 0x800 ? 1 : 2;
    // A pair takes 4 bytes: 2 units counted above, and 2 more for the pair as a whole.
    if (isHighSurrogate(code) && isLowSurrogate(text.charCodeAt(i + 1))) i++;
  }
  return length;
}

/** True for the first half of a surrogate pair. */
export function isHighSurrogate(code: number): boolean {
  return (code & 0xfc00) === 0xd800;
}

/** True for the second half of a surrogate pair. */
export function isLowSurrogate(code: number): boolean {
  return (code & 0xfc00) === 0xdc00;
}
