import { isTrustError, type JsonObject, parseJsonObject, TrustError } from '@talosprotocol/protocol';

/** Bounds of a body. */
export interface ModelBodyLimits {
  readonly maxBytes: number;
  /** Most bytes of it that are not in long texts. */
  readonly ordinary: number;
}

/** Reads the body of a request to a model strictly (ENC-6).
 *  @throws {TrustError} MALFORMED, with a hint that helps; TOO_LARGE: it is large by other things than pictures and texts */
export function parseModelBody(bytes: Uint8Array, { maxBytes, ordinary }: ModelBodyLimits): JsonObject {
  if (bytes.length > ordinary && besidesTexts(bytes, ordinary) > ordinary)
    throw new TrustError('TOO_LARGE', `the body may have ${ordinary} bytes besides texts of ${LONG} or more`);
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

/** A text that is read in one piece, as a picture is. To read as many bytes of small values takes twenty times as long, in which
 *  nobody else is served, and many times the memory. */
const LONG = 1024;
const [QUOTE, BACKSLASH] = [0x22, 0x5c];

/** Bytes of JSON that are not in long texts, or are escaped in them; what it is beyond `most` is not counted on. */
function besidesTexts(body: Uint8Array, most: number): number {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  let [rest, at] = [0, 0];
  while (at < bytes.length && rest <= most) {
    const open = bytes.indexOf(QUOTE, at);
    if (open < 0) return rest + bytes.length - at;
    const { end, escaped } = readText(bytes, open + 1, most);
    rest += end - open < LONG ? end - at : open - at + escaped;
    at = end;
  }
  return rest;
}

/** Finds the end of the text that begins at `from`, behind its quote; not beyond the most that may be escaped. */
function readText(
  bytes: Buffer,
  from: number,
  most: number,
): { readonly end: number; readonly escaped: number } {
  let [at, escaped] = [from, 0];
  while (at < bytes.length && bytes[at] !== QUOTE && escaped <= most) {
    const isEscape = bytes[at] === BACKSLASH;
    if (isEscape) escaped += 2;
    at += isEscape ? 2 : 1;
  }
  return { end: at + 1, escaped };
}
