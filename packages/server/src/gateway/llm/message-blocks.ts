import type { JsonObject, JsonValue } from '@talosprotocol/protocol';
import { meantOf, notPassed, object, ofType, onlyMembers, partsOf, text, withMeant } from './members.js';
import { meantDocument, readDocument } from './message-document.js';
import { type Addressed, pictureAt, pictureBytes } from './picture-data.js';
import {
  ANY,
  assertShapes,
  CACHE,
  closedOf,
  FLAG,
  listOf,
  NOTHING,
  NUMBER,
  oneOf,
  type Shapes,
  TEXT,
} from './shapes.js';

/** What the blocks of Anthropic's messages bring with them besides text. */
export interface BlockReach {
  /** How many bytes of them are pictures. */
  readonly pictureBytes: number;
  /** Documents that nobody reads here, and how many bytes of the request are those. */
  readonly documents: number;
  readonly documentBytes: number;
  /** True if the provider is told to load something. */
  readonly fetches: boolean;
}

const MEMBERS: Shapes = { role: TEXT, content: ANY };
const CALLER = closedOf({ type: TEXT, tool_id: TEXT });
const CALL: Shapes = {
  ...{ type: TEXT, id: TEXT, name: TEXT, input: ANY, cache_control: CACHE, caller: CALLER },
};
const CITED = closedOf({ enabled: FLAG });
/** Where a text is from. A file that an answer names is none of the client's. */
const CITATIONS = listOf(
  closedOf({
    ...{ type: TEXT, cited_text: TEXT, document_index: NUMBER, document_title: TEXT, file_id: NOTHING },
    ...{ start_char_index: NUMBER, end_char_index: NUMBER, start_page_number: NUMBER },
    ...{ end_page_number: NUMBER, start_block_index: NUMBER, end_block_index: NUMBER },
    ...{ search_result_index: NUMBER, source: TEXT, title: TEXT, encrypted_index: TEXT, url: TEXT },
  }),
);
/** Blocks that refer to nothing but what is in them, and their members. */
const BLOCKS: ReadonlyMap<string, Shapes> = new Map<string, Shapes>([
  ['text', { type: TEXT, text: TEXT, cache_control: CACHE, citations: CITATIONS }],
  [
    'image',
    {
      ...{ type: TEXT, source: ANY, cache_control: CACHE },
      transformations: closedOf({ oversized_image: oneOf('downsize', 'error') }),
    },
  ],
  ['tool_use', { ...CALL, toolset_name: TEXT }],
  [
    'tool_result',
    {
      ...{ type: TEXT, tool_use_id: TEXT, content: ANY, is_error: FLAG },
      ...{ cache_control: CACHE, toolset_name: TEXT },
    },
  ],
  ['thinking', { type: TEXT, thinking: TEXT, signature: TEXT }],
  ['document', { type: TEXT, source: ANY, title: ANY, context: ANY, cache_control: CACHE, citations: CITED }],
  ['redacted_thinking', { type: TEXT, data: TEXT }],
  [
    'search_result',
    { type: TEXT, source: TEXT, title: TEXT, content: ANY, cache_control: CACHE, citations: CITED },
  ],
  ['server_tool_use', CALL],
  [
    'web_search_tool_result',
    { type: TEXT, tool_use_id: TEXT, content: ANY, cache_control: CACHE, caller: CALLER },
  ],
]);
/** What a hosted search found earlier, or why there is nothing. */
const FOUND: ReadonlyMap<string, Shapes> = new Map<string, Shapes>([
  ['web_search_result', { type: TEXT, url: TEXT, title: TEXT, encrypted_content: TEXT, page_age: TEXT }],
  ['web_search_tool_result_error', { type: TEXT, error_code: TEXT }],
]);
/** In them are blocks again. */
const HOLDERS: ReadonlySet<JsonValue | undefined> = new Set(['tool_result', 'search_result']);
/** What a document may be made of. */
const IN_DOCUMENTS: ReadonlySet<string> = new Set(['text', 'image']);

/** What Anthropic's libraries put to a text that they parse. */
const PARSED: ReadonlySet<string> = new Set(['parsed_output']);

/** A request without what says nothing in its blocks (LLM-4). */
export function meantMessages(body: JsonObject): JsonObject {
  const meant = withMeant(body, 'messages', (message) => withMeant(meantOf(message), 'content', meantBlock));
  return withMeant(meant, 'system', meantBlock);
}

function meantBlock(block: JsonObject): JsonObject {
  const meant = meantOf(block, block['type'] === 'text' ? PARSED : undefined);
  if (meant['type'] === 'document') return meantDocument(meant, meantBlock);
  if (meant['type'] === 'image') return withMeant(meant, 'source', (source) => meantOf(source));
  return HOLDERS.has(meant['type']) ? withMeant(meant, 'content', meantBlock) : meant;
}

type Counted = { -readonly [K in keyof BlockReach]: BlockReach[K] };

const nothing = (): Counted => ({ pictureBytes: 0, documents: 0, documentBytes: 0, fetches: false });

/** @throws {TrustError} MALFORMED | POLICY_DENIED: what is not listed, or refers to something that is not in it */
export function readTurns(messages: readonly JsonValue[], system: JsonValue | undefined): BlockReach {
  const reach = nothing();
  // Of others than users pictures and documents are not read, and what is there may be read as text.
  const others = nothing();
  for (const one of messages) {
    const message = object(one, 'a message');
    assertShapes(message, MEMBERS, 'messages.');
    readBlocks(message['content'], message['role'] === 'user' ? reach : others);
  }
  readBlocks(system, others);
  return {
    ...reach,
    documents: reach.documents + others.documents,
    fetches: reach.fetches || others.fetches,
  };
}

function readBlocks(
  content: JsonValue | undefined,
  reach: Counted,
  isListed: (type: string) => boolean = () => true,
): void {
  for (const one of partsOf(content, 'content')) {
    const block = object(one, 'a block');
    const type = text(block, 'type');
    const members = isListed(type) ? BLOCKS.get(type) : undefined;
    if (members === undefined)
      throw notPassed(ofType('a block', type), 'only text, pictures, documents and tools are');
    assertShapes(block, members, `${type}.`);
    if (type === 'image') countPicture(object(block['source'], 'source'), reach);
    if (type === 'document') countDocument(block, reach);
    if (HOLDERS.has(type)) readBlocks(block['content'], reach);
    if (type === 'web_search_tool_result') assertFound(block['content']);
  }
}

function countPicture(source: JsonObject, reach: Counted): void {
  const { bytes, fetches } = readSource(source);
  reach.fetches ||= fetches;
  reach.pictureBytes += bytes;
}

function countDocument(block: JsonObject, reach: Counted): void {
  const document = readDocument(block);
  if (document.kind === 'blocks')
    readBlocks(document.source['content'], reach, (type) => IN_DOCUMENTS.has(type));
  if (document.kind !== 'unread') return;
  reach.documents += 1;
  reach.documentBytes += document.bytes;
  reach.fetches ||= document.fetches;
}

function assertFound(content: JsonValue | undefined): void {
  const found = Array.isArray(content) ? content : [content];
  for (const one of found) {
    const result = object(one, 'a result of a search');
    const type = text(result, 'type');
    const members = FOUND.get(type);
    if (members === undefined) throw notPassed(ofType('a result', type), 'only those of a web search are');
    assertShapes(result, members, `${type}.`);
  }
}

/** Where a picture comes from, and the members of that. */
const SOURCES: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['base64', new Set(['type', 'media_type', 'data'])],
  ['url', new Set(['type', 'url'])],
]);

function readSource(source: JsonObject): Addressed {
  const type = text(source, 'type');
  const members = SOURCES.get(type);
  if (members === undefined)
    throw notPassed(ofType('a source', type), 'files at the provider belong to nobody here');
  onlyMembers(source, members, [], 'source.');
  if (type === 'base64')
    return { bytes: pictureBytes(source['media_type'], source['data'], 'source'), fetches: false };
  // An address with bytes in it is not read as a picture by everybody, and may be read as text.
  return { ...pictureAt(source['url'], 'source.url'), bytes: 0 };
}
