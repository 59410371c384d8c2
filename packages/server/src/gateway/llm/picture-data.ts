import type { JsonValue } from '@talosprotocol/protocol';
import { isPdf } from '../pdf-head.js';
import { assertAddress } from './addresses.js';
import { malformed, notPassed } from './members.js';

/** What the providers we know read as pictures and nothing else; an SVG is text. */
const TYPE = /^image\/(?:png|jpe?g|gif|webp)$/;
const URL_HEAD = /^data:(image\/[a-z]{3,4});base64,/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const ONLY = 'only PNG, JPEG, GIF and WebP are pictures, as strict base64 of image/png and so on';
const A_PDF = 'a PDF is no picture. Send it as a document';

/** True of base64 and nothing else: whole groups of four, without spaces, and at least one. */
export function isBase64(data: string): boolean {
  return data.length % 4 === 0 && BASE64.test(data);
}

/** How many bytes of a request are a picture, which is counted by its size (LLM-6): all of its base64. Each character stands in the
 *  request as one byte at least. Some providers read by what bytes are and not by what they are said to be: nobody would have counted or
 *  guarded a PDF here as one.
 *  @throws {TrustError} MALFORMED | POLICY_DENIED: it is not strictly that, is of another type, or a PDF */
export function pictureBytes(
  type: JsonValue | undefined,
  data: JsonValue | undefined,
  where: string,
): number {
  const [ofType, ofData] = [`${where}.media_type`, `${where}.data`];
  if (typeof type !== 'string') throw malformed(`${ofType} must be a string`);
  if (typeof data !== 'string') throw malformed(`${ofData} must be a string`);
  if (!TYPE.test(type)) throw notPassed(ofType, saysPdf(type) ? A_PDF : ONLY);
  if (!isBase64(data)) throw notPassed(ofData, ONLY);
  if (isPdf(data)) throw notPassed(ofData, A_PDF);
  return data.length;
}

/** What an address brings with it where a picture stands. */
export interface Addressed {
  readonly bytes: number;
  /** True if the provider is told to load it. */
  readonly fetches: boolean;
}

/** The same of an address. What one of https leads to only its provider will know; one that says it is a PDF is none of a picture. */
export function pictureAt(url: JsonValue | undefined, where: string): Addressed {
  if (typeof url !== 'string') throw malformed(`${where} must be a string`);
  if (!/^data:/i.test(url)) {
    const { pathname } = assertAddress(url, where, 'only https: addresses and pictures as data: are');
    if (/\.pdf$/i.test(decoded(pathname))) throw notPassed(where, A_PDF);
    return { bytes: 0, fetches: true };
  }
  const [head = '', type = ''] = URL_HEAD.exec(url) ?? [];
  if (!TYPE.test(type)) throw notPassed(where, saysPdf(url.slice('data:'.length)) ? A_PDF : ONLY);
  const data = url.slice(head.length);
  if (!isBase64(data)) throw notPassed(where, ONLY);
  if (isPdf(data)) throw notPassed(where, A_PDF);
  return { bytes: data.length, fetches: false };
}

/** What its sender is told of differs, and nothing else. */
const saysPdf = (type: string): boolean => /^\s*[a-z]+\/(?:[a-z.-]*[.-])?pdf/i.test(type);

/** Of a path what a server will read in it; what is no UTF-8 stays as it is. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
