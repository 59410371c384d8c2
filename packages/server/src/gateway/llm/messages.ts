import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';
import { anthropicError, anthropicKey, anthropicStatus, noThread } from './anthropic.js';
import { cacheOf, countTyped } from './bound.js';
import { clientToolTokens } from './client-tools.js';
import type { Dialect, RequestShape } from './dialect.js';
import { flag, list, malformed, notPassed, object, onlyMembers, positive, text } from './members.js';
import { meantMessages, readTurns } from './message-blocks.js';
import { messageUsageOf, readMessageStream } from './message-events.js';

/** Anthropic's count of the tokens that a message would be read as: no model runs. */
export const COUNT_TOKENS: Dialect = {
  api: 'anthropic',
  method: 'messages/count_tokens',
  op: 'read',
  path: '/messages/count_tokens',
  meant: meantMessages,
  readRequest: readCount,
  rewrite: (body, _, { model }) => ({ ...body, model }),
  keyHeaders: anthropicKey,
  usageOf: () => undefined,
  error: anthropicError,
  status: anthropicStatus,
  errorEvent: (told) => ({ event: 'error', data: JSON.stringify(anthropicError(told)) }),
};

/** Anthropic's messages. */
export const MESSAGES: Dialect = {
  api: 'anthropic',
  method: 'messages',
  op: 'write',
  path: '/messages',
  meant: meantMessages,
  readRequest,
  rewrite: (body, _, { model }) => ({ ...body, model }),
  keyHeaders: anthropicKey,
  usageOf: messageUsageOf,
  readStream: readMessageStream,
  error: anthropicError,
  status: anthropicStatus,
  errorEvent: (told) => ({ event: 'error', data: JSON.stringify(anthropicError(told)) }),
};

const MEMBERS: ReadonlySet<string> = new Set([
  ...['model', 'messages', 'max_tokens', 'stream', 'system', 'temperature', 'top_p', 'top_k'],
  ...['stop_sequences', 'metadata', 'tools', 'tool_choice', 'thinking', 'service_tier', 'cache_control'],
  ...['output_config', 'output_format', 'speed', 'inference_geo'],
]);
const PICTURES: ReadonlySet<string> = new Set(['image']);

const COUNT_MEMBERS: ReadonlySet<string> = new Set([
  ...['model', 'messages', 'system', 'tools', 'tool_choice', 'thinking', 'cache_control'],
  ...['output_config', 'output_format', 'speed'],
]);
/** Of members that change the price, the values that do not. */
const USUAL: ReadonlyMap<string, readonly JsonValue[]> = new Map([
  ['service_tier', ['auto', 'standard_only']],
  ['speed', ['standard']],
  ['inference_geo', ['global']],
]);

function readRequest(body: JsonObject, fields: readonly string[]): RequestShape {
  assertMembers(body, MEMBERS, fields);
  const maxOutput = positive(body, 'max_tokens');
  if (maxOutput === undefined) throw malformed('max_tokens must be a positive integer');
  return shapeOf(body, {
    maxOutput,
    stream: flag(body, 'stream'),
    mayExceed: thinksBeyond(body['thinking'], maxOutput),
  });
}

/** Between calls of tools (`interleaved-thinking-*`) more may be thought than the maximum, which bounds nothing then: "the token limit
 *  becomes your entire context window". Elsewhere its provider refuses such a request. */
function thinksBeyond(thinking: JsonValue | undefined, maxOutput: number): boolean {
  const tokens = thinking != null && isJsonObject(thinking) ? thinking['budget_tokens'] : undefined;
  return typeof tokens === 'number' && tokens >= maxOutput;
}

function assertUsualPrice(body: JsonObject): void {
  for (const [name, usual] of USUAL) {
    const value = body[name];
    if (value != null && !usual.includes(value)) throw notPassed(name, 'it changes the price');
  }
}

function assertMembers(body: JsonObject, known: ReadonlySet<string>, fields: readonly string[]): void {
  if (body['thread'] != null && !fields.includes('thread')) throw noThread();
  onlyMembers(body, known, fields, '');
  assertUsualPrice(body);
}

function readCount(body: JsonObject, fields: readonly string[]): RequestShape {
  assertMembers(body, COUNT_MEMBERS, fields);
  return shapeOf(body, { maxOutput: 0, stream: false });
}

function shapeOf(
  body: JsonObject,
  own: Pick<RequestShape, 'maxOutput' | 'mayExceed' | 'stream'>,
): RequestShape {
  const messages = list(body['messages'], 'messages');
  const { fetches, ...counted } = readTurns(messages, body['system']);
  return {
    ...own,
    model: text(body, 'model'),
    choices: 1,
    pictures: countTyped(messages as JsonValue, PICTURES),
    ...counted,
    toolTokens: clientToolTokens(body['tools'], []),
    features: [...new Set([...hostedTools(body), ...(fetches ? ['fetch'] : [])])],
    wantsUsage: true,
    cache: cacheOf(body),
  };
}

/** The client's own tools have no type, or `custom`; all others run at the provider, or are of its design. */
function hostedTools(body: JsonObject): string[] {
  return list(body['tools'] ?? [], 'tools').flatMap((one) => {
    const type = object(one, 'a tool')['type'] ?? 'custom';
    if (typeof type !== 'string') throw malformed('the type of a tool must be a string');
    return type === 'custom' ? [] : [type];
  });
}
