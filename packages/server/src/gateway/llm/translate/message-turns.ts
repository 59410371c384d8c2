import type { JsonObject, JsonValue } from '@talosprotocol/protocol';
import { ofRole } from '../members.js';
import { documentOf } from './document.js';
import { sourceOf } from './picture.js';
import { assertSayable, EMPTY, type Fault, listOf, ONLY_NULL, objectOf, textOf } from './sayable.js';
import { plain, textItem, textItemOf, textsOf } from './texts.js';
import { parseToolInput } from './tool-input.js';

/** What was said so far, as Anthropic's messages have it. */
export interface MessageTurns {
  readonly system: JsonValue | undefined;
  readonly messages: readonly JsonObject[];
}

/** A message of the chat. */
interface Turn {
  readonly role: string;
  readonly message: JsonObject;
}

/** Turns the messages of OpenAI's chat into Anthropic's. */
export function messageTurns(value: JsonValue | undefined, fault: Fault): MessageTurns {
  const turns = listOf(value, 'messages', fault).map((one): Turn => {
    const message = objectOf(one, 'a message', fault);
    return { role: textOf(message['role'], 'messages.role', fault), message };
  });
  const first = turns.findIndex(({ role }) => !isInstruction(role));
  const head = turns.slice(0, first < 0 ? turns.length : first);
  const rest = turns.slice(head.length);
  // Anthropic's models go on with what they are put into the mouth, those of OpenAI begin anew.
  if (rest.at(-1)?.role === 'assistant') throw fault('a message of the assistant at the end');
  return { system: systemOf(head, fault), messages: joined(rest.map((turn) => turnOf(turn, fault))) };
}

function isInstruction(role: string): boolean {
  return role === 'system' || role === 'developer';
}

function systemOf(turns: readonly Turn[], fault: Fault): JsonValue | undefined {
  const texts = turns.map(({ message }) => {
    assertSayable(message, new Set(['role', 'content']), { name: ONLY_NULL }, 'messages.', fault);
    return textsOf(message['content'], 'messages.content', fault);
  });
  const [only] = texts;
  if (texts.length <= 1) return only;
  return texts.flatMap((one) => (typeof one === 'string' ? [textItem(one)] : one));
}

/** A turn of Anthropic's messages, or the result of a tool, which is a part of one. */
type Told = { readonly turn: JsonObject } | { readonly result: JsonObject };

function turnOf({ role, message }: Turn, fault: Fault): Told {
  if (role === 'user') return { turn: userTurn(message, fault) };
  if (role === 'assistant') return { turn: assistantTurn(message, fault) };
  if (role !== 'tool') throw fault(`${ofRole(role)}${isInstruction(role) ? ' further on' : ''}`);
  return { result: resultOf(message, fault) };
}

/** Results that follow each other belong to one turn of the user. */
function joined(told: readonly Told[]): readonly JsonObject[] {
  const messages: JsonObject[] = [];
  let open: JsonObject[] | undefined;
  for (const one of told) {
    if ('turn' in one) {
      messages.push(one.turn);
      open = undefined;
    } else if (open === undefined) {
      open = [one.result];
      messages.push({ role: 'user', content: open });
    } else open.push(one.result);
  }
  return messages;
}

function userTurn(message: JsonObject, fault: Fault): JsonObject {
  assertSayable(message, new Set(['role', 'content']), { name: ONLY_NULL }, 'messages.', fault);
  const { content } = message;
  if (typeof content === 'string') return { role: 'user', content };
  const blocks = listOf(content, 'messages.content', fault).map((one) =>
    blockOf(objectOf(one, 'a part of a message', fault), fault),
  );
  return { role: 'user', content: plain(blocks) };
}

function blockOf(part: JsonObject, fault: Fault): JsonObject {
  if (part['type'] === 'file') return documentOf(part, fault);
  if (part['type'] !== 'image_url') return textItemOf(part, fault);
  assertSayable(part, new Set(['type', 'image_url']), { cache_control: ONLY_NULL }, 'image_url.', fault);
  return { type: 'image', source: sourceOf(part['image_url'], fault) };
}

const ASSISTANT: ReadonlySet<string> = new Set(['role', 'content', 'tool_calls']);
const SILENT = {
  name: ONLY_NULL,
  refusal: ONLY_NULL,
  function_call: ONLY_NULL,
  annotations: EMPTY,
  reasoning: ONLY_NULL,
  reasoning_content: ONLY_NULL,
};

function assistantTurn(message: JsonObject, fault: Fault): JsonObject {
  assertSayable(message, ASSISTANT, SILENT, 'messages.', fault);
  const calls = listOf(message['tool_calls'] ?? [], 'messages.tool_calls', fault).map((one) =>
    toolUse(one, fault),
  );
  const { content } = message;
  const said = content === null || content === undefined ? '' : textsOf(content, 'messages.content', fault);
  if (calls.length === 0) return { role: 'assistant', content: said };
  // A block must not be empty: a call that comes without a word has none before it.
  const words = typeof said === 'string' ? (said === '' ? [] : [textItem(said)]) : said;
  return { role: 'assistant', content: [...words, ...calls] };
}

function toolUse(value: JsonValue, fault: Fault): JsonObject {
  const call = objectOf(value, 'messages.tool_calls', fault);
  // Answers of some servers say an index also where they are whole, and clients send them back.
  const silent = { index: (index: JsonValue) => typeof index === 'number' };
  assertSayable(call, new Set(['id', 'type', 'function']), silent, 'tool_calls.', fault);
  if ((call['type'] ?? 'function') !== 'function') throw fault('tool_calls.type');
  const own = objectOf(call['function'], 'tool_calls.function', fault);
  assertSayable(own, new Set(['name', 'arguments']), {}, 'tool_calls.function.', fault);
  const text = textOf(own['arguments'], 'tool_calls.function.arguments', fault);
  return {
    type: 'tool_use',
    id: textOf(call['id'], 'tool_calls.id', fault),
    name: textOf(own['name'], 'tool_calls.function.name', fault),
    // As long as the body may be, in which it stands.
    input: parseToolInput(text, Number.MAX_SAFE_INTEGER, () => fault('tool_calls.function.arguments')),
  };
}

function resultOf(message: JsonObject, fault: Fault): JsonObject {
  const carried = new Set(['role', 'content', 'tool_call_id']);
  assertSayable(message, carried, { name: ONLY_NULL }, 'messages.', fault);
  return {
    type: 'tool_result',
    tool_use_id: textOf(message['tool_call_id'], 'messages.tool_call_id', fault),
    content: textsOf(message['content'], 'messages.content', fault),
  };
}
