import { isTrustError, type JsonObject, parseJsonObject, TrustError } from '@talosprotocol/protocol';

/** Bounds of a body. */
export interface ModelBodyLimits {
  readonly maxBytes: number;
  /** Most bytes of it that are no pictures and no documents. */
  readonly ordinary: number;
}

/** Reads the body of a request to a model strictly (ENC-6).
 *  @throws {TrustError} MALFORMED, with a hint that helps; TOO_LARGE: it is large by other things than pictures and documents */
export function parseModelBody(bytes: Uint8Array, { maxBytes, ordinary }: ModelBodyLimits): JsonObject {
  if (bytes.length > ordinary && besidesPictures(bytes, ordinary) > ordinary)
    throw new TrustError(
      'TOO_LARGE',
      `the body may have ${ordinary} bytes besides pictures and documents in base64`,
    );
  try {
    return parseJsonObject(bytes, { floats: true, maxBytes });
  } catch (error) {
    if (!isTrustError(error) || error.code !== 'MALFORMED' || error.data.hint !== undefined) throw error;
    const { reason = 'the body is not of the form' } = error.data;
    throw new TrustError('MALFORMED', reason, {
      hint: `What was wrong: ${reason}. ${advice(bytes, reason)}`,
    });
  }
}

/** What helps against what JSON may be elsewhere, and not here. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/lone surrogate/, 'A character was cut in half: cut texts between whole characters.'],
  [
    /integer beyond/,
    'Readers disagree on so large a number: use a smaller one (a seed may be as large as 2^53-1).',
  ],
  [/repeated member/, 'Readers disagree on which of the two counts: send one.'],
  [/levels/, 'Nest it less deeply.'],
];
const OTHERWISE = 'The body must be one JSON object in UTF-8.';

function advice(bytes: Uint8Array, reason: string): string {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
    return 'The body begins with a byte order mark: send it without.';
  return ADVICE.find(([fault]) => fault.test(reason))?.[1] ?? OTHERWISE;
}

/** A text that is read in one piece, as a picture or a PDF is. To read as many bytes of small values takes twenty times as long, in which
 *  nobody else is served, and many times the memory; and so it does where values stand in a text, as arguments of a call do. */
const LONG = 1024;
/** Within so many bytes a text may say of what it is, as `data:image/png;base64,` does. */
const HEAD = 64;
const [QUOTE, BACKSLASH, SLASH] = [0x22, 0x5c, 0x2f];
const BASE64 = new Uint8Array(256);
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_')
  BASE64[character.charCodeAt(0)] = 1;

/** Bytes of JSON that are not in long texts of base64, or are escaped in them; what it is beyond `most` is not counted on. */
function besidesPictures(body: Uint8Array, most: number): number {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  let [rest, at] = [0, 0];
  while (at < bytes.length && rest <= most) {
    const open = bytes.indexOf(QUOTE, at);
    if (open < 0) return rest + bytes.length - at;
    const { end, escaped, isBase64 } = readText(bytes, open + 1, most);
    rest += isBase64 && end - open >= LONG ? open - at + escaped : end - at;
    at = end;
  }
  return rest;
}

/** Finds the end of the text that begins at `from`, behind its quote; not beyond the most that may be. */
function readText(
  bytes: Buffer,
  from: number,
  most: number,
): { readonly end: number; readonly escaped: number; readonly isBase64: boolean } {
  let [at, escaped, isBase64] = [from, 0, true];
  while (at < bytes.length && bytes[at] !== QUOTE && (isBase64 ? escaped : at - from) <= most) {
    const isEscape = bytes[at] === BACKSLASH;
    if (isEscape) {
      escaped += 2;
      // Some writers escape this one, which is of base64 too.
      isBase64 &&= bytes[at + 1] === SLASH;
    } else if (at - from >= HEAD) isBase64 &&= BASE64[bytes[at] as number] === 1;
    at += isEscape ? 2 : 1;
  }
  return { end: at + 1, escaped, isBase64 };
}
