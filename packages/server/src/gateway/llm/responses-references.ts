import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';
import type { GivenItem } from './given-items.js';
import { malformed } from './members.js';
import { parseProviderObject } from './provider-json.js';
import type { References, Settled } from './references.js';
import { isReference, isWholeReasoning } from './responses-input.js';
import { plainItem } from './responses-plain.js';

/** How clients of OpenAI's responses refer to items: by an `item_reference`, or by a thought without what was thought. */
export const RESPONSE_REFERENCES: References = {
  idsIn: ({ input }) =>
    Array.isArray(input) ? input.flatMap((item) => (isJsonObject(item) ? (idOf(item) ?? []) : [])) : [],
  settle,
  ofAnswer: ({ output }) => objectsOf(output),
  ofEvent,
};

function settle(body: JsonObject, find: (id: string) => GivenItem | undefined, room: number): Settled {
  const { input } = body;
  if (!Array.isArray(input)) return { body, added: 0 };
  let added = 0;
  const found = new Map<string, GivenItem | undefined>();
  // Whoever names one many times has it read once.
  const once = (id: string): GivenItem | undefined => {
    if (!found.has(id)) found.set(id, find(id));
    return found.get(id);
  };
  const settled = input.map((item) => {
    if (!isJsonObject(item)) return item;
    const id = idOf(item);
    const given = id === undefined ? undefined : once(id);
    if (given === undefined) return plainItem(item);
    added += given.size;
    if (added > room) throw malformed('the items that the request refers to are too long together');
    return plainItem(given.item);
  });
  const isSame = settled.every((item, index) => item === input[index]);
  return { body: isSame ? body : { ...body, input: settled }, added };
}

/** What an item refers to, if that is all it says. */
function idOf(item: JsonObject): string | undefined {
  const { type, id } = item;
  if (typeof id !== 'string') return undefined;
  if (type === 'reasoning') return isWholeReasoning(item) ? undefined : id;
  // With more to it, it is one that is refused.
  const isBare = Object.entries(item).every(
    ([name, value]) => value === null || name === 'type' || name === 'id',
  );
  return isReference(item) && isBare ? id : undefined;
}

function ofEvent(data: string): readonly JsonObject[] {
  // Most events are bits of text: only what can be one of these is read.
  if (!ENDS.some((type) => data.includes(type))) return [];
  const { type, item, response } = parseProviderObject(data);
  if (type === 'response.output_item.done') return objectsOf([item ?? null]);
  const isEnd = type === 'response.completed' || type === 'response.incomplete';
  return isEnd && response !== undefined && isJsonObject(response) ? objectsOf(response['output']) : [];
}

const ENDS: readonly string[] = ['response.output_item.done', 'response.completed', 'response.incomplete'];

function objectsOf(list: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
}
