import type { JsonObject, JsonValue } from '@talosprotocol/protocol';
import { assertNoFileId, assertTexts, pdfBytesOf } from './document-data.js';
import { list, meantOf, notPassed, object, onlyMembers, partsOf, text, withMeant } from './members.js';
import { pictureAt } from './picture-data.js';

/** What the messages of a chat bring with them besides text. */
export interface ChatReach {
  readonly pictures: number;
  /** How many bytes of them are pictures. */
  readonly pictureBytes: number;
  /** Documents that nobody reads here, and how many bytes of the request are those. */
  readonly documents: number;
  readonly documentBytes: number;
  /** True if the provider is told to load something. */
  readonly fetches: boolean;
}

const MEMBERS: ReadonlySet<string> = new Set([
  ...['role', 'content', 'name', 'tool_calls', 'tool_call_id', 'function_call', 'refusal'],
  ...['reasoning', 'reasoning_content', 'annotations'],
]);
/** Parts of a message, and their members; the mark of a cache is one of OpenRouter's. */
const PARTS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['text', new Set(['type', 'text', 'cache_control'])],
  ['refusal', new Set(['type', 'refusal'])],
  ['image_url', new Set(['type', 'image_url', 'cache_control'])],
  ['file', new Set(['type', 'file'])],
]);
const FILE: ReadonlySet<string> = new Set(['file_data', 'filename', 'file_id']);
const PICTURE: ReadonlySet<string> = new Set(['detail']);
/** Calls, and what they are of; an index is told by servers, and the signature of a thought by Gemini, which wants it back. */
const CALL: ReadonlySet<string> = new Set(['id', 'type', 'function', 'custom', 'index', 'extra_content']);
const FUNCTION: ReadonlySet<string> = new Set(['name', 'arguments']);
const CUSTOM: ReadonlySet<string> = new Set(['name', 'input']);
const EXTRA: ReadonlySet<string> = new Set(['google']);
const GOOGLE: ReadonlySet<string> = new Set(['thought_signature']);

/** What OpenAI's libraries put to what they parse: to a message, and to the function of a call. */
const PARSED_MESSAGE: ReadonlySet<string> = new Set(['parsed']);
const PARSED_CALL: ReadonlySet<string> = new Set(['parsed_arguments']);

/** A chat without what says nothing in its messages (LLM-4). */
export function meantChat(body: JsonObject): JsonObject {
  return withMeant(body, 'messages', (message) => {
    // A call without a word has a content that is null.
    const meant = withMeant(meantOf(message, PARSED_MESSAGE, 'content'), 'content', meantPart);
    return withMeant(meant, 'tool_calls', meantCall);
  });
}

function meantPart(part: JsonObject): JsonObject {
  return withMeant(meantOf(part), 'file', (file) => meantOf(file));
}

function meantCall(call: JsonObject): JsonObject {
  return withMeant(meantOf(call), 'function', (own) => meantOf(own, PARSED_CALL));
}

type Counted = { -readonly [K in keyof ChatReach]: ChatReach[K] };

/** @throws {TrustError} MALFORMED | POLICY_DENIED: what is not listed, or refers to something that is not in it */
export function readMessages(messages: readonly JsonValue[]): ChatReach {
  const reach = { pictures: 0, pictureBytes: 0, documents: 0, documentBytes: 0, fetches: false };
  for (const one of messages) {
    const message = object(one, 'a message');
    onlyMembers(message, MEMBERS, [], 'messages.');
    readCalls(message);
    for (const one of partsOf(message['content'], 'content'))
      readPart(object(one, 'a part of a message'), message['role'] === 'user', reach);
  }
  return reach;
}

/** Of others than users pictures and documents are not read, and what is there may be read as text. */
function readPart(part: JsonObject, isOfUser: boolean, reach: Counted): void {
  const type = text(part, 'type');
  const members = PARTS.get(type);
  if (members === undefined) throw notPassed(`a part of type ${type}`, 'only text, pictures and files are');
  onlyMembers(part, members, [], `${type}.`);
  if (type === 'image_url') {
    const { bytes, fetches } = pictureAt(pictureOf(part), 'image_url.url');
    reach.pictures += 1;
    reach.fetches ||= fetches;
    if (isOfUser) reach.pictureBytes += bytes;
  }
  if (type === 'file') {
    const bytes = fileBytes(object(part['file'], 'file'));
    reach.documents += 1;
    if (isOfUser) reach.documentBytes += bytes;
  }
}

function pictureOf(part: JsonObject): JsonValue {
  const { url = null, ...rest } = object(part['image_url'], 'image_url');
  onlyMembers(rest, PICTURE, [], 'image_url.');
  return url;
}

function fileBytes(file: JsonObject): number {
  onlyMembers(file, FILE, [], 'file.');
  assertNoFileId(file['file_id'], 'file.file_id');
  assertTexts(file, ['filename']);
  return pdfBytesOf(file['file_data'], 'file.file_data');
}

function readCalls(message: JsonObject): void {
  const { tool_calls: calls, function_call: called } = message;
  if (called != null) onlyMembers(object(called, 'function_call'), FUNCTION, [], 'function_call.');
  for (const one of calls == null ? [] : list(calls, 'tool_calls')) {
    const call = object(one, 'a call of a tool');
    onlyMembers(call, CALL, [], 'tool_calls.');
    inner(call, 'function', FUNCTION, 'tool_calls.function.');
    inner(call, 'custom', CUSTOM, 'tool_calls.custom.');
    const extra = inner(call, 'extra_content', EXTRA, 'tool_calls.extra_content.');
    if (extra !== undefined) inner(extra, 'google', GOOGLE, 'tool_calls.extra_content.google.');
  }
}

/** An object in an object, of which the members are listed; undefined if it is not there. */
function inner(
  value: JsonObject,
  name: string,
  known: ReadonlySet<string>,
  where: string,
): JsonObject | undefined {
  if (value[name] == null) return undefined;
  const found = object(value[name], where.slice(0, -1));
  onlyMembers(found, known, [], where);
  return found;
}
