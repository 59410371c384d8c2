import type { JsonObject, JsonValue } from '@talosprotocol/protocol';
import { ofRole, ofType } from '../members.js';
import { fileOf } from './document.js';
import { imageUrlOf } from './picture.js';
import { assertSayable, FALSE, type Fault, listOf, ONLY_NULL, objectOf, textOf } from './sayable.js';
import { plain, textItemOf, textsOf } from './texts.js';

/** Turns Anthropic's `system` and `messages` into the messages of OpenAI's chat. */
export function chatTurns(
  system: JsonValue | undefined,
  value: JsonValue | undefined,
  fault: Fault,
): readonly JsonObject[] {
  const messages = listOf(value, 'messages', fault).map((one) => objectOf(one, 'a message', fault));
  // Anthropic's models go on with what they are put into the mouth, those of OpenAI begin anew.
  if (messages.at(-1)?.['role'] === 'assistant') throw fault('a message of the assistant at the end');
  const told = system === undefined || system === null ? '' : textsOf(system, 'system', fault);
  return [
    ...(told === '' ? [] : [{ role: 'system', content: told }]),
    ...messages.flatMap((message) => turnsOf(message, fault)),
  ];
}

function turnsOf(message: JsonObject, fault: Fault): readonly JsonObject[] {
  assertSayable(message, new Set(['role', 'content']), {}, 'messages.', fault);
  const { role, content } = message;
  if (role === 'user') return typeof content === 'string' ? [{ role, content }] : userTurns(content, fault);
  if (role === 'assistant')
    return [typeof content === 'string' ? { role, content } : assistantTurn(content, fault)];
  throw fault(ofRole(role));
}

/** Results of tools come first, each as a message of its own; what else there is, is said by the user after them. */
function userTurns(content: JsonValue | undefined, fault: Fault): readonly JsonObject[] {
  const blocks = listOf(content, 'messages.content', fault).map((one) => objectOf(one, 'a block', fault));
  const first = blocks.findIndex(({ type }) => type !== 'tool_result');
  const results = blocks.slice(0, first < 0 ? blocks.length : first);
  const rest = blocks.slice(results.length);
  const told = results.map((block) => resultTurn(block, fault));
  // A list of nothing is what it is; a turn of results alone has nothing after them.
  if (rest.length === 0 && told.length > 0) return told;
  const parts = rest.map((block) => partOf(block, fault));
  return [...told, { role: 'user', content: plain(parts) }];
}

function resultTurn(block: JsonObject, fault: Fault): JsonObject {
  const carried = new Set(['type', 'tool_use_id', 'content']);
  const silent = { is_error: FALSE, cache_control: ONLY_NULL, toolset_name: ONLY_NULL };
  assertSayable(block, carried, silent, 'tool_result.', fault);
  const { content } = block;
  return {
    role: 'tool',
    tool_call_id: textOf(block['tool_use_id'], 'tool_result.tool_use_id', fault),
    content: content === undefined || content === null ? '' : textsOf(content, 'tool_result.content', fault),
  };
}

function partOf(block: JsonObject, fault: Fault): JsonObject {
  if (block['type'] === 'document') return fileOf(block, fault);
  if (block['type'] !== 'image') return textItemOf(block, fault);
  const silent = { cache_control: ONLY_NULL, transformations: ONLY_NULL };
  assertSayable(block, new Set(['type', 'source']), silent, 'image.', fault);
  return { type: 'image_url', image_url: imageUrlOf(block['source'], fault) };
}

/** A chat has what is said before what is called. */
function assistantTurn(content: JsonValue | undefined, fault: Fault): JsonObject {
  const blocks = listOf(content, 'messages.content', fault).map((one) => objectOf(one, 'a block', fault));
  const first = blocks.findIndex(({ type }) => type === 'tool_use');
  const words = blocks.slice(0, first < 0 ? blocks.length : first).map((block) => textItemOf(block, fault));
  const calls = blocks.slice(words.length).map((block) => toolCall(block, fault));
  if (calls.length === 0) return { role: 'assistant', content: plain(words) };
  return { role: 'assistant', content: words.length === 0 ? null : plain(words), tool_calls: calls };
}

function toolCall(block: JsonObject, fault: Fault): JsonObject {
  const { type } = block;
  if (type !== 'tool_use') throw fault(`${ofType('a block', type)} after a call`);
  const silent = { cache_control: ONLY_NULL, toolset_name: ONLY_NULL, caller: isDirect };
  assertSayable(block, new Set(['type', 'id', 'name', 'input']), silent, 'tool_use.', fault);
  return {
    id: textOf(block['id'], 'tool_use.id', fault),
    type: 'function',
    function: {
      name: textOf(block['name'], 'tool_use.name', fault),
      arguments: JSON.stringify(objectOf(block['input'], 'tool_use.input', fault)),
    },
  };
}

/** The model itself has called it. */
export function isDirect(caller: JsonValue): boolean {
  return JSON.stringify(caller) === '{"type":"direct"}';
}
