import type { JsonObject, JsonValue } from '@talosprotocol/protocol';
import type { Dialect, RequestShape } from './dialect.js';
import { malformed, onlyMembers, positive, text } from './members.js';
import { openAiError, openAiKey } from './openai.js';
import { embeddingsUsage, possible } from './usage.js';

/** OpenAI's embeddings: text is read, and nothing is written. */
export const EMBEDDINGS: Dialect = {
  api: 'openai',
  method: 'embeddings',
  op: 'write',
  path: '/embeddings',
  readRequest,
  rewrite: (body, _, { model }) => ({ ...body, model }),
  keyHeaders: openAiKey,
  usageOf: (answer) => possible(embeddingsUsage(answer['usage']), 0),
  error: openAiError,
  errorEvent: (told) => ({ data: JSON.stringify(openAiError(told)) }),
};

const MEMBERS: ReadonlySet<string> = new Set(['input', 'model', 'encoding_format', 'dimensions', 'user']);

function readRequest(body: JsonObject, fields: readonly string[]): RequestShape {
  onlyMembers(body, MEMBERS, fields, '');
  const { input } = body;
  if (!isText(input) && !isListOf(input, isText) && !isTokens(input) && !isListOf(input, isTokens))
    throw malformed('input must be a text, a list of tokens, or a list of such');
  const format = body['encoding_format'];
  if (format != null && format !== 'float' && format !== 'base64')
    throw malformed('encoding_format must be float or base64');
  positive(body, 'dimensions');
  return {
    model: text(body, 'model'),
    stream: false,
    maxOutput: 0,
    choices: 1,
    pictures: 0,
    documents: 0,
    features: [],
    wantsUsage: false,
    cache: 'unmarked',
  };
}

function isText(value: JsonValue | undefined): boolean {
  return typeof value === 'string';
}

/** A token stands as a number of one digit at least, so that the bytes of a request bound these too. */
function isTokens(value: JsonValue | undefined): boolean {
  return isListOf(value, (one) => typeof one === 'number' && Number.isInteger(one) && one >= 0);
}

function isListOf(value: JsonValue | undefined, isOne: (value: JsonValue) => boolean): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isOne);
}
