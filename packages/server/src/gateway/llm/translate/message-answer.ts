import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';
import { shown } from '../../shown.js';
import { withToldError } from '../provider-error.js';
import { parseProviderObject } from '../provider-json.js';
import { openAiUsage } from '../usage.js';
import { stopReason } from './finish.js';
import {
  assertTellable,
  EMPTY,
  type Fault,
  faultOfAnswer,
  listOf,
  objectOf,
  type SilentMembers,
  textOf,
} from './sayable.js';
import { messageUsage } from './told-usage.js';
import { MOST_INPUT, parseToolInput } from './tool-input.js';

/** What fails of an answer for a client of Anthropic's messages. */
export const messageFault: Fault = faultOfAnswer("Anthropic's messages");

const MESSAGE: ReadonlySet<string> = new Set(['role', 'content', 'tool_calls']);
const NO_WORD = (value: JsonValue): boolean => value === '' || EMPTY(value);
/** Of a message and of a piece of one. Thoughts without the signature that Anthropic's have could not be sent back. */
export const SILENT: SilentMembers = {
  refusal: NO_WORD,
  annotations: EMPTY,
  reasoning: NO_WORD,
  reasoning_content: NO_WORD,
  reasoning_details: EMPTY,
};

/** A message of Anthropic's for a chat completion of OpenAI. What says how an answer was made, and nothing of what it is, is
 *  not told. @throws {TrustError} UPSTREAM_FAILED */
export function messageAnswer(text: string): JsonObject {
  const answer = parseProviderObject(text);
  // As of a stream: it is not all that was to be answered.
  if (withToldError(answer) !== answer) throw messageFault('an error beside the answer');
  const [choice, ...others] = listOf(answer['choices'], 'no choices', messageFault);
  if (choice === undefined || others.length > 0) throw messageFault('not one answer');
  const { message: said, finish_reason: finish } = objectOf(choice, 'an answer', messageFault);
  const message = objectOf(said, 'no message', messageFault);
  assertTellable(message, MESSAGE, SILENT, 'message.', messageFault);
  const content = message['content'] ?? '';
  const words = textOf(content, 'message.content', messageFault);
  const calls = listOf(message['tool_calls'] ?? [], 'message.tool_calls', messageFault).map(callOf);
  return {
    ...messageHead(answer),
    content: [...(words === '' ? [] : [{ type: 'text', text: words }]), ...calls],
    stop_reason: stopReason(finish, calls.length > 0, messageFault),
    stop_sequence: null,
    usage: countOf(answer['usage'], words === '' && calls.length === 0 ? 0 : 1),
  };
}

/** What an answer begins with, whole and as a stream. */
export function messageHead(answer: JsonObject): JsonObject {
  return {
    id: textOf(answer['id'], 'no id', messageFault),
    type: 'message',
    role: 'assistant',
    model: textOf(answer['model'], 'no model', messageFault),
  };
}

/** A message always says what it came to. */
export function countOf(value: JsonValue | undefined, seen: number): JsonObject {
  const usage = openAiUsage(value, seen);
  if (usage === undefined) throw messageFault('no usage');
  return messageUsage(usage);
}

function callOf(value: JsonValue): JsonObject {
  const call = objectOf(value, 'tool_calls', messageFault);
  assertCall(call);
  const own = objectOf(call['function'], 'tool_calls.function', messageFault);
  const text = textOf(own['arguments'], 'tool_calls.function.arguments', messageFault);
  return {
    type: 'tool_use',
    id: textOf(call['id'], 'a call without id', messageFault),
    name: textOf(own['name'], 'a call without name', messageFault),
    input: parseToolInput(text, MOST_INPUT, noInput),
  };
}

/** What a tool is to be called with, and is no object of JSON. */
export function noInput(): ReturnType<Fault> {
  return messageFault('a call whose arguments are no JSON object that is the same in every reading');
}

const CALL: ReadonlySet<string> = new Set(['index', 'id', 'type', 'function']);
const FUNCTION: ReadonlySet<string> = new Set(['name', 'arguments']);

/** A call, or a piece of one, with nothing beside it. */
export function assertCall(call: JsonObject): void {
  if ((call['type'] ?? 'function') !== 'function')
    throw messageFault(`a call of type ${shown(call['type'])}`);
  assertTellable(call, CALL, {}, 'tool_calls.', messageFault);
  const own = call['function'];
  if (own !== undefined && isJsonObject(own))
    assertTellable(own, FUNCTION, {}, 'tool_calls.function.', messageFault);
}
