import { malformed } from '../error.js';
import { decodeBase64url, encodeBase64url } from './base64url.js';
import { decodeUtf8, encodeUtf8 } from './utf8.js';
import { isUuidv7 } from './uuid.js';

/** A place in a list of events: Unix seconds, then the event's UUIDv7. */
export interface Cursor {
  readonly seconds: number;
  readonly id: string;
}

const MAX_LENGTH = 71;
const SECONDS = /^(?:0|[1-9][0-9]{0,15})$/;

/** Writes a cursor as base64url("seconds:uuidv7").
 *  @throws {RangeError} not a whole number of seconds from 0 to 2^53-1, or not a UUIDv7 */
export function encodeCursor(cursor: Cursor): string {
  if (!Number.isSafeInteger(cursor.seconds) || cursor.seconds < 0)
    throw new RangeError('seconds of a cursor');
  if (!isUuidv7(cursor.id)) throw new RangeError('id of a cursor');
  return encodeBase64url(encodeUtf8(`${cursor.seconds}:${cursor.id}`));
}

/** Reads a cursor; each has exactly one spelling.
 *  @throws {TrustError} MALFORMED */
export function decodeCursor(text: string): Cursor {
  if (text.length > MAX_LENGTH) throw malformed('a cursor that is too long');
  const decoded = decodeUtf8(decodeBase64url(text));
  const colon = decoded.indexOf(':');
  const seconds = decoded.slice(0, Math.max(colon, 0));
  const id = decoded.slice(colon + 1);
  if (!SECONDS.test(seconds) || !Number.isSafeInteger(Number(seconds)) || !isUuidv7(id)) {
    throw malformed('text that is not a cursor');
  }
  return { seconds: Number(seconds), id };
}

/** Orders decoded cursors newest first: by seconds, then by id. The encoded forms must not be compared, as
 *  base64url does not keep the order. Usable with `sort`. */
export function compareCursors(a: Cursor, b: Cursor): -1 | 0 | 1 {
  if (a.seconds !== b.seconds) return a.seconds > b.seconds ? -1 : 1;
  if (a.id === b.id) return 0;
  return a.id > b.id ? -1 : 1;
}
