import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';
import { shown } from '../shown.js';

/** A piece of a text that comes bit by bit. */
export interface Slot {
  /** Tells the text from others that come beside it. */
  readonly channel: string;
  readonly isJson: boolean;
  /** True of the words of an answer, and not of what it calls a tool with, or thinks. */
  readonly isSpoken: boolean;
  readonly text: string;
  /** Of a member of this object or list. */
  readonly holder: Record<string, JsonValue>;
  readonly member: string;
}

/** What one event of a stream says of texts that come bit by bit. */
export interface EventSlots {
  readonly slots: readonly Slot[];
  /** Texts that are complete: those whose channel begins so. */
  readonly closes: readonly string[];
}

/** Finds the pieces of texts in an event of any protocol we speak: every text below a `delta` is one, whatever it is called. */
export function slotsOf(event: JsonObject): EventSlots {
  const slots: Slot[] = [];
  const closes: string[] = [];
  if (Array.isArray(event['choices']))
    for (const choice of event['choices']) slots.push(...choiceSlots(choice));
  const { type } = event;
  if (typeof type !== 'string') {
    if (event['delta'] !== undefined) slots.push(...piecesOf(event['delta'], 'delta'));
    return { slots, closes };
  }
  const channel = channelOf(event, type);
  if (type === 'content_block_stop' || type.endsWith('.done')) closes.push(channel);
  slots.push(...typedSlots(event, type, channel));
  return { slots, closes };
}

function typedSlots(event: JsonObject, type: string, channel: string): Slot[] {
  const begun = type === 'content_block_start' ? event['content_block'] : event['delta'];
  if (typeof begun !== 'string') return begun === undefined ? [] : piecesOf(begun, channel);
  const kind = { isJson: type.includes('arguments'), isSpoken: type === 'response.output_text.delta' };
  return [{ ...kind, channel, text: begun, holder: holderOf(event), member: 'delta' }];
}

/** Of messages by their block, of responses by what they name. */
function channelOf(event: JsonObject, type: string): string {
  if (!type.includes('.')) return `block ${shown(event['index'])}/`;
  const names = [type.slice(0, type.lastIndexOf('.')), ...PLACES.map((name) => event[name] ?? '')];
  return `${names.map(String).join(' ')}/`;
}

/** What tells texts of responses from each other. */
const PLACES = ['item_id', 'output_index', 'content_index', 'summary_index'] as const;

const holderOf = (value: object): Record<string, JsonValue> => value as Record<string, JsonValue>;

function choiceSlots(choice: JsonValue): Slot[] {
  if (!isJsonObject(choice)) return [];
  const { index = 0, delta, text } = choice;
  const whole = typeof text === 'string' ? piecesOf({ text }, '') : [];
  const own = delta === undefined ? [] : piecesOf(delta, `choice ${shown(index)}`);
  return whole.length === 0
    ? own
    : [
        ...own,
        ...whole.map((slot) => ({
          ...slot,
          channel: `choice ${shown(index)}/text`,
          holder: holderOf(choice),
        })),
      ];
}

/** What is no piece of anything: fixed by a protocol, or only for its maker. */
const NO_PIECE: ReadonlySet<string> = new Set([
  'role',
  'id',
  'type',
  'signature',
  'tool_call_id',
  'encrypted_content',
]);
const JSON_PIECES: ReadonlySet<string> = new Set(['arguments', 'partial_json']);
const SPOKEN: ReadonlySet<string> = new Set(['content', 'text']);
const MOST_DEPTH = 32;

/** Every text below, each a piece of a channel of its path; deeper ones are looked at as whole texts. */
function piecesOf(value: JsonValue, path: string, depth = 0): Slot[] {
  if (depth > MOST_DEPTH || value === null || typeof value !== 'object') return [];
  const entries = Array.isArray(value)
    ? value.map((one, position) => [String(position), one] as const)
    : Object.entries(value as JsonObject);
  return entries.flatMap(([member, one]) => {
    if (typeof one !== 'string')
      return piecesOf(one, `${path}/${nameOf(member, one, Array.isArray(value))}`, depth + 1);
    if (NO_PIECE.has(member)) return [];
    const isSpoken = SPOKEN.has(member) && depth === 0;
    return [
      {
        channel: `${path}/${member}`,
        isJson: JSON_PIECES.has(member),
        isSpoken,
        text: one,
        holder: holderOf(value),
        member,
      },
    ];
  });
}

/** An element of a list is told by the index that it names, and not by where it stands in one event. */
function nameOf(member: string, value: JsonValue, isInList: boolean): string {
  const index = isInList && isJsonObject(value) ? value['index'] : undefined;
  return index === undefined ? member : `#${shown(index)}`;
}
