import type { Readable } from 'node:stream';
import { TrustError } from '@talosprotocol/protocol';
import { createParser } from 'eventsource-parser';
import type { AnswerKeeper } from './answer-cache.js';
import type { StreamEvent, StreamReader } from './dialect.js';

/** What came with one piece of a stream. */
export interface Arrived {
  /** Events that are for the client. */
  readonly events: readonly StreamEvent[];
  /** True if something came that only keeps the connection open. */
  readonly isAlive: boolean;
}

/** Reads the events of a stream, each of which is counted as it comes. */
export interface EventFeed {
  /** What the next piece brings; undefined at the end. @throws {TrustError} UPSTREAM_FAILED: it is no stream of this protocol */
  next(): Promise<Arrived | undefined>;
}

/** Longest run of bytes without an event in it. */
const MAX_EVENT = 4 * 1024 * 1024;
/** Lines that are of no event stream and are left out, as its readers have to, beyond one for each event: to leave out one takes as long
 *  as to read kilobytes, for two bytes. */
const MOST_NONSENSE = 256;

interface FeedOptions {
  /** Nothing is for the client from the event on that goes beyond so many pieces of text. */
  readonly mostPieces: number;
  readonly keeper?: AnswerKeeper | undefined;
}

export function createEventFeed(
  source: Readable,
  reader: StreamReader,
  { mostPieces, keeper }: FeedOptions,
): EventFeed {
  let events: StreamEvent[] = [];
  let [waiting, isAlive, nonsense] = [0, false, 0];
  const parser = createParser({
    onEvent: (event) => {
      waiting = 0;
      nonsense -= 1;
      // What comes behind the end, also at once with it, is nothing of the answer, and changes no count of it.
      if (hasEnd(reader)) return;
      const told = reader.read(event);
      if (told !== false && reader.pieces() <= mostPieces) events.push(told === true ? event : told);
    },
    // What it says is no word of an answer.
    onComment: () => {
      isAlive = true;
    },
    onError: () => {
      nonsense = Math.max(0, nonsense) + 1;
      if (nonsense > MOST_NONSENSE) throw new TrustError('UPSTREAM_FAILED', 'the stream is none of events');
    },
  });
  const withLines = createLines();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let fault: { readonly error: unknown } | undefined;
  const parse = (chunk: Uint8Array): void => {
    try {
      parser.feed(withLines(decode(decoder, chunk)));
      if (waiting > MAX_EVENT) throw new TrustError('UPSTREAM_FAILED', 'an event of the stream has no end');
    } catch (error) {
      // What came before it is the client's, also where both came at once.
      if (events.length === 0) throw error;
      fault = { error };
    }
  };
  // Whoever stops telling the client may still read on for the count.
  const chunks = source.iterator({ destroyOnReturn: false });
  return {
    async next() {
      if (fault !== undefined) throw fault.error;
      const { done, value } = await chunks.next();
      if (done === true) return undefined;
      const chunk = value as Uint8Array;
      waiting += chunk.length;
      keeper?.add(chunk);
      [events, isAlive] = [[], false];
      parse(chunk);
      return { events, isAlive };
    },
  };
}

/** True once it has told its end: of servers that leave that out more may come. */
export const hasEnd = (reader: StreamReader): boolean => reader.isOver() && reader.missing?.() === undefined;

export const CUT = 'The answer is cut off; ask again if you need all of it.';

function decode(decoder: InstanceType<typeof TextDecoder>, chunk: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: true });
  } catch (error) {
    throw new TrustError('UPSTREAM_FAILED', 'the stream is not UTF-8', { hint: CUT }, error);
  }
}

/** Ends lines as the parser finds them soonest: where another one ends them it looks through all that came for each. */
function createLines(): (text: string) => string {
  let isAfterReturn = false;
  return (text) => {
    if (!isAfterReturn && !text.includes('\r')) return text;
    const rest = isAfterReturn && text.startsWith('\n') ? text.slice(1) : text;
    if (text !== '') isAfterReturn = text.endsWith('\r');
    return rest.replaceAll(/\r\n?/g, '\n');
  };
}
