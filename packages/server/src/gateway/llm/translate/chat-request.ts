import type { JsonObject, JsonValue } from '@talosprotocol/protocol';
import { chatTurns } from './chat-turns.js';
import {
  assertSayable,
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
} from './sayable.js';
import { chatToolChoice, chatTools } from './tools.js';
import type { TranslationContext } from './translation.js';

const fault: Fault = faultOfRequest("OpenAI's chat completions");

const CARRIED: ReadonlySet<string> = new Set([
  ...['model', 'messages', 'system', 'max_tokens', 'stream', 'temperature', 'top_p', 'stop_sequences'],
  ...['metadata', 'tools', 'tool_choice', 'service_tier'],
]);

/** What messages may say that changes nothing. */
const SILENT: SilentMembers = {
  top_k: ONLY_NULL,
  thinking: (value) => JSON.stringify(value) === '{"type":"disabled"}',
  cache_control: ONLY_NULL,
  output_config: ONLY_NULL,
  output_format: ONLY_NULL,
  speed: (value) => value === 'standard',
  inference_geo: (value) => value === 'global',
};

/** Most that OpenAI's chat takes. */
const MOST_STOPS = 4;

/** A request of OpenAI's chat for one of Anthropic's messages. @throws {TrustError} POLICY_DENIED */
export function chatRequest(body: JsonObject, { asked, model }: TranslationContext): JsonObject {
  assertSayable(body, CARRIED, SILENT, '', fault);
  const { system, messages, metadata, tools, tool_choice: choice } = body;
  return stated({
    model,
    messages: chatTurns(system, messages, fault),
    max_completion_tokens: asked.maxOutput,
    stream: asked.stream ? true : undefined,
    temperature: shareOf(body, 'temperature', fault),
    top_p: shareOf(body, 'top_p', fault),
    stop: stopOf(body['stop_sequences']),
    user: metadata == null ? undefined : userOf(metadata),
    tools: tools == null ? undefined : chatTools(tools, fault),
    ...(choice == null ? {} : chatToolChoice(choice, fault)),
    service_tier: body['service_tier'] === 'standard_only' ? 'default' : undefined,
  });
}

function stopOf(value: JsonValue | undefined): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  const all = listOf(value, 'stop_sequences', fault).map((one) => textOf(one, 'stop_sequences', fault));
  if (all.length > MOST_STOPS) throw fault(`stop_sequences of more than ${MOST_STOPS}`);
  return all.length === 0 ? undefined : all;
}

function userOf(value: JsonValue): string | undefined {
  const metadata = objectOf(value, 'metadata', fault);
  assertSayable(metadata, new Set(['user_id']), {}, 'metadata.', fault);
  return optionalText(metadata, 'user_id', 'metadata.', fault);
}
