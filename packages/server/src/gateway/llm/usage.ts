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

/** The count of an answer in which so many tokens were seen at least; undefined if it cannot be: no request is read as nothing, and
 *  whoever counts less than was seen counts something else. */
export function possible(usage: ModelUsage | undefined, seen: number): ModelUsage | undefined {
  return usage !== undefined && usage.input > 0 && usage.output >= seen ? usage : undefined;
}

/** `usage` of OpenAI's chat completions, of an answer in which so many tokens were seen at least; undefined if it does not say what
 *  was read and written. Gemini leaves what it thought out of `completion_tokens`, and in the total: all that was not read was written. */
export function openAiUsage(usage: JsonValue | undefined, seen: number): ModelUsage | undefined {
  const [input, total] = [count(at(usage, 'prompt_tokens')), count(at(usage, 'total_tokens'))];
  if (input === undefined) return undefined;
  const written = at(usage, 'completion_tokens');
  const rest = total === undefined ? -1 : total - input;
  // Of an answer of thoughts alone, or of nothing at all, it says nothing but the total.
  const isTotal = written == null && (rest > 0 || (rest === 0 && seen === 0));
  const stated = isTotal ? 0 : count(written);
  if (stated === undefined) return undefined;
  return withDetails(input, Math.max(stated, rest), at(usage, 'prompt_tokens_details'));
}

/** `usage` of OpenAI's embeddings, where nothing is written; undefined if it does not say what was read. */
export function embeddingsUsage(usage: JsonValue | undefined): ModelUsage | undefined {
  const input = count(at(usage, 'prompt_tokens'));
  return input === undefined ? undefined : { input, output: 0 };
}

/** `usage` of OpenAI's responses; undefined if it does not say what was read and written. */
export function responsesUsage(usage: JsonValue | undefined): ModelUsage | undefined {
  const [input, output] = [count(at(usage, 'input_tokens')), count(at(usage, 'output_tokens'))];
  if (input === undefined || output === undefined) return undefined;
  return withDetails(input, output, at(usage, 'input_tokens_details'));
}

/** `usage` of Anthropic's messages, whose `input_tokens` leave out what went through a cache; undefined if it does not say what
 *  was read and written. */
export function anthropicUsage(usage: JsonValue | undefined): ModelUsage | undefined {
  const [plain, output] = [count(at(usage, 'input_tokens')), count(at(usage, 'output_tokens'))];
  const [read, written] = [
    count(at(usage, 'cache_read_input_tokens') ?? 0),
    count(at(usage, 'cache_creation_input_tokens') ?? 0),
  ];
  if (plain === undefined || output === undefined || read === undefined || written === undefined)
    return undefined;
  return withCache(plain + read + written, output, read, written);
}

/** True if it says what was written in all, as the end of a stream does. */
export function countsWritten(usage: JsonValue | undefined): boolean {
  return at(usage, 'output_tokens') != null;
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

/** What Anthropic counts, of all that a `usage` may hold. */
const COUNTS = [
  ...['input_tokens', 'output_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'],
] as const;

/** Later counts of a stream in place of earlier ones: Anthropic counts what is read at its beginning, what is written at
 *  its end. Nothing else of it is kept, however much a provider puts there; what is no number stays none. */
export function joinUsage(
  earlier: JsonObject | undefined,
  later: JsonValue | undefined,
): JsonObject | undefined {
  if (later === undefined || !isJsonObject(later)) return earlier;
  const joined: Record<string, number> = {};
  for (const name of COUNTS) {
    const value = later[name] ?? earlier?.[name];
    if (value != null) joined[name] = typeof value === 'number' ? value : Number.NaN;
  }
  return joined;
}
