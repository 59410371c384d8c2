import type { JsonObject } from '@talosprotocol/protocol';
import { assertDocumentUrl, assertTexts, pdfBytes } from './document-data.js';
import { malformed, meantOf, notPassed, object, ofType, onlyMembers, text, withMeant } from './members.js';

/** What a document of Anthropic's messages brings with it. */
export type DocumentReach =
  /** Nobody reads it here; `bytes` of the request are it. */
  | { readonly kind: 'unread'; readonly bytes: number; readonly fetches: boolean }
  /** Words, as any others. */
  | { readonly kind: 'text' }
  /** Blocks, as those of a message. */
  | { readonly kind: 'blocks'; readonly source: JsonObject };

/** Where a document comes from, and the members of that. */
const SOURCES: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['base64', new Set(['type', 'media_type', 'data'])],
  ['text', new Set(['type', 'media_type', 'data'])],
  ['content', new Set(['type', 'content'])],
  ['url', new Set(['type', 'url'])],
]);
const WHERE = 'document.source';

/** A document without what says nothing in it (LLM-4). */
export function meantDocument(block: JsonObject, meantBlock: (block: JsonObject) => JsonObject): JsonObject {
  return withMeant(block, 'source', (source) => withMeant(meantOf(source), 'content', meantBlock));
}

/** @throws {TrustError} MALFORMED | POLICY_DENIED: what is not listed, or refers to something that is not in it */
export function readDocument(block: JsonObject): DocumentReach {
  assertTexts(block, ['title', 'context']);
  const source = object(block['source'], WHERE);
  const type = text(source, 'type');
  const members = SOURCES.get(type);
  if (members === undefined)
    throw notPassed(
      ofType('a document of a source', type),
      'files at the provider belong to nobody here. Send the document itself, as base64 of a PDF, or as text',
    );
  onlyMembers(source, members, [], `${WHERE}.`);
  if (type === 'content') return { kind: 'blocks', source };
  if (type === 'text') return readText(source);
  if (type === 'base64')
    return { kind: 'unread', bytes: pdfBytes(source['media_type'], source['data'], WHERE), fetches: false };
  assertDocumentUrl(source['url'], `${WHERE}.url`);
  return { kind: 'unread', bytes: 0, fetches: true };
}

function readText({ media_type: media, data }: JsonObject): DocumentReach {
  if (media !== 'text/plain') throw notPassed(`${WHERE}.media_type`, 'of a text only text/plain is');
  if (typeof data !== 'string') throw malformed(`${WHERE}.data must be a string`);
  return { kind: 'text' };
}
