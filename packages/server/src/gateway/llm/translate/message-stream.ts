import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';
import { countIn } from '../chat-events.js';
import type { StreamEvent } from '../dialect.js';
import { parseProviderObject } from '../provider-json.js';
import { stopReason } from './finish.js';
import { assertCall, countOf, messageFault, messageHead, noInput, SILENT } from './message-answer.js';
import { assertTellable, listOf, objectOf, textOf } from './sayable.js';
import { createToolInput, type ToolInput } from './tool-input.js';
import type { TellEvent } from './translation.js';

/** The block that is under way. */
type Block =
  | { readonly kind: 'text' }
  | { readonly kind: 'call'; readonly id: string; readonly name: string; readonly input: ToolInput };

/** What is known of a chat completion that comes bit by bit. */
interface Progress {
  isBegun: boolean;
  block: Block | undefined;
  /** Blocks that are over. */
  blocks: number;
  calls: number;
  finish: JsonValue | undefined;
  usage: JsonValue | undefined;
  isOver: boolean;
}

/** Tells a stream of OpenAI's chat completions as one of Anthropic's messages. What was read is counted at the end, as OpenAI
 *  does: until then nothing is. */
export function createMessageStream(): TellEvent {
  const progress: Progress = {
    isBegun: false,
    block: undefined,
    blocks: 0,
    calls: 0,
    finish: undefined,
    usage: undefined,
    isOver: false,
  };
  return ({ data }) => {
    if (progress.isOver) throw messageFault('events after the end');
    if (data === '[DONE]') return end(progress);
    const chunk = parseProviderObject(data);
    // Some servers tell in the stream that it failed.
    if (chunk['error'] != null) throw messageFault('an error in the stream');
    progress.usage = countIn(chunk, 1) ?? progress.usage;
    const choice = choiceOf(chunk);
    if (choice === undefined) return [];
    const told = [...begin(chunk, progress), ...goOn(choice['delta'] ?? {}, progress)];
    if (choice['finish_reason'] != null) progress.finish = choice['finish_reason'];
    return told;
  };
}

/** The answer that is under way; undefined in what says something about it. */
function choiceOf({ choices }: JsonObject): JsonObject | undefined {
  const [first, ...others] = listOf(choices ?? [], 'choices', messageFault);
  if (first === undefined) return undefined;
  const choice = objectOf(first, 'a choice', messageFault);
  if (others.length > 0 || (choice['index'] ?? 0) !== 0) throw messageFault('more than one answer');
  return choice;
}

function begin(chunk: JsonObject, progress: Progress): readonly StreamEvent[] {
  if (progress.isBegun) return [];
  progress.isBegun = true;
  const usage = {
    input_tokens: 0,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: 0,
  };
  const open = { content: [], stop_reason: null, stop_sequence: null, usage };
  return [event('message_start', { message: { ...messageHead(chunk), ...open } })];
}

const DELTA: ReadonlySet<string> = new Set(['role', 'content', 'tool_calls']);

function goOn(value: JsonValue, progress: Progress): readonly StreamEvent[] {
  const delta = objectOf(value, 'a delta', messageFault);
  assertTellable(delta, DELTA, SILENT, 'delta.', messageFault);
  const words = textOf(delta['content'] ?? '', 'delta.content', messageFault);
  const calls = listOf(delta['tool_calls'] ?? [], 'delta.tool_calls', messageFault);
  if (progress.finish !== undefined && (words !== '' || calls.length > 0))
    throw messageFault('an answer that goes on after its end');
  return [...say(words, progress), ...calls.flatMap((call) => goOnCalling(call, progress))];
}

function say(text: string, progress: Progress): readonly StreamEvent[] {
  if (text === '') return [];
  if (progress.calls > 0) throw messageFault('words after a call');
  const told =
    progress.block === undefined ? [beginBlock({ kind: 'text' }, { type: 'text', text: '' }, progress)] : [];
  return [...told, deltaOf(progress, { type: 'text_delta', text })];
}

function goOnCalling(value: JsonValue, progress: Progress): readonly StreamEvent[] {
  const call = objectOf(value, 'delta.tool_calls', messageFault);
  assertCall(call);
  const own = call['function'] !== undefined && isJsonObject(call['function']) ? call['function'] : {};
  const text = textOf(own['arguments'] ?? '', 'arguments', messageFault);
  const told = call['index'] === progress.calls ? beginCall(call, own, progress) : [];
  const { block } = progress;
  // Of blocks one is open at a time: pieces of calls that come mixed cannot be told.
  if (block?.kind !== 'call' || call['index'] !== progress.calls - 1 || !isOf(call, own, block))
    throw messageFault('calls out of their order');
  if (text === '') return told;
  block.input.add(text);
  return [...told, deltaOf(progress, { type: 'input_json_delta', partial_json: text })];
}

function beginCall(call: JsonObject, own: JsonObject, progress: Progress): readonly StreamEvent[] {
  const ended = endBlock(progress);
  const id = textOf(call['id'], 'a call without id', messageFault);
  const name = textOf(own['name'], 'a call without name', messageFault);
  progress.calls += 1;
  const block = { kind: 'call', id, name, input: createToolInput(noInput) } as const;
  return [...ended, beginBlock(block, { type: 'tool_use', id, name, input: {} }, progress)];
}

/** Pieces of a call may repeat whose they are. */
function isOf(call: JsonObject, own: JsonObject, { id, name }: { id: string; name: string }): boolean {
  return (call['id'] || id) === id && (own['name'] || name) === name;
}

function beginBlock(block: Block, content: JsonObject, progress: Progress): StreamEvent {
  progress.block = block;
  return event('content_block_start', { index: progress.blocks, content_block: content });
}

function deltaOf({ blocks }: Progress, delta: JsonObject): StreamEvent {
  return event('content_block_delta', { index: blocks, delta });
}

function endBlock(progress: Progress): readonly StreamEvent[] {
  const { block, blocks } = progress;
  if (block === undefined) return [];
  if (block.kind === 'call') block.input.assertWhole();
  progress.block = undefined;
  progress.blocks += 1;
  return [event('content_block_stop', { index: blocks })];
}

function end(progress: Progress): readonly StreamEvent[] {
  if (!progress.isBegun || progress.finish === undefined) throw messageFault('an end before the end');
  const stop = stopReason(progress.finish, progress.calls > 0, messageFault);
  const ended = endBlock(progress);
  const usage = countOf(progress.usage, progress.blocks);
  progress.isOver = true;
  return [
    ...ended,
    event('message_delta', { delta: { stop_reason: stop, stop_sequence: null }, usage }),
    event('message_stop', {}),
  ];
}

function event(type: string, members: JsonObject): StreamEvent {
  return { event: type, data: JSON.stringify({ type, ...members }) };
}
