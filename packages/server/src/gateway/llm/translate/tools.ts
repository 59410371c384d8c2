import type { JsonObject, JsonValue } from '@talosprotocol/protocol';
import { ofType } from '../members.js';
import {
  assertSayable,
  EMPTY,
  FALSE,
  type Fault,
  listOf,
  ONLY_NULL,
  objectOf,
  optionalText,
  stated,
  textOf,
} from './sayable.js';

/** Tools of the client and which of them are to be called, in both protocols. */

const FUNCTION: ReadonlySet<string> = new Set(['name', 'description', 'parameters', 'strict']);
const TOOL: ReadonlySet<string> = new Set(['type', 'name', 'description', 'input_schema', 'strict']);
/** What a function takes that says nothing of it. */
const NO_PARAMETERS: JsonObject = { type: 'object', properties: {} };

/** Tools of Anthropic's messages for those of OpenAI's chat. */
export function messageTools(tools: JsonValue, fault: Fault): JsonValue | undefined {
  const list = listOf(tools, 'tools', fault).map((one) => {
    const tool = objectOf(one, 'a tool', fault);
    if (tool['type'] !== 'function') throw fault(ofType('a tool', tool['type']));
    assertSayable(tool, new Set(['type', 'function']), {}, 'tools.', fault);
    const own = objectOf(tool['function'], 'tools.function', fault);
    assertSayable(own, FUNCTION, {}, 'tools.function.', fault);
    return stated({
      name: textOf(own['name'], 'tools.function.name', fault),
      description: optionalText(own, 'description', 'tools.function.', fault),
      input_schema: objectOf(own['parameters'] ?? NO_PARAMETERS, 'tools.function.parameters', fault),
      strict: strictOf(own, 'tools.function.', fault),
    });
  });
  return list.length === 0 ? undefined : list;
}

/** Tools of OpenAI's chat for those of Anthropic's messages. */
export function chatTools(tools: JsonValue, fault: Fault): JsonValue | undefined {
  const silent = {
    cache_control: ONLY_NULL,
    defer_loading: FALSE,
    eager_input_streaming: FALSE,
    input_examples: EMPTY,
  };
  const list = listOf(tools, 'tools', fault).map((one) => {
    const tool = objectOf(one, 'a tool', fault);
    const type = tool['type'] ?? 'custom';
    if (type !== 'custom') throw fault(ofType('a tool', type));
    assertSayable(tool, TOOL, silent, 'tools.', fault);
    const own = stated({
      name: textOf(tool['name'], 'tools.name', fault),
      description: optionalText(tool, 'description', 'tools.', fault),
      parameters: objectOf(tool['input_schema'], 'tools.input_schema', fault),
      strict: strictOf(tool, 'tools.', fault),
    });
    return { type: 'function', function: own };
  });
  return list.length === 0 ? undefined : list;
}

function strictOf({ strict }: JsonObject, where: string, fault: Fault): boolean | undefined {
  if (strict === undefined || strict === null) return undefined;
  if (typeof strict !== 'boolean') throw fault(`${where}strict`);
  return strict;
}

const CHOICES: Readonly<Record<string, string>> = { auto: 'auto', required: 'any', none: 'none' };
const CHAT_CHOICES: Readonly<Record<string, string>> = { auto: 'auto', any: 'required', none: 'none' };

/** `tool_choice` of Anthropic's messages, for what OpenAI's chat says in two members. */
export function messageToolChoice(body: JsonObject, fault: Fault): JsonObject | undefined {
  const parallel = body['parallel_tool_calls'] ?? true;
  if (typeof parallel !== 'boolean') throw fault('parallel_tool_calls');
  const choice = body['tool_choice'] == null ? undefined : namedChoice(body['tool_choice'], fault);
  if (parallel) return choice;
  // Whoever may call nothing calls nothing at once: there is no such member beside it.
  if (choice?.['type'] === 'none') throw fault('parallel_tool_calls');
  return { ...(choice ?? { type: 'auto' }), disable_parallel_tool_use: true };
}

function namedChoice(value: JsonValue, fault: Fault): JsonObject {
  if (typeof value === 'string') {
    const type = Object.hasOwn(CHOICES, value) ? CHOICES[value] : undefined;
    if (type === undefined) throw fault('tool_choice');
    return { type };
  }
  const choice = objectOf(value, 'tool_choice', fault);
  if (choice['type'] !== 'function') throw fault('tool_choice.type');
  assertSayable(choice, new Set(['type', 'function']), {}, 'tool_choice.', fault);
  const own = objectOf(choice['function'], 'tool_choice.function', fault);
  assertSayable(own, new Set(['name']), {}, 'tool_choice.function.', fault);
  return { type: 'tool', name: textOf(own['name'], 'tool_choice.function.name', fault) };
}

/** `tool_choice` and `parallel_tool_calls` of OpenAI's chat, for what Anthropic's messages say in one member. */
export function chatToolChoice(value: JsonValue, fault: Fault): JsonObject {
  const choice = objectOf(value, 'tool_choice', fault);
  const type = textOf(choice['type'], 'tool_choice.type', fault);
  const carried = [...(type === 'tool' ? ['name'] : []), ...(type === 'none' ? [] : [PARALLEL])];
  assertSayable(choice, new Set(['type', ...carried]), {}, 'tool_choice.', fault);
  const isSerial = choice[PARALLEL] ?? false;
  if (typeof isSerial !== 'boolean') throw fault(`tool_choice.${PARALLEL}`);
  return {
    tool_choice: chatChoice(type, choice['name'], fault),
    ...(isSerial ? { parallel_tool_calls: false } : {}),
  };
}

const PARALLEL = 'disable_parallel_tool_use';

function chatChoice(type: string, name: JsonValue | undefined, fault: Fault): JsonValue {
  if (type === 'tool')
    return { type: 'function', function: { name: textOf(name, 'tool_choice.name', fault) } };
  const choice = Object.hasOwn(CHAT_CHOICES, type) ? CHAT_CHOICES[type] : undefined;
  if (choice === undefined) throw fault('tool_choice.type');
  return choice;
}
