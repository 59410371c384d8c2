import type { JsonObject, JsonValue } from '@talosprotocol/protocol';
import { meantOf, notPassed, object, onlyMembers, partsOf, text, withMeant } from './members.js';
import { meantDocument, readDocument } from './message-document.js';
import { type Addressed, pictureAt, pictureBytes } from './picture-data.js';

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

const MEMBERS: ReadonlySet<string> = new Set(['role', 'content']);
const CALL: readonly string[] = ['type', 'id', 'name', 'input', 'cache_control', 'caller'];
/** Blocks that refer to nothing but what is in them, and their members. */
const BLOCKS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['text', new Set(['type', 'text', 'cache_control', 'citations'])],
  ['image', new Set(['type', 'source', 'cache_control', 'transformations'])],
  ['tool_use', new Set([...CALL, 'toolset_name'])],
  ['tool_result', new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control', 'toolset_name'])],
  ['thinking', new Set(['type', 'thinking', 'signature'])],
  ['document', new Set(['type', 'source', 'title', 'context', 'cache_control', 'citations'])],
  ['redacted_thinking', new Set(['type', 'data'])],
  ['search_result', new Set(['type', 'source', 'title', 'content', 'cache_control', 'citations'])],
  ['server_tool_use', new Set(CALL)],
  ['web_search_tool_result', new Set(['type', 'tool_use_id', 'content', 'cache_control', 'caller'])],
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
    onlyMembers(message, MEMBERS, [], 'messages.');
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
      throw notPassed(`a block of type ${type}`, 'only text, pictures, documents and tools are');
    onlyMembers(block, members, [], `${type}.`);
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

/** What a hosted search found earlier: results, or why there are none. */
function assertFound(content: JsonValue | undefined): void {
  const found = Array.isArray(content) ? content : [content];
  for (const one of found) {
    const type = text(object(one, 'a result of a search'), 'type');
    if (type !== 'web_search_result' && type !== 'web_search_tool_result_error')
      throw notPassed(`a result of type ${type}`, 'only those of a web search are');
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
    throw notPassed(`a source of type ${type}`, 'files at the provider belong to nobody here');
  onlyMembers(source, members, [], 'source.');
  if (type === 'base64')
    return { bytes: pictureBytes(source['media_type'], source['data'], 'source'), fetches: false };
  // An address with bytes in it is not read as a picture by everybody, and may be read as text.
  return { ...pictureAt(source['url'], 'source.url'), bytes: 0 };
}
