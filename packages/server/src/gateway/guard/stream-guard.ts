import type { GuardVerdict } from '@talosprotocol/contracts';
import { type JsonObject, type JsonValue, parseJsonObject } from '@talosprotocol/protocol';
import { type ChannelLookDeps, createChannelLook, type Piece } from './channel-look.js';
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
  const holds = masks !== undefined || guards.some(({ action }) => action !== 'flag');
  const queue: Held[] = [];

  const assertAllowed = (): void => {
    const refusal = tally.refusal();
    if (refusal !== undefined) throw refusal;
  };
  const release = (): readonly GuardedEvent[] => {
    let ready = 0;
    while (ready < queue.length && isSettled(queue[ready] as Held)) ready += 1;
    return queue.splice(0, ready).map(shownEvent);
  };
  return {
    async push(event) {
      const body = bodyOf(event.data);
      // What is no object is the end of a stream.
      const closes = body === undefined ? [''] : slotsOf(body).closes;
      const { message, pieces } = await look.take(body);
      queue.push({ event, body: message, isNew: message !== body, pieces });
      for (const prefix of closes) look.close(prefix);
      await look.settle();
      assertAllowed();
      if (holds) return release();
      for (const { channel, end } of pieces) channel.forget(end);
      queue.length = 0;
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

function bodyOf(data: string): JsonObject | undefined {
  if (data === '[DONE]') return undefined;
  const bytes = Buffer.from(data);
  return parseJsonObject(bytes, { floats: true, maxBytes: bytes.length });
}

const isSettled = ({ pieces }: Held): boolean =>
  pieces.every(({ channel, end }) => end <= channel.settledTo());

/** An event as it may be shown. */
function shownEvent({ event, body, isNew, pieces }: Held): GuardedEvent {
  let isChanged = isNew;
  for (const { channel, start, end, holder, member, text } of pieces) {
    const shown = channel.shown(start, end);
    channel.forget(end);
    holder[member] = shown;
    isChanged ||= shown !== text;
  }
  return isChanged && body !== undefined ? { ...event, data: withoutLogprobs(body) } : event;
}

/** Tokens say again what was taken out of a text. */
function withoutLogprobs(body: JsonObject): string {
  return JSON.stringify(body, (name, value: JsonValue) => (name === 'logprobs' ? null : value));
}
