import type { ModelUsage } from '@talosprotocol/contracts';
import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';

/** Beyond this a count is no count, whoever says so. */
const MOST = 1_000_000_000;

function count(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST
    ? value
    : undefined;
}

const at = (value: JsonValue | undefined, name: string): JsonValue | undefined =>
  value !== undefined && isJsonObject(value) ? value[name] : undefined;

/** `usage` of OpenAI's chat completions; undefined if it does not say what was read and written. Gemini leaves what it
 *  thought out of `completion_tokens`, and in the total: all that was not read was written. */
export function openAiUsage(usage: JsonValue | undefined): ModelUsage | undefined {
  const [input, stated] = [count(at(usage, 'prompt_tokens')), count(at(usage, 'completion_tokens')) ?? 0];
  if (input === undefined) return undefined;
  const output = Math.max(stated, (count(at(usage, 'total_tokens')) ?? 0) - input);
  return withDetails(input, output, at(usage, 'prompt_tokens_details'));
}

/** `usage` of OpenAI's responses; undefined if it does not say what was read and written. */
export function responsesUsage(usage: JsonValue | undefined): ModelUsage | undefined {
  const [input, output] = [count(at(usage, 'input_tokens')), count(at(usage, 'output_tokens'))];
  if (input === undefined || output === undefined) return undefined;
  return withDetails(input, output, at(usage, 'input_tokens_details'));
}

/** `usage` of Anthropic's messages, whose `input_tokens` leave out what went through a cache. */
export function anthropicUsage(usage: JsonValue | undefined): ModelUsage | undefined {
  const [plain, output] = [count(at(usage, 'input_tokens')), count(at(usage, 'output_tokens')) ?? 0];
  if (plain === undefined) return undefined;
  const read = count(at(usage, 'cache_read_input_tokens'));
  const written = count(at(usage, 'cache_creation_input_tokens'));
  return withCache(plain + (read ?? 0) + (written ?? 0), output, read, written);
}

function withDetails(input: number, output: number, details: JsonValue | undefined): ModelUsage {
  return withCache(
    input,
    output,
    count(at(details, 'cached_tokens')),
    count(at(details, 'cache_write_tokens')),
  );
}

/** More from a cache than was read at all is no count. */
function withCache(
  input: number,
  output: number,
  read: number | undefined,
  written: number | undefined,
): ModelUsage {
  const isSound = (read ?? 0) + (written ?? 0) <= input;
  return {
    input,
    output,
    ...(isSound && read ? { cache_read: read } : {}),
    ...(isSound && written ? { cache_write: written } : {}),
  };
}

/** Later counts of a stream in place of earlier ones: Anthropic counts what is read at its beginning, what is written at
 *  its end. */
export function joinUsage(
  earlier: JsonObject | undefined,
  later: JsonValue | undefined,
): JsonObject | undefined {
  if (later === undefined || !isJsonObject(later)) return earlier;
  const stated = Object.entries(later).filter(([, value]) => value !== null);
  return { ...earlier, ...Object.fromEntries(stated) };
}
