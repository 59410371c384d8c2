import type { JsonObject, JsonValue } from '@talosprotocol/protocol';
import { shown } from '../../shown.js';
import type { StreamEvent } from '../dialect.js';
import { parseProviderObject } from '../provider-json.js';
import { anthropicUsage, countsWritten, joinUsage } from '../usage.js';
import { assertCallBlock, assertTextBlock, chatFault, explanationOf, noInput } from './chat-answer.js';
import { finishReason } from './finish.js';
import { objectOf, textOf } from './sayable.js';
import { chatUsage } from './told-usage.js';
import { createToolInput, type ToolInput } from './tool-input.js';
import type { TellEvent, TranslationContext } from './translation.js';

/** The block of a message that is under way. */
type Block =
  | { readonly kind: 'text'; readonly index: number }
  | { readonly kind: 'call'; readonly index: number; readonly call: number; readonly input: ToolInput };

/** What is known of a message that comes bit by bit. */
interface Progress {
  /** What stands in each chunk. */
  head: JsonObject | undefined;
  block: Block | undefined;
  blocks: number;
  calls: number;
  finish: string | undefined;
  usage: JsonObject | undefined;
  /** What was written is counted, and not only what of it was there at the beginning. */
  isCounted: boolean;
  isOver: boolean;
}

type Step = (event: JsonObject, progress: Progress, context: TranslationContext) => readonly StreamEvent[];

/** Tells a stream of Anthropic's messages as one of OpenAI's chat completions. */
export function createChatStream(context: TranslationContext): TellEvent {
  const progress: Progress = {
    head: undefined,
    block: undefined,
    blocks: 0,
    calls: 0,
    finish: undefined,
    usage: undefined,
    isCounted: false,
    isOver: false,
  };
  return ({ data }) => {
    const event = parseProviderObject(data);
    const { type } = event;
    const step = typeof type === 'string' && Object.hasOwn(STEPS, type) ? STEPS[type] : undefined;
    if (step === undefined) throw chatFault(`an event of type ${shown(type)}`);
    const isBegun = progress.head !== undefined;
    if (progress.isOver || (type !== 'ping' && isBegun === (type === 'message_start')))
      throw chatFault('events out of their order');
    return step(event, progress, context);
  };
}

const STEPS: Readonly<Record<string, Step>> = {
  ping: () => [],
  message_start: begin,
  content_block_start: beginBlock,
  content_block_delta: goOn,
  content_block_stop: endBlock,
  message_delta: noteEnd,
  message_stop: end,
};

function begin(event: JsonObject, progress: Progress, { asked, at }: TranslationContext) {
  const message = objectOf(event['message'], 'no message', chatFault);
  progress.usage = joinUsage(undefined, message['usage']);
  progress.head = {
    id: nameOf(message['id'], 'no id'),
    object: 'chat.completion.chunk',
    created: at,
    model: nameOf(message['model'], 'no model'),
    // So OpenAI does where a count comes at the end.
    ...(asked.wantsUsage ? { usage: null } : {}),
  };
  return [chunk(progress, { role: 'assistant', content: '', refusal: null })];
}

/** Longest that stands in each chunk: else a provider has its client sent as much with every word. */
const MOST_NAME = 512;

function nameOf(value: JsonValue | undefined, fault: string): string {
  const name = textOf(value, fault, chatFault);
  if (name.length > MOST_NAME) throw chatFault('an id or a model of a name that is too long');
  return name;
}

function beginBlock(event: JsonObject, progress: Progress) {
  const { index } = event;
  if (progress.block !== undefined || progress.finish !== undefined || index !== progress.blocks)
    throw chatFault('blocks out of their order');
  progress.blocks += 1;
  const block = objectOf(event['content_block'], 'no block', chatFault);
  if (block['type'] !== 'tool_use' && progress.calls === 0) {
    assertTextBlock(block);
    progress.block = { kind: 'text', index };
    return words(progress, textOf(block['text'], 'a text without text', chatFault));
  }
  assertCallBlock(block);
  const call = progress.calls++;
  const input = createToolInput(noInput);
  progress.block = { kind: 'call', index, call, input };
  const name = textOf(block['name'], 'a call without name', chatFault);
  const id = textOf(block['id'], 'a call without id', chatFault);
  const begun = { index: call, id, type: 'function', function: { name, arguments: '' } };
  // Where it is not to come bit by bit it stands here.
  const given = JSON.stringify(objectOf(block['input'] ?? {}, 'a call without input', chatFault));
  const first = given === '{}' ? [] : callPiece(progress, call, input, given);
  return [chunk(progress, { tool_calls: [begun] }), ...first];
}

function goOn(event: JsonObject, progress: Progress) {
  const block = openBlock(event, progress);
  // What was counted before it was written does not count it.
  progress.isCounted = false;
  const delta = objectOf(event['delta'], 'no delta', chatFault);
  if (block.kind === 'text' && delta['type'] === 'text_delta')
    return words(progress, textOf(delta['text'], 'a text without text', chatFault));
  if (block.kind === 'call' && delta['type'] === 'input_json_delta') {
    const text = textOf(delta['partial_json'], 'a call without input', chatFault);
    return callPiece(progress, block.call, block.input, text);
  }
  throw chatFault(`a piece of type ${shown(delta['type'])}`);
}

function openBlock({ index }: JsonObject, { block }: Progress): Block {
  if (block === undefined || index !== block.index) throw chatFault('blocks out of their order');
  return block;
}

function endBlock(event: JsonObject, progress: Progress) {
  const block = openBlock(event, progress);
  progress.block = undefined;
  if (block.kind === 'text') return [];
  // No input at all is an empty one, which a chat says.
  const last = block.input.isEmpty() ? callPiece(progress, block.call, block.input, '{}') : [];
  block.input.assertWhole();
  return last;
}

function noteEnd(event: JsonObject, progress: Progress) {
  const delta = objectOf(event['delta'], 'no delta', chatFault);
  progress.usage = joinUsage(progress.usage, event['usage']);
  progress.isCounted ||= countsWritten(event['usage']);
  if (delta['stop_reason'] != null) progress.finish = finishReason(delta['stop_reason'], chatFault);
  const refusal = explanationOf(delta['stop_details']);
  return refusal === undefined ? [] : [chunk(progress, { refusal })];
}

function end(_: JsonObject, progress: Progress, { asked }: TranslationContext): readonly StreamEvent[] {
  const { head, block, finish } = progress;
  if (block !== undefined || finish === undefined) throw chatFault('an end before the end');
  progress.isOver = true;
  const usage = progress.isCounted ? anthropicUsage(progress.usage) : undefined;
  const counted =
    asked.wantsUsage && usage !== undefined ? [{ ...head, choices: [], usage: chatUsage(usage) }] : [];
  return [
    chunk(progress, {}, finish),
    ...counted.map((one) => ({ data: JSON.stringify(one) })),
    { data: '[DONE]' },
  ];
}

function words(progress: Progress, content: string): readonly StreamEvent[] {
  return content === '' ? [] : [chunk(progress, { content })];
}

function callPiece(progress: Progress, call: number, input: ToolInput, text: string): readonly StreamEvent[] {
  if (text === '') return [];
  input.add(text);
  return [chunk(progress, { tool_calls: [{ index: call, function: { arguments: text } }] })];
}

function chunk({ head }: Progress, delta: JsonObject, finish: string | null = null): StreamEvent {
  const choices: JsonValue = [{ index: 0, delta, logprobs: null, finish_reason: finish }];
  return { data: JSON.stringify({ ...head, choices }) };
}
