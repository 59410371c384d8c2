import { isJsonObject, type JsonObject, type JsonValue, parseJsonObject } from '@talosprotocol/protocol';
import { shown } from '../../shown.js';
import { anthropicUsage } from '../usage.js';
import { isDirect } from './chat-turns.js';
import { finishReason } from './finish.js';
import { assertTellable, EMPTY, type Fault, faultOfAnswer, listOf, objectOf, textOf } from './sayable.js';
import { chatUsage } from './told-usage.js';
import { MOST_INPUT } from './tool-input.js';
import type { TranslationContext } from './translation.js';

/** What fails of an answer for a client of OpenAI's chat. */
export const chatFault: Fault = faultOfAnswer("OpenAI's chat completions");

/** A chat completion for an answer of Anthropic's messages. What says how an answer was made, and nothing of what it is, is
 *  not told. @throws {TrustError} UPSTREAM_FAILED */
export function chatAnswer(text: string, { at }: TranslationContext): JsonObject {
  const answer = parseExactly(text);
  if (answer['error'] != null) throw chatFault('an error beside the answer');
  const blocks = listOf(answer['content'], 'no content', chatFault).map((one) =>
    objectOf(one, 'a block', chatFault),
  );
  const first = blocks.findIndex(({ type }) => type === 'tool_use');
  const words = blocks.slice(0, first < 0 ? blocks.length : first).map(wordsOf);
  const calls = blocks.slice(words.length).map(callOf);
  const content = words.join('');
  const usage = anthropicUsage(answer['usage']);
  const message = {
    role: 'assistant',
    content: content === '' && calls.length > 0 ? null : content,
    refusal: explanationOf(answer['stop_details']) ?? null,
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
  const finish = finishReason(answer['stop_reason'], chatFault);
  return {
    id: textOf(answer['id'], 'no id', chatFault),
    object: 'chat.completion',
    created: at,
    model: textOf(answer['model'], 'no model', chatFault),
    choices: [{ index: 0, message, logprobs: null, finish_reason: finish }],
    ...(usage === undefined ? {} : { usage: chatUsage(usage) }),
  };
}

/** What a tool is to be called with is an object here and becomes a text: no number of it may be rounded on the way. */
function parseExactly(text: string): JsonObject {
  try {
    return parseJsonObject(text, { floats: true, maxBytes: Number.MAX_SAFE_INTEGER });
  } catch {
    throw chatFault('a number, a name or a character that is not the same in every reading');
  }
}

/** Why a model did not answer, where its provider says so. */
export function explanationOf(details: JsonValue | undefined): string | undefined {
  const said = details !== undefined && isJsonObject(details) ? details['explanation'] : undefined;
  return typeof said === 'string' ? said : undefined;
}

const TEXT: ReadonlySet<string> = new Set(['type', 'text']);

function wordsOf(block: JsonObject): string {
  assertTextBlock(block);
  return textOf(block['text'], 'a text without text', chatFault);
}

/** What a tool is to be called with, and is too long or no object of JSON. */
export function noInput(): ReturnType<Fault> {
  return chatFault('a call whose input is no JSON object that is the same in every reading');
}

export function assertTextBlock(block: JsonObject): void {
  if (block['type'] !== 'text') throw chatFault(`a block of type ${shown(block['type'])} at its place`);
  assertTellable(block, TEXT, { citations: EMPTY }, 'text.', chatFault);
}

const CALL: ReadonlySet<string> = new Set(['type', 'id', 'name', 'input']);

function callOf(block: JsonObject): JsonObject {
  assertCallBlock(block);
  const text = JSON.stringify(objectOf(block['input'], 'a call without input', chatFault));
  if (Buffer.byteLength(text) > MOST_INPUT) throw noInput();
  return {
    id: textOf(block['id'], 'a call without id', chatFault),
    type: 'function',
    function: { name: textOf(block['name'], 'a call without name', chatFault), arguments: text },
  };
}

/** A chat has no word after the first call of a tool. */
export function assertCallBlock(block: JsonObject): void {
  if (block['type'] !== 'tool_use') throw chatFault(`a block of type ${shown(block['type'])} after a call`);
  assertTellable(block, CALL, { caller: isDirect }, 'tool_use.', chatFault);
}
