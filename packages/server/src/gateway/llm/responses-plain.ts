import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';
import { membersOfItem, membersOfPart } from './responses-input.js';

/** What clients add to what they were answered, for those who use them: it is no part of the protocol (LLM-24). */
const ADDED: ReadonlyMap<JsonValue | undefined, string> = new Map([
  ['function_call', 'parsed_arguments'],
  ['output_text', 'parsed'],
]);

/** Where an item has its parts. */
const PLACES: ReadonlySet<string> = new Set(['content', 'summary', 'output']);

/** An item of input, and its parts, without what its client added and without members of no value that nobody listed: the same one if
 *  there are none. What is not known is left as it is, to be refused. */
export function plainItem(item: JsonObject): JsonObject {
  const listed = membersOfItem(item);
  return listed === undefined ? item : plain(item, listed, plainParts);
}

type Below = (name: string, value: JsonValue) => JsonValue;

function plain(value: JsonObject, listed: readonly string[], below: Below): JsonObject {
  const added = ADDED.get(value['type']);
  const before = Object.entries(value);
  const after = before
    .filter(([name, one]) => listed.includes(name) || (one !== null && name !== added))
    .map(([name, one]) => [name, below(name, one)] as const);
  const isSame =
    after.length === before.length && after.every(([, one], index) => one === before[index]?.[1]);
  return isSame ? value : Object.fromEntries(after);
}

function plainParts(name: string, value: JsonValue): JsonValue {
  if (!PLACES.has(name)) return value;
  if (isJsonObject(value)) return plainPart(value);
  if (!Array.isArray(value)) return value;
  const parts = value.map((part) => (isJsonObject(part) ? plainPart(part) : part));
  return parts.some((part, index) => part !== value[index]) ? parts : value;
}

function plainPart(part: JsonObject): JsonObject {
  const listed = membersOfPart(part);
  return listed === undefined ? part : plain(part, listed, (_, value) => value);
}
