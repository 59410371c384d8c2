import type { JsonValue } from '@talosprotocol/protocol';
import { assertAddress } from './addresses.js';
import { malformed, notPassed } from './members.js';
import { isBase64 } from './picture-data.js';

/** Documents that nobody reads here: a PDF, or what a provider is told to load as a document (LLM-37). */

const PDF = 'application/pdf';
const URL_HEAD = `data:${PDF};base64,`;
const NOT_STRICT = 'it must be base64 and nothing else, padded, without spaces and line breaks';
const UNKEPT = 'files at the provider belong to nobody here. Send the bytes of the file';

/** How many bytes of a request are a PDF: all of its base64. Each character stands in the request as one byte at least.
 *  @throws {TrustError} MALFORMED | POLICY_DENIED: bytes of anything else */
export function pdfBytes(type: JsonValue | undefined, data: JsonValue | undefined, where: string): number {
  if (type !== PDF)
    throw notPassed(`${where}.media_type`, `only ${PDF} is, as bytes. Send what else there is as text`);
  if (typeof data !== 'string') throw malformed(`${where}.data must be a string`);
  if (!isBase64(data)) throw notPassed(`${where}.data`, NOT_STRICT);
  return data.length;
}

/** The same of a `data:` address that says nothing more of it. */
export function pdfBytesOf(url: JsonValue | undefined, where: string): number {
  if (typeof url !== 'string') throw malformed(`${where} must be a string`);
  if (isBase64(url)) throw notPassed(where, `put ${URL_HEAD} before the base64 of a PDF`);
  if (!url.startsWith(URL_HEAD))
    throw notPassed(where, `only a PDF is, as ${URL_HEAD}… and nothing else. Send other files as text`);
  const data = url.slice(URL_HEAD.length);
  if (!isBase64(data)) throw notPassed(where, NOT_STRICT);
  return data.length;
}

/** An address that the provider is told to load a document from: its bytes have a place of their own.
 *  @throws {TrustError} MALFORMED | POLICY_DENIED: any but one of https */
export function assertDocumentUrl(url: JsonValue | undefined, where: string): void {
  if (typeof url !== 'string') throw malformed(`${where} must be a string`);
  assertAddress(url, where, 'only https: addresses are. Send the bytes of a PDF where its bytes are said');
}

/** A file that the provider keeps. @throws {TrustError} POLICY_DENIED, if one is named */
export function assertNoFileId(id: JsonValue | undefined, where: string): void {
  if (id != null) throw notPassed(where, UNKEPT);
}

/** What is said about a document. @throws {TrustError} MALFORMED: it is no text */
export function assertTexts(value: Readonly<Record<string, JsonValue>>, names: readonly string[]): void {
  for (const name of names)
    if (value[name] != null && typeof value[name] !== 'string')
      throw malformed(`${name} of a document must be a string`);
}
