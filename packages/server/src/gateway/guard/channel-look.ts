import { type JsonObject, TrustError } from '@talosprotocol/protocol';
import { type Channel, createChannel } from './channel.js';
import type { GuardPolicy, Look } from './guard.js';
import type { Looker } from './looker.js';
import type { Masks } from './masks.js';
import { guardMessage } from './message-guard.js';
import { type Slot, slotsOf } from './stream-slots.js';
import type { Tally } from './tally.js';

export interface ChannelLookDeps {
  readonly guards: readonly GuardPolicy[];
  readonly looker: Looker;
  /** What of a request was masked, and is put back. */
  readonly masks: Masks | undefined;
}

/** A piece of a text, and where it stands in it. It goes into a member of an object of its event. */
export interface Piece extends Pick<Slot, 'holder' | 'member' | 'text'> {
  readonly channel: Channel;
  readonly start: number;
  readonly end: number;
}

/** Looks at the texts of one stream. */
export interface ChannelLook {
  /** Takes what an event says: pieces of texts, which it takes out of it, and texts that are whole, which are looked at now. */
  take(
    body: JsonObject | undefined,
  ): Promise<{ readonly message: JsonObject | undefined; readonly pieces: readonly Piece[] }>;
  /** Texts whose channel begins so are complete. */
  close(prefix: string): void;
  /** Looks at what is due, and counts what is sure. */
  settle(): Promise<void>;
}

/** Most that one stream may say where guards look, in characters, and most texts at a time: one that wants more ends. */
const MOST_KEPT = 16_777_216;
const MOST_CHANNELS = 1024;

export function createChannelLook({ guards, looker, masks }: ChannelLookDeps, tally: Tally): ChannelLook {
  const count = createCounter(guards, tally);
  const looking = guards.filter(({ look }) => look.kind !== 'size');
  const alone = looking.filter(({ look }) => !isSchema(look));
  const channels = new Map<string, Channel>();
  /** Of which something came, or which were closed, since they were looked at. */
  const touched = new Set<Channel>();
  let kept = 0;
  const channelOf = ({ channel: name, isJson, isSpoken }: Slot): Channel => {
    const known = channels.get(name);
    if (known !== undefined) return known;
    if (channels.size >= MOST_CHANNELS) forgetDone(channels);
    const made = createChannel(isSpoken ? looking : alone, masks, isJson);
    channels.set(name, made);
    return made;
  };
  return {
    async take(body) {
      if (body === undefined) return { message: undefined, pieces: [] };
      const { slots } = slotsOf(body);
      const added = slots.map((slot) => {
        const { holder, member, text } = slot;
        count(text.length);
        const channel = channelOf(slot);
        touched.add(channel);
        kept += text.length;
        // Looked at as what it is a piece of, and not by itself.
        holder[member] = '';
        return { channel, text, ...channel.add(text) };
      });
      const { message } = await guardMessage(body, { guards: alone, looker, place: 'answer', masks, tally });
      const after = message === body ? slots : slotsOf(message).slots;
      const pieces = added.map((piece, index) => {
        const { holder, member } = after[index] as Slot;
        return { ...piece, holder, member };
      });
      if (kept > MOST_KEPT) throw tooMuch();
      return { message, pieces };
    },
    close(prefix) {
      for (const [name, channel] of channels) {
        if (!name.startsWith(prefix)) continue;
        channel.close();
        touched.add(channel);
      }
    },
    async settle() {
      for (const channel of touched) {
        await lookAt(channel, looker, tally);
        countSure(channel, tally);
      }
      touched.clear();
    },
  };
}

/** A stream that has more texts at a time than any has is not looked at any further. */
function forgetDone(channels: Map<string, Channel>): void {
  for (const [name, channel] of channels) if (channel.isDone()) channels.delete(name);
  if (channels.size >= MOST_CHANNELS) throw tooMuch();
}

function tooMuch(): TrustError {
  return new TrustError('UPSTREAM_FAILED', 'the stream says more than guards can look at', {
    hint: 'Ask for less at once.',
  });
}

const isSchema = (look: Look): boolean => look.kind === 'scan' && look.spec.kind === 'schema';

async function lookAt(channel: Channel, looker: Looker, tally: Tally): Promise<void> {
  for (const guard of channel.guards) {
    const unseen = channel.unseen(guard);
    if (unseen === undefined) continue;
    const found = await looker(guard, 'answer', [unseen.text]).catch(() => undefined);
    if (found === undefined) tally.fail(guard);
    channel.seen(guard, unseen, found?.[0] ?? []);
  }
}

function countSure(channel: Channel, tally: Tally): void {
  const end = channel.settledTo();
  for (const guard of channel.guards) {
    const { whole, late } = channel.take(guard, end);
    tally.add(guard, [...whole, ...late]);
    // Its beginning is out already.
    if (late.length > 0 && guard.action === 'mask') tally.cannotMask(guard);
  }
}

/** Counts what is said; tells guards of size once it is too much. */
function createCounter(guards: readonly GuardPolicy[], tally: Tally): (length: number) => void {
  let said = 0;
  return (length) => {
    const before = said;
    said += length;
    for (const guard of guards) {
      const most = guard.look.kind === 'size' ? (guard.look.most.answer ?? Infinity) : Infinity;
      if (said > most && before <= most) tally.add(guard, [{ type: 'size', start: 0, end: length }]);
    }
  };
}
