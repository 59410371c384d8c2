import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProblemCode } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import type { Failure } from '../admission/call.js';
import type { Ended, ModelSpent } from '../admission/ended.js';
import { toRefusal } from '../admission/hint.js';
import type { StreamGuard } from '../guard/stream-guard.js';
import { createTranscript, type ModelStream } from './answer.js';
import type { AnswerKeeper } from './answer-cache.js';
import type { StreamEvent, StreamReader } from './dialect.js';
import { type Arrived, CUT, createEventFeed, type EventFeed, hasEnd } from './event-feed.js';
import { ALIVE, fromStart, type Started } from './first-word.js';
import type { TellEvent } from './translate/translation.js';
import { failed } from './upstream.js';

export interface StreamDeps {
  readonly source: Readable;
  readonly reader: StreamReader;
  /** Absent where the client is told the events as they come. */
  readonly tell: TellEvent | undefined;
  /** Aborts when the credential dies, or the time is over. */
  readonly signal: AbortSignal;
  /** Keeps it as it comes. */
  readonly keeper?: AnswerKeeper | undefined;
  /** Hears of each event that goes to the client. */
  readonly given?: ((event: StreamEvent) => void) | undefined;
  /** Looks at what goes to the client. */
  readonly guard: StreamGuard | undefined;
  /** Most pieces of text that were paid for. */
  readonly mostPieces: number;
  /** How long the rest is read after the client has left, in milliseconds. */
  readonly drainMs: number;
  spent(reader: StreamReader): ModelSpent;
  /** A failure as the last event the client gets. */
  toEvent(failure: Failure): StreamEvent;
}

/** A stream under way. */
export interface RunningStream extends ModelStream, Started {
  readonly ended: Promise<Ended>;
  /** The first bit is there. */
  readonly begun: Promise<void>;
  /** Nothing of it was sent, and nothing will be. */
  abandon(): void;
}

/** Passes a provider's stream on, event by event, and counts what goes by. However it ends, `ended` settles: with what the
 *  provider counted, or with an estimate that says so. */
export function createModelStream(deps: StreamDeps): RunningStream {
  const { source, reader, signal } = deps;
  const seen = createTranscript();
  let settle: (end: Ended) => void = () => undefined;
  const ended = new Promise<Ended>((resolve) => {
    settle = resolve;
  });
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  let hasLeft = false;
  let fault: TrustError | undefined;
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => void source.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const finish = (status: Ended['status'], code?: ProblemCode): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    source.destroy();
    const [guards, responseModel] = [deps.guard?.verdicts(), reader.model()];
    const told = { ...(responseModel && { responseModel }), ...(guards && { guards }) };
    settle({ status, spent: deps.spent(reader), ...(code && { code }), ...told });
  };
  const feed = createEventFeed(source, reader, deps);
  /** Nobody is told the rest, which is read for its count. */
  const readRest = async (status: Ended['status'], code: ProblemCode): Promise<void> => {
    timer ??= setTimeout(() => source.destroy(), deps.drainMs).unref();
    try {
      while (!reader.isOver() && (await feed.next()) !== undefined);
    } catch {
      // What has come is all there is to count.
    }
    finish(status, code);
  };
  async function* bits(): AsyncGenerator<string> {
    let end: () => void = () => finish('cancelled');
    try {
      for await (const text of passed(deps, feed)) {
        begin();
        seen.add(text);
        yield text;
      }
      if (!hasLeft) end = () => finish('completed');
    } catch (error) {
      const isOurs = error instanceof CutError && !source.destroyed;
      const cause = error instanceof CutError ? error.cause : error;
      const failure = cause instanceof TrustError ? cause : failed(cause, signal);
      fault = failure;
      const { code } = failure;
      const status = statusOf(failure, hasLeft);
      end = () => (isOurs ? void readRest(status, code) : finish(status, code));
      const text = format(deps.toEvent({ ...toRefusal(failure), code }));
      seen.add(text);
      yield text;
    } finally {
      end();
    }
  }
  const clientLeft = (): void => {
    hasLeft = true;
    timer ??= setTimeout(() => source.destroy(), deps.drainMs).unref();
  };
  return {
    ...fromStart({ all: bits(), reader, faultOf: () => fault, clientLeft }),
    seen,
    ended,
    begun,
    clientLeft,
    abandon: () => finish('failed'),
  };
}

function statusOf({ code }: TrustError, hasLeft: boolean): Ended['status'] {
  if (code === 'REVOKED') return 'revoked_during';
  return hasLeft ? 'cancelled' : 'failed';
}

/** We end the stream, though its provider goes on: what is wrong is what it says to whom, and it is paid for all of it. */
class CutError extends Error {
  override readonly cause: unknown;
  constructor(cause: unknown) {
    super('the stream is not told any further');
    this.cause = cause;
  }
}

/** What of a stream goes to the client, as text. @throws {TrustError | CutError} UPSTREAM_FAILED | BUDGET_EXCEEDED | CONTENT_REFUSED */
async function* passed(
  { reader, tell, mostPieces, guard, keeper, given, signal }: StreamDeps,
  feed: EventFeed,
): AsyncGenerator<string> {
  const shown = (events: readonly StreamEvent[]): string => {
    const told = events.flatMap((event) => tell?.(event) ?? [event]);
    for (const event of told) given?.(event);
    return told.map(format).join('');
  };
  const looked = (events: readonly StreamEvent[]): Promise<string> =>
    ours(async () => {
      if (guard === undefined) return shown(events);
      const out: StreamEvent[] = [];
      for (const event of events) out.push(...(await guard.push(event)));
      return shown(out);
    });
  const next = (): Promise<Arrived | undefined> => nextOf(feed, reader, signal);
  for (let arrived = await next(); arrived !== undefined; arrived = await next()) {
    const text = await looked(arrived.events);
    if (text !== '' || arrived.isAlive) yield `${text}${arrived.isAlive ? ALIVE : ''}`;
    if (reader.pieces() > mostPieces) throw beyondHold();
  }
  const missing = reader.isOver() ? reader.missing?.() : undefined;
  if (missing !== undefined) yield await looked([missing]);
  const rest = guard === undefined ? '' : await ours(async () => shown(await guard.end()));
  if (rest !== '') yield rest;
  if (!reader.isOver())
    throw new TrustError('UPSTREAM_FAILED', 'the provider ended the stream before its end', { hint: CUT });
  // As of a whole answer: what nobody counted may be none.
  if (reader.usage() !== undefined) keeper?.done('text/event-stream');
}

/** What the next piece brings; undefined at the end. */
async function nextOf(
  feed: EventFeed,
  reader: StreamReader,
  signal: AbortSignal,
): Promise<Arrived | undefined> {
  if (!reader.isOver()) return feed.next();
  // Servers that leave out the end say that all is there, and some go on all the same.
  if (hasEnd(reader)) return closed(feed);
  return feed.next().catch((error: unknown) => {
    // Nothing that happens to its connection makes a stream fail that is whole.
    if (signal.aborted || error instanceof TrustError) throw error;
    return undefined;
  });
}

/** How long a stream that has told its end is waited for to end, in milliseconds: mostly that comes with it, and the connection serves
 *  another call then. */
const LINGER_MS = 500;

/** Nothing that comes behind the end is of the answer, and nobody waits long for it. */
async function closed(feed: EventFeed): Promise<undefined> {
  const stop = new AbortController();
  const rest = async (): Promise<void> => {
    while (!stop.signal.aborted && (await feed.next()) !== undefined);
  };
  const late = sleep(LINGER_MS, undefined, { ref: false, signal: stop.signal });
  await Promise.race([rest(), late]).catch(() => undefined);
  stop.abort();
}

async function ours<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new CutError(error);
  }
}

function beyondHold(): TrustError {
  return new TrustError('BUDGET_EXCEEDED', 'the provider writes more than was asked for and held', {
    hint: 'The stream was cut at what was held for it. Ask for more tokens, or tell the operator.',
  });
}

/** Names that protocols have. */
const EVENT_NAME = /^[a-z][a-z0-9_.]{0,63}$/i;

function format({ event, data }: StreamEvent): string {
  const lines = data.split('\n').map((line) => `data: ${line}\n`);
  const name = event !== undefined && EVENT_NAME.test(event) ? `event: ${event}\n` : '';
  return `${name}${lines.join('')}\n`;
}
