import type { JsonObject, JsonValue } from '@talosprotocol/protocol';
import { ofType } from '../members.js';
import { assertSayable, EMPTY, type Fault, listOf, ONLY_NULL, objectOf, textOf } from './sayable.js';

/** Texts, of which both protocols have the same idea: one alone, or a list of items of type `text`. */

const ITEM: ReadonlySet<string> = new Set(['type', 'text']);
const SILENT = { cache_control: ONLY_NULL, citations: EMPTY };

export function textItem(text: string): JsonObject {
  return { type: 'text', text };
}

/** An item that has to be a text. */
export function textItemOf(item: JsonObject, fault: Fault): JsonObject {
  if (item['type'] !== 'text') throw fault(ofType('what is', item['type']));
  assertSayable(item, ITEM, SILENT, 'text.', fault);
  return textItem(textOf(item['text'], 'text.text', fault));
}

/** A text, or several; a list of none is no word. */
export function textsOf(
  content: JsonValue | undefined,
  where: string,
  fault: Fault,
): string | readonly JsonObject[] {
  if (typeof content === 'string') return content;
  const items = listOf(content, where, fault);
  return items.length === 0
    ? ''
    : plain(items.map((one) => textItemOf(objectOf(one, `an item of ${where}`, fault), fault)));
}

/** One text in a list is the same as that text, which every server understands. */
export function plain(items: readonly JsonObject[]): string | readonly JsonObject[] {
  const [only] = items;
  const text = items.length === 1 ? only?.['text'] : undefined;
  return typeof text === 'string' ? text : items;
}
