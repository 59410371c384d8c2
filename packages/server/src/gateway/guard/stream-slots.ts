import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';

/** A piece of a text that comes bit by bit. */
export interface Slot {
  /** Tells the text from others that come beside it. */
  readonly channel: string;
  readonly isJson: boolean;
  readonly text: string;
  /** Of a member of this object. */
  readonly holder: Record<string, JsonValue>;
  readonly member: string;
}

/** What one event of a stream says of texts that come bit by bit. */
export interface EventSlots {
  readonly slots: readonly Slot[];
  /** Texts that are complete: those whose channel begins so. An empty one means all. */
  readonly closes: readonly string[];
}

/** Finds the pieces of texts in an event of any protocol we speak. What it does not know as a piece is a text by itself. */
export function slotsOf(event: JsonObject): EventSlots {
  if (Array.isArray(event['choices'])) return chatSlots(event['choices']);
  const { type } = event;
  if (typeof type !== 'string') return NONE;
  return type.includes('.') ? responseSlots(event, type) : messageSlots(event, type);
}

const NONE: EventSlots = { slots: [], closes: [] };
const NO_PIECE: ReadonlySet<string> = new Set(['role', 'id', 'name', 'type', 'signature', 'tool_call_id']);

type Holder = Record<string, JsonValue>;

const asHolder = (value: JsonValue | undefined): Holder | undefined =>
  value !== undefined && isJsonObject(value) ? (value as Holder) : undefined;

/** Every text of an object is a piece of a channel of its name. */
function piecesOf(holder: Holder, prefix: string, isJson = false): Slot[] {
  return Object.entries(holder).flatMap(([member, text]) =>
    typeof text !== 'string' || NO_PIECE.has(member)
      ? []
      : [{ channel: `${prefix}/${member}`, isJson, text, holder, member }],
  );
}

function chatSlots(choices: readonly JsonValue[]): EventSlots {
  const slots: Slot[] = [];
  const closes: string[] = [];
  for (const one of choices) {
    const choice = asHolder(one);
    const delta = asHolder(choice?.['delta']);
    const prefix = `${String(choice?.['index'] ?? 0)}`;
    if (choice?.['finish_reason'] != null) closes.push(`${prefix}/`);
    if (delta === undefined) continue;
    slots.push(...piecesOf(delta, prefix), ...toolSlots(delta, prefix));
    const { content } = delta;
    if (Array.isArray(content))
      for (const part of content) slots.push(...piecesOf(asHolder(part) ?? {}, `${prefix}/part`));
  }
  return { slots, closes };
}

function toolSlots({ tool_calls: calls, function_call: call }: Holder, prefix: string): Slot[] {
  const own = asHolder(call);
  const slots = own === undefined ? [] : piecesOf(own, `${prefix}/call`, true);
  if (!Array.isArray(calls)) return slots;
  calls.forEach((one, position) => {
    const at = `${prefix}/tool/${String(asHolder(one)?.['index'] ?? position)}`;
    for (const member of ['function', 'custom'] as const) {
      const part = asHolder(asHolder(one)?.[member]);
      if (part !== undefined) slots.push(...piecesOf(part, `${at}/${member}`, member === 'function'));
    }
  });
  return slots;
}

function messageSlots(event: JsonObject, type: string): EventSlots {
  const index = `${String(event['index'] ?? '')}`;
  if (type === 'content_block_stop') return { slots: [], closes: [`${index}/`] };
  if (type === 'message_stop') return { slots: [], closes: [''] };
  const holder = asHolder(event['delta']) ?? asHolder(event['content_block']);
  if (holder === undefined || !type.startsWith('content_block')) return NONE;
  return {
    slots: piecesOf(holder, index).map((slot) => ({ ...slot, isJson: slot.member === 'partial_json' })),
    closes: [],
  };
}

const ENDS: ReadonlySet<string> = new Set(['response.completed', 'response.incomplete', 'response.failed']);

function responseSlots(event: JsonObject, type: string): EventSlots {
  if (ENDS.has(type)) return { slots: [], closes: [''] };
  const [kind = '', step] = [type.slice(0, type.lastIndexOf('.')), type.slice(type.lastIndexOf('.') + 1)];
  const place = event['content_index'] ?? event['summary_index'] ?? '';
  const channel = `${kind} ${String(event['item_id'] ?? event['output_index'] ?? '')} ${String(place)}/`;
  if (step === 'done') return { slots: [], closes: [channel] };
  const text = event['delta'];
  if (step !== 'delta' || typeof text !== 'string') return NONE;
  const isJson = kind.includes('arguments');
  return { slots: [{ channel, isJson, text, holder: event as Holder, member: 'delta' }], closes: [] };
}
