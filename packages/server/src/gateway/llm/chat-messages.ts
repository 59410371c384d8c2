import type { JsonObject, JsonValue } from '@talosprotocol/protocol';
import { assertNoFileId, assertTexts, pdfBytesOf } from './document-data.js';
import { meantOf, notPassed, object, ofType, onlyMembers, partsOf, text, withMeant } from './members.js';
import { pictureAt } from './picture-data.js';
import {
  ANY,
  assertShapes,
  CACHE,
  closedOf,
  DETAIL,
  FLAG,
  listOf,
  NUMBER,
  type Shapes,
  TEXT,
} from './shapes.js';

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

/** What an answer of a web search says where it is from; its words are one of OpenRouter's. */
const NOTES = listOf(
  closedOf({
    type: (type) => {
      if (type !== 'url_citation') throw notPassed(ofType('an annotation', type), 'only url_citation is');
    },
    url_citation: closedOf({
      ...{ url: TEXT, title: TEXT, content: TEXT },
      ...{ start_index: NUMBER, end_index: NUMBER },
    }),
  }),
);
/** Signatures of thoughts, and what is one, as Gemini tells it of calls and of words, and wants it back; by the name of who serves it. */
const SIGNED = closedOf({ thought_signature: TEXT, thought: FLAG });
const EXTRA = closedOf({ google: SIGNED, vertex: SIGNED });
const FUNCTION = closedOf({ name: TEXT, arguments: TEXT });
/** Calls, and what they are of; an index is told by servers. */
const CALLS = listOf(
  closedOf({
    ...{
      id: TEXT,
      type: TEXT,
      index: NUMBER,
      function: FUNCTION,
      custom: closedOf({ name: TEXT, input: TEXT }),
    },
    extra_content: EXTRA,
  }),
);
const MEMBERS: Shapes = {
  ...{ role: TEXT, content: ANY, name: TEXT, tool_calls: ANY, tool_call_id: TEXT },
  ...{ function_call: ANY, refusal: TEXT, reasoning: TEXT, reasoning_content: TEXT, annotations: NOTES },
  extra_content: EXTRA,
};
/** Parts of a message, and their members; the mark of a cache is one of OpenRouter's. */
const PARTS: ReadonlyMap<string, Shapes> = new Map<string, Shapes>([
  ['text', { type: TEXT, text: TEXT, cache_control: CACHE }],
  ['refusal', { type: TEXT, refusal: TEXT }],
  ['image_url', { type: TEXT, image_url: closedOf({ url: ANY, detail: DETAIL }), cache_control: CACHE }],
  ['file', { type: TEXT, file: ANY }],
]);
const FILE: ReadonlySet<string> = new Set(['file_data', 'filename', 'file_id']);

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
    assertShapes(message, MEMBERS, 'messages.');
    const { tool_calls: calls, function_call: called } = message;
    if (calls != null) CALLS(calls, 'tool_calls');
    if (called != null) FUNCTION(called, 'function_call');
    for (const one of partsOf(message['content'], 'content'))
      readPart(object(one, 'a part of a message'), message['role'] === 'user', reach);
  }
  return reach;
}

/** Of others than users pictures and documents are not read, and what is there may be read as text. */
function readPart(part: JsonObject, isOfUser: boolean, reach: Counted): void {
  const type = text(part, 'type');
  const members = PARTS.get(type);
  if (members === undefined) throw notPassed(ofType('a part', type), 'only text, pictures and files are');
  assertShapes(part, members, `${type}.`);
  if (type === 'image_url') {
    const { bytes, fetches } = pictureAt(object(part['image_url'], 'image_url')['url'], 'image_url.url');
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

function fileBytes(file: JsonObject): number {
  onlyMembers(file, FILE, [], 'file.');
  assertNoFileId(file['file_id'], 'file.file_id');
  assertTexts(file, ['filename']);
  return pdfBytesOf(file['file_data'], 'file.file_data');
}
