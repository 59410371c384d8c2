import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';
import { bytesOf } from './chat.js';
import { clientToolTokens } from './client-tools.js';
import type { Dialect, RequestShape, StreamEvent, StreamReader, ToldFailure } from './dialect.js';
import { flag, list, malformed, notPassed, object, onlyMembers, positive, text } from './members.js';
import { assertShortRetention, assertUsualTier, openAiError, openAiKey } from './openai.js';
import { assertNoError, endedByError, TOLD_ERROR } from './provider-error.js';
import { parseProviderObject } from './provider-json.js';
import { closed, readInput } from './responses-input.js';
import { RESPONSE_REFERENCES } from './responses-references.js';
import { isToShowThoughts, withThoughts } from './responses-thoughts.js';
import { toolFeatures } from './responses-tools.js';
import { toldModel } from './told-model.js';
import { possible, responsesUsage } from './usage.js';

/** OpenAI's responses, each whole in itself: nothing of a call is kept at the provider, and no call names what is. */
export const RESPONSES: Dialect = {
  api: 'openai',
  method: 'responses',
  op: 'write',
  path: '/responses',
  readRequest,
  rewrite: (body, _, { model, maxOutput }) => ({
    ...body,
    model,
    ...(isToShowThoughts(body, model) ? { include: withThoughts(body['include']) } : {}),
    // The default of the provider is to keep the call (LLM-24).
    store: false,
    ...(maxOutput === undefined ? {} : { max_output_tokens: maxOutput }),
  }),
  keyHeaders: openAiKey,
  usageOf: ({ output, usage }) => possible(responsesUsage(usage), isWritten(output) ? 1 : 0),
  readStream,
  references: RESPONSE_REFERENCES,
  error: openAiError,
  errorEvent,
};

const MEMBERS: ReadonlySet<string> = new Set([
  ...['model', 'input', 'instructions', 'stream', 'stream_options', 'max_output_tokens', 'max_tool_calls'],
  ...['temperature', 'top_p', 'top_logprobs', 'tools', 'tool_choice', 'parallel_tool_calls', 'text'],
  ...['reasoning', 'include', 'truncation', 'metadata', 'user', 'safety_identifier', 'prompt_cache_key'],
  ...['prompt_cache_retention', 'service_tier', 'store', 'background'],
  ...['previous_response_id', 'conversation', 'prompt'],
]);
/** What more an answer may have: only what the call itself brought about. */
const INCLUDED: ReadonlySet<JsonValue> = new Set([
  ...['reasoning.encrypted_content', 'message.output_text.logprobs', 'web_search_call.action.sources'],
]);

function readRequest(body: JsonObject, fields: readonly string[]): RequestShape {
  onlyMembers(body, MEMBERS, fields, '');
  assertNothingKept(body);
  assertUsualTier(body);
  assertKnownOptions(body);
  const { fetches, ...counted } = readInput(body['input']);
  const tools = toolFeatures(body);
  return {
    model: text(body, 'model'),
    stream: flag(body, 'stream'),
    maxOutput: positive(body, 'max_output_tokens'),
    choices: 1,
    ...counted,
    toolTokens: clientToolTokens(body['tools'], tools),
    features: [...new Set([...tools, ...(fetches ? ['fetch'] : [])])],
    wantsUsage: true,
    cache: 'unmarked',
  };
}

/** What the operator's account keeps belongs to nobody here, and it is to keep no more. */
function assertNothingKept(body: JsonObject): void {
  for (const name of ['previous_response_id', 'conversation', 'prompt'])
    if (body[name] != null)
      throw notPassed(
        name,
        'what the provider keeps belongs to nobody here. Send what it stands for, as items of `input`',
      );
  for (const name of ['store', 'background'])
    if (flag(body, name)) throw notPassed(name, 'the provider would keep the call');
  assertShortRetention(body);
}

function assertKnownOptions(body: JsonObject): void {
  const { include, instructions } = body;
  if (instructions != null && typeof instructions !== 'string')
    throw malformed('instructions must be a string');
  for (const one of include == null ? [] : list(include, 'include'))
    if (!INCLUDED.has(one))
      throw notPassed('include of something else', 'it could show what the provider keeps');
  const options: readonly (readonly [string, readonly string[]])[] = [
    ['stream_options', ['include_obfuscation']],
    ['text', ['format', 'verbosity']],
    ['reasoning', ['effort', 'summary', 'generate_summary', 'context']],
  ];
  for (const [name, known] of options)
    if (body[name] != null) closed(object(body[name], name), known, `${name}.`);
}

/** The events after which nothing comes. */
const ENDS: ReadonlySet<JsonValue | undefined> = new Set([
  ...['response.completed', 'response.incomplete', 'response.failed'],
]);
/** Written about the model's thoughts, and not among the tokens that are counted. */
const SUMMARY = 'response.reasoning_summary_text.delta';

function readStream(): StreamReader {
  let [pieces, sums, over, hasFailed] = [0, 0, false, false];
  let usage: JsonValue | undefined;
  let model: string | undefined;
  return {
    read(event) {
      const { data } = event;
      // Servers that speak several protocols end all of them so. A client would take it for the end, also where it is none.
      if (data === '[DONE]') return false;
      const said = parseProviderObject(data);
      assertNoError(said, event.event);
      const { type, delta } = said;
      const response = wholeOf(said['response']);
      model ??= toldModel(response['model']);
      const isEnd = ENDS.has(type);
      if (isEnd) usage = response['usage'];
      else if (isDelta(type) && bytesOf(delta) > 0) {
        if (type === SUMMARY) sums = 1;
        else pieces += 1;
      }
      const told = isFailed(type, response) ? failedEvent(event, said, pieces) : true;
      hasFailed ||= told !== true;
      // One that is no answer is not over by it.
      over ||= isEnd;
      return told;
    },
    pieces: () => pieces,
    usage: () => possible(responsesUsage(usage), Math.max(pieces, sums)),
    model: () => model,
    isOver: () => over,
    hasFailed: () => hasFailed,
  };
}

/** True of words, also of summed up thoughts, and of what a tool is called with. Of items that say nothing some servers have one for thoughts that were none. */
function isWritten(output: JsonValue | undefined): boolean {
  const items = Array.isArray(output) ? output.filter(isJsonObject) : [];
  return items.some(({ content, summary, arguments: args = null, input = null }) => {
    const parts = [content, summary].flatMap((list) =>
      Array.isArray(list) ? list.filter(isJsonObject) : [],
    );
    const said = parts.flatMap(({ text = null, refusal = null }) => [text, refusal]);
    return bytesOf([args, input, ...said]) > 0;
  });
}

/** Also where it says of one that it is complete. */
function isFailed(type: JsonValue | undefined, { error, status }: JsonObject): boolean {
  return type === 'response.failed' || status === 'failed' || error != null;
}

/** What a provider says of its failure may be of the operator's account; one without a word is no answer. */
function failedEvent(event: StreamEvent, said: JsonObject, pieces: number): StreamEvent {
  if (pieces === 0) throw endedByError();
  const response = { ...wholeOf(said['response']), error: TOLD_ERROR };
  return { ...event, data: JSON.stringify({ ...said, response }) };
}

function isDelta(type: JsonValue | undefined): boolean {
  return typeof type === 'string' && type.endsWith('.delta');
}

function wholeOf(response: JsonValue | undefined): JsonObject {
  return response !== undefined && isJsonObject(response) ? response : {};
}

/** The protocol has the members side by side, its clients look for an `error` as well: it has both. */
function errorEvent(told: ToldFailure): StreamEvent {
  const { error } = openAiError(told) as { readonly error: JsonObject };
  const { code = null, message = '' } = error;
  return {
    event: 'error',
    data: JSON.stringify({ type: 'error', sequence_number: 0, code, message, param: null, error }),
  };
}
