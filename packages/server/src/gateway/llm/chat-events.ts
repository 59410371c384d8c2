import type { ModelUsage } from '@talosprotocol/contracts';
import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';
import type { RequestShape, StreamEvent, StreamReader } from './dialect.js';
import { assertNoError, saysFailed } from './provider-error.js';
import { parseProviderObject } from './provider-json.js';
import { toldModel } from './told-model.js';
import { openAiUsage, possible } from './usage.js';
import { bytesOf } from './written-bytes.js';

const DONE = '[DONE]';

/** Follows a stream of a chat completion. */
export function readChatStream({ wantsUsage, choices: asked }: RequestShape): StreamReader {
  let [pieces, spoken, isDone, counted, failed] = [0, 0, false, false, false];
  let usage: JsonValue | undefined;
  let model: string | undefined;
  const finished = new Set<number>();
  const read = (event: StreamEvent): boolean | StreamEvent => {
    if (event.data === DONE) {
      isDone = true;
      return true;
    }
    const chunk = parseProviderObject(event.data);
    assertNoError(chunk, event.event);
    model ??= toldModel(chunk['model']);
    failed ||= saysFailed(chunk);
    const choices = choicesOf(chunk);
    const written = choices.filter(({ delta }) => bytesOf(wordsOf(delta)) > 0).length;
    pieces += written;
    spoken += choices.filter(({ delta }) => isSpoken(delta)).length;
    for (const index of endedOf(choices, asked)) finished.add(index);
    // What was counted before it was written does not count it.
    if (written > 0) [usage, counted] = [undefined, false];
    const told = countIn(chunk, asked);
    if (told == null) return true;
    usage = told;
    // Servers that count with every piece have not counted what is still to come.
    counted ||= choices.length === 0 || finished.size >= asked;
    return wantsUsage || chunk['usage'] == null || uncounted(event, chunk, choices.length > 0);
  };
  // Some servers leave out the event that says so, though nothing is missing.
  const isWhole = (): boolean => counted && finished.size >= asked;
  return {
    read,
    pieces: () => pieces,
    usage: () => (counted || isDone ? chatCount(usage, Math.max(spoken, Math.min(pieces, 1))) : undefined),
    model: () => model,
    isOver: () => isDone || isWhole(),
    missing: () => (isDone ? undefined : { data: DONE }),
    hasFailed: () => failed,
  };
}

/** What a piece says that was read and written: Groq and Moonshot say it in places of their own, some servers of theirs there alone. */
export function countIn(
  { usage, x_groq: own = null, ...chunk }: JsonObject,
  asked: number,
): JsonValue | undefined {
  if (usage != null) return usage;
  if (own !== null && isJsonObject(own) && own['usage'] != null) return own['usage'];
  return asked === 1 ? choicesOf(chunk)[0]?.['usage'] : undefined;
}

/** A piece without the signature that Gemini puts to it, which is nothing that it wrote. */
function wordsOf(delta: JsonValue | undefined): JsonValue | undefined {
  if (delta === undefined || !isJsonObject(delta) || delta['extra_content'] === undefined) return delta;
  const { extra_content: _, ...words } = delta;
  return words;
}

/** What a whole chat completion came to. */
export function chatUsageOf(answer: JsonObject): ModelUsage | undefined {
  const written = choicesOf(answer).filter(({ message }) => bytesOf(message) > 0).length;
  return chatCount(answer['usage'], written);
}

function chatCount(usage: JsonValue | undefined, seen: number): ModelUsage | undefined {
  return possible(openAiUsage(usage, seen), seen);
}

/** True of words and calls, of which a piece is a token at least. Of thoughts nobody knows: some are told as a summary. */
function isSpoken(delta: JsonValue | undefined): boolean {
  if (delta === undefined || !isJsonObject(delta)) return false;
  const { content = null, refusal = null, function_call: call = null, tool_calls: calls } = delta;
  const own = Array.isArray(calls) ? calls.filter(isJsonObject) : [];
  const asked = own.flatMap(({ function: named = null, custom = null }) => [named, custom]);
  return bytesOf([content, refusal, call, ...asked]) > 0;
}

/** What a client is told who did not ask for the count: nothing, or all else that the event says. */
function uncounted(
  event: StreamEvent,
  { usage: _, ...rest }: JsonObject,
  isMore: boolean,
): StreamEvent | false {
  return isMore && { ...event, data: JSON.stringify(rest) };
}

function choicesOf({ choices }: JsonObject): readonly JsonObject[] {
  return Array.isArray(choices) ? choices.filter(isJsonObject) : [];
}

/** Of those that were asked for alone: whoever counts on takes no room by it, and ends nothing. */
function endedOf(choices: readonly JsonObject[], asked: number): readonly number[] {
  const ended = choices.filter(({ finish_reason: reason }) => reason != null);
  return ended.map(({ index = 0 }) => index).filter((index): index is number => isBelow(asked, index));
}

function isBelow(count: number, index: JsonValue): index is number {
  return typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < count;
}
