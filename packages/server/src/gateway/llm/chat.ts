import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';
import { shown } from '../shown.js';
import { cacheOf } from './bound.js';
import { chatUsageOf, readChatStream } from './chat-events.js';
import { meantChat, readMessages } from './chat-messages.js';
import type { Dialect, RequestShape, Rewrite } from './dialect.js';
import { flag, list, malformed, notPassed, object, onlyMembers, positive, text } from './members.js';
import { assertShortRetention, assertUsualTier, openAiError, openAiKey } from './openai.js';
import { searchesUnasked } from './searching.js';

/** OpenAI's chat completions. */
export const CHAT: Dialect = {
  api: 'openai',
  method: 'chat/completions',
  op: 'write',
  path: '/chat/completions',
  meant: meantChat,
  readRequest,
  rewrite,
  keyHeaders: openAiKey,
  usageOf: chatUsageOf,
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
  'prompt_cache_retention',
]);
/** Tools that are the client's own affair. */
const OWN_TOOLS: ReadonlySet<string> = new Set(['function', 'custom']);
const MOST_CHOICES = 128;

function readRequest(body: JsonObject, fields: readonly string[]): RequestShape {
  onlyMembers(body, MEMBERS, fields, '');
  const { fetches, ...counted } = readMessages(list(body['messages'], 'messages'));
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
    ...counted,
    features: [...new Set([...featuresOf(body), ...(fetches ? ['fetch'] : [])])],
    wantsUsage: options != null && flag(object(options, 'stream_options'), 'include_usage'),
    cache: cacheOf([body['messages'] ?? null, body['tools'] ?? null]),
  };
}

/** What would be kept at the provider, or cost what no table says. */
function assertPlain(body: JsonObject): void {
  if (flag(body, 'store')) throw notPassed('store', 'the provider would keep the call');
  assertUsualTier(body);
  assertShortRetention(body);
  const modalities = body['modalities'];
  if (modalities != null && list(modalities, 'modalities').some((one) => one !== 'text'))
    throw notPassed('modalities', 'only text is');
}

function featuresOf(body: JsonObject): string[] {
  const hosted = list(body['tools'] ?? [], 'tools').flatMap((tool) => {
    const type = text(object(tool, 'a tool'), 'type');
    return OWN_TOOLS.has(type) ? [] : [type];
  });
  const searches = body['web_search_options'] != null || searchesUnasked(shown(body['model']));
  return searches ? [...hosted, 'web_search'] : hosted;
}

function rewrite(
  body: JsonObject,
  { stream }: RequestShape,
  { model, maxOutput, maxField, countsUnasked = false }: Rewrite,
): JsonObject {
  const { max_tokens, max_completion_tokens, stream_options: options, ...rest } = body;
  // A server that does not know the name would write as much as it likes; OpenAI's own refuses what it does not heed.
  const given =
    maxField === 'max_tokens'
      ? { max_tokens: max_tokens ?? max_completion_tokens }
      : { max_tokens, max_completion_tokens };
  const told = stream ? streamOptions(options, countsUnasked) : options;
  const stated = Object.fromEntries(Object.entries(given).filter(([, value]) => value != null));
  return {
    ...rest,
    model,
    ...stated,
    ...(maxOutput === undefined ? {} : { [maxField]: maxOutput }),
    ...(told === undefined ? {} : { stream_options: told }),
  };
}

/** With what has a stream say what it came to; undefined if nothing is to be said. */
function streamOptions(options: JsonValue | undefined, countsUnasked: boolean): JsonObject | undefined {
  const { include_usage: _, ...own } = options != null && isJsonObject(options) ? options : {};
  if (!countsUnasked) return { ...own, include_usage: true };
  return Object.keys(own).length === 0 ? undefined : own;
}
