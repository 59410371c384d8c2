import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';
import { hasLongCache } from './bound.js';
import { readChatStream } from './chat-events.js';
import type { Dialect, RequestShape, Rewrite } from './dialect.js';
import {
  assertMediaUrl,
  flag,
  list,
  malformed,
  notPassed,
  object,
  onlyMembers,
  partsOf,
  positive,
  text,
} from './members.js';
import { assertUsualTier, openAiError, openAiKey } from './openai.js';
import { openAiUsage } from './usage.js';

/** OpenAI's chat completions. */
export const CHAT: Dialect = {
  api: 'openai',
  method: 'chat/completions',
  op: 'write',
  path: '/chat/completions',
  readRequest,
  rewrite,
  keyHeaders: openAiKey,
  usageOf: (answer) => openAiUsage(answer['usage']),
  readStream: readChatStream,
  error: openAiError,
  errorEvent: (told) => ({ data: JSON.stringify(openAiError(told)) }),
};

export { bytesOf } from './written-bytes.js';

const MEMBERS: ReadonlySet<string> = new Set([
  ...['model', 'messages', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'n'],
  ...['temperature', 'top_p', 'stop', 'presence_penalty', 'frequency_penalty', 'logit_bias', 'logprobs'],
  ...['top_logprobs', 'seed', 'user', 'safety_identifier', 'prompt_cache_key', 'response_format'],
  ...['tools', 'tool_choice', 'parallel_tool_calls', 'functions', 'function_call', 'reasoning_effort'],
  ...['verbosity', 'metadata', 'modalities', 'store', 'service_tier', 'web_search_options'],
]);
const MESSAGE_MEMBERS: ReadonlySet<string> = new Set([
  ...['role', 'content', 'name', 'tool_calls', 'tool_call_id', 'function_call', 'refusal'],
  ...['reasoning', 'reasoning_content', 'annotations'],
]);
/** Parts of a message, and their members; the mark of a cache is one of OpenRouter's. */
const PARTS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['text', new Set(['type', 'text', 'cache_control'])],
  ['refusal', new Set(['type', 'refusal'])],
  ['image_url', new Set(['type', 'image_url', 'cache_control'])],
]);
const PICTURE: ReadonlySet<string> = new Set(['detail']);
/** Tools that are the client's own affair. */
const OWN_TOOLS: ReadonlySet<string> = new Set(['function', 'custom']);
/** Models that search whatever they are asked. */
const SEARCHING = /-search-(?:preview|api)|(?:^|\/)sonar/i;
const MOST_CHOICES = 128;

function readRequest(body: JsonObject, fields: readonly string[]): RequestShape {
  onlyMembers(body, MEMBERS, fields, '');
  const { pictures, fetches } = readMessages(list(body['messages'], 'messages'));
  assertPlain(body);
  if (body['max_tokens'] != null && body['max_completion_tokens'] != null)
    throw malformed('max_tokens and max_completion_tokens exclude each other');
  const choices = positive(body, 'n') ?? 1;
  if (choices > MOST_CHOICES) throw malformed(`n must be at most ${MOST_CHOICES}`);
  const options = body['stream_options'];
  return {
    model: text(body, 'model'),
    stream: flag(body, 'stream'),
    maxOutput: positive(body, 'max_completion_tokens') ?? positive(body, 'max_tokens'),
    choices,
    pictures,
    features: [...new Set([...featuresOf(body), ...(fetches ? ['fetch'] : [])])],
    wantsUsage: options != null && flag(object(options, 'stream_options'), 'include_usage'),
    longCache: hasLongCache(body['messages']),
  };
}

/** What would be kept at the provider, or cost what no table says. */
function assertPlain(body: JsonObject): void {
  if (flag(body, 'store')) throw notPassed('store', 'the provider would keep the call');
  assertUsualTier(body);
  const modalities = body['modalities'];
  if (modalities != null && list(modalities, 'modalities').some((one) => one !== 'text'))
    throw notPassed('modalities', 'only text is');
}

function featuresOf(body: JsonObject): string[] {
  const hosted = list(body['tools'] ?? [], 'tools').flatMap((tool) => {
    const type = text(object(tool, 'a tool'), 'type');
    return OWN_TOOLS.has(type) ? [] : [type];
  });
  const searches = body['web_search_options'] != null || SEARCHING.test(String(body['model']));
  return searches ? [...hosted, 'web_search'] : hosted;
}

function readMessages(messages: readonly JsonValue[]): { pictures: number; fetches: boolean } {
  let [pictures, fetches] = [0, false];
  for (const one of messages) {
    const message = object(one, 'a message');
    onlyMembers(message, MESSAGE_MEMBERS, [], 'messages.');
    for (const one of partsOf(message['content'], 'content')) {
      const part = object(one, 'a part of a message');
      const type = text(part, 'type');
      const members = PARTS.get(type);
      if (members === undefined) throw notPassed(`a part of type ${type}`, 'only text and pictures are');
      onlyMembers(part, members, [], `${type}.`);
      if (type !== 'image_url') continue;
      pictures += 1;
      const { url, ...rest } = object(part['image_url'], 'image_url');
      onlyMembers(rest, PICTURE, [], 'image_url.');
      fetches = assertMediaUrl(url, 'image_url.url') === 'fetch' || fetches;
    }
  }
  return { pictures, fetches };
}

function rewrite(
  body: JsonObject,
  { stream }: RequestShape,
  { model, maxOutput, maxField }: Rewrite,
): JsonObject {
  const { max_tokens, max_completion_tokens, ...rest } = body;
  const options = body['stream_options'];
  // A server that does not know the name would write as much as it likes; OpenAI's own refuses what it does not heed.
  const given =
    maxField === 'max_tokens'
      ? { max_tokens: max_tokens ?? max_completion_tokens }
      : { max_tokens, max_completion_tokens };
  const stated = Object.fromEntries(Object.entries(given).filter(([, value]) => value != null));
  return {
    ...rest,
    model,
    ...stated,
    ...(maxOutput === undefined ? {} : { [maxField]: maxOutput }),
    // Without it a stream does not say what it came to.
    ...(stream
      ? {
          stream_options: {
            ...(options != null && isJsonObject(options) ? options : {}),
            include_usage: true,
          },
        }
      : {}),
  };
}
