import type { JsonObject, JsonValue } from '@talosprotocol/protocol';
import { messageTurns } from './message-turns.js';
import {
  assertSayable,
  EMPTY,
  FALSE,
  type Fault,
  faultOfRequest,
  listOf,
  ONLY_NULL,
  objectOf,
  optionalText,
  type SilentMembers,
  shareOf,
  stated,
  textOf,
  ZERO,
} from './sayable.js';
import { messageToolChoice, messageTools } from './tools.js';
import type { TranslationContext } from './translation.js';

const fault: Fault = faultOfRequest("Anthropic's messages");

const CARRIED: ReadonlySet<string> = new Set([
  ...['model', 'messages', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'temperature'],
  ...['top_p', 'stop', 'user', 'tools', 'tool_choice', 'parallel_tool_calls', 'service_tier'],
]);

const isEmptyObject = (value: JsonValue): boolean => JSON.stringify(value) === '{}';

/** What a chat may say that changes nothing. */
const SILENT: SilentMembers = {
  n: (value) => value === 1,
  presence_penalty: ZERO,
  frequency_penalty: ZERO,
  logit_bias: isEmptyObject,
  logprobs: FALSE,
  top_logprobs: ZERO,
  seed: ONLY_NULL,
  safety_identifier: ONLY_NULL,
  prompt_cache_key: ONLY_NULL,
  prompt_cache_retention: (value) => value === 'in_memory' || value === 'in-memory',
  response_format: (value) => JSON.stringify(value) === '{"type":"text"}',
  functions: EMPTY,
  function_call: ONLY_NULL,
  reasoning_effort: ONLY_NULL,
  verbosity: ONLY_NULL,
  metadata: isEmptyObject,
  modalities: (value) => JSON.stringify(value) === '["text"]',
  store: FALSE,
  web_search_options: ONLY_NULL,
};

/** Anthropic's messages for a request of OpenAI's chat. @throws {TrustError} POLICY_DENIED */
export function messageRequest(body: JsonObject, context: TranslationContext): JsonObject {
  assertSayable(body, CARRIED, SILENT, '', fault);
  const { asked, model, maxOutputTokens } = context;
  const { system, messages } = messageTurns(body['messages'], fault);
  assertStreamOptions(body['stream_options']);
  const user = optionalText(body, 'user', '', fault);
  return stated({
    model,
    system,
    messages,
    max_tokens: asked.maxOutput ?? maxOutputTokens,
    stream: asked.stream ? true : undefined,
    temperature: shareOf(body, 'temperature', fault),
    top_p: shareOf(body, 'top_p', fault),
    stop_sequences: stopSequences(body['stop']),
    metadata: user === undefined ? undefined : { user_id: user },
    tools: body['tools'] == null ? undefined : messageTools(body['tools'], fault),
    tool_choice: messageToolChoice(body, fault),
    // `auto`, which is the default of both, may be said or not.
    service_tier: body['service_tier'] === 'default' ? 'standard_only' : undefined,
  });
}

/** Whether a stream is counted at its end is our affair; what hides its sizes has no counterpart. */
function assertStreamOptions(value: JsonValue | undefined): void {
  if (value == null) return;
  const options = objectOf(value, 'stream_options', fault);
  assertSayable(
    options,
    new Set(['include_usage']),
    { include_obfuscation: FALSE },
    'stream_options.',
    fault,
  );
}

function stopSequences(value: JsonValue | undefined): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  const all = typeof value === 'string' ? [value] : listOf(value, 'stop', fault);
  return all.length === 0 ? undefined : all.map((one) => textOf(one, 'stop', fault));
}
