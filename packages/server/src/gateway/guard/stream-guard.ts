import type { GuardVerdict } from '@talosprotocol/contracts';
import { type JsonObject, TrustError } from '@talosprotocol/protocol';
import { parseProviderObject } from '../llm/provider-json.js';
import { type ChannelLookDeps, createChannelLook, type Piece } from './channel-look.js';
import { withoutLogprobs } from './logprobs.js';
import { slotsOf } from './stream-slots.js';
import { createTally } from './tally.js';

/** One event of a stream. */
export interface GuardedEvent {
  readonly event?: string | undefined;
  readonly data: string;
}

/** Holds the events of a stream back until guards have looked at what they say. */
export interface StreamGuard {
  /** Takes the next event; gives those that may go on now, in their order. @throws {TrustError} CONTENT_REFUSED */
  push(event: GuardedEvent): Promise<readonly GuardedEvent[]>;
  /** No more come: gives the rest. @throws {TrustError} CONTENT_REFUSED */
  end(): Promise<readonly GuardedEvent[]>;
  verdicts(): readonly GuardVerdict[];
}

interface Held {
  readonly event: GuardedEvent;
  readonly body: JsonObject | undefined;
  /** True if something of it was masked already. */
  readonly isNew: boolean;
  readonly pieces: readonly Piece[];
}

/** Builds it. If no guard can keep anything back, and nothing is put back, events go on at once and are looked at all the same. */
export function createStreamGuard(deps: ChannelLookDeps): StreamGuard {
  const { guards, masks } = deps;
  const tally = createTally(guards);
  const look = createChannelLook(deps, tally);
  const changes = masks !== undefined || guards.some(({ action }) => action === 'mask');
  const holds = changes || guards.some(({ action }) => action === 'block');
  const queue: Held[] = [];
  let heldBytes = 0;

  const assertAllowed = (): void => {
    const refusal = tally.refusal();
    if (refusal !== undefined) throw refusal;
  };
  const release = (): readonly GuardedEvent[] => {
    let ready = 0;
    while (ready < queue.length && isSettled(queue[ready] as Held)) ready += 1;
    const free = queue.splice(0, ready);
    for (const { event } of free) heldBytes -= event.data.length + EVENT_BYTES;
    const shown = free.map((held) => shownEvent(held, changes));
    for (const { pieces } of free) for (const { channel, end } of pieces) channel.forget(end);
    return shown;
  };
  return {
    async push(event) {
      const body = event.data === '[DONE]' ? undefined : parseProviderObject(event.data);
      const closes = body === undefined ? [''] : slotsOf(body).closes;
      const { message, pieces } = await look.take(body);
      queue.push({ event, body: message, isNew: message !== body, pieces });
      heldBytes += event.data.length + EVENT_BYTES;
      for (const prefix of closes) look.close(prefix);
      await look.settle();
      assertAllowed();
      if (holds) {
        if (heldBytes > MOST_HELD) throw tooMuch();
        return release();
      }
      for (const { channel, end } of pieces) channel.forget(end);
      [queue.length, heldBytes] = [0, 0];
      return [event];
    },
    async end() {
      look.close('');
      await look.settle();
      assertAllowed();
      return holds ? release() : [];
    },
    verdicts: () => tally.verdicts(),
  };
}

/** Most that is held back, in bytes, with what an event takes besides its text. */
const MOST_HELD = 33_554_432;
const EVENT_BYTES = 1536;

function tooMuch(): TrustError {
  return new TrustError('UPSTREAM_FAILED', 'the stream says more than can be held back', {
    hint: 'Ask for less at once.',
  });
}

const isSettled = ({ pieces }: Held): boolean =>
  pieces.every(({ channel, end }) => end <= channel.settledTo());

/** An event as it may be shown. */
function shownEvent({ event, body, isNew, pieces }: Held, changes: boolean): GuardedEvent {
  let isChanged = isNew;
  for (const { channel, start, end, holder, member, text } of pieces) {
    const shown = channel.shown(start, end);
    holder[member] = shown;
    isChanged ||= shown !== text;
  }
  if (body === undefined) return event;
  const told = changes ? withoutLogprobs(body) : body;
  return isChanged || told !== body ? { ...event, data: JSON.stringify(told) } : event;
}
