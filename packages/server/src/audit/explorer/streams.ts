import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EventFilter, EventRecord, StreamEnd } from '@talosprotocol/contracts';
import { isTrustError, TrustError } from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import type { Clock } from '../../platform/system.js';
import { type EventWriter, openEventWriter } from './event-writer.js';
import type { Explorer } from './explorer.js';
import type { Growth } from './growth.js';

/** Sends events to readers as they are recorded (AUD-68). */
export interface EventStreams {
  /** Answers with a stream until the reader leaves, may not read any more, is too slow, or the streams are closed.
   *  @throws {TrustError} UNAVAILABLE: there are too many; MALFORMED: it would begin beyond the log */
  serve(stream: EventStream): Promise<void>;
  /** Ends every stream, and takes no more. */
  close(): void;
}

export interface EventStream {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly filter: EventFilter;
  /** The first index; undefined for what is recorded from now on. */
  readonly from: number | undefined;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
  /** Looks again whether the caller may read. @throws {TrustError} if not */
  readonly authorize: (request: IncomingMessage) => Promise<unknown>;
}

export interface StreamLimits {
  readonly streams: number;
  /** Events that are read at a time. */
  readonly batch: number;
  /** Least time between two looks at the log. */
  readonly pauseMs: number;
  /** How long a reader goes on without a look whether it still may. */
  readonly recheckMs: number;
  readonly heartbeatMs: number;
  /** Longest wait for a reader, and for a log that cannot be read. */
  readonly patienceMs: number;
}

const STREAM_LIMITS: StreamLimits = {
  streams: 32,
  batch: 100,
  pauseMs: 250,
  recheckMs: 2_000,
  heartbeatMs: 15_000,
  patienceMs: 10_000,
};

export interface StreamsDeps {
  readonly explorer: Pick<Explorer, 'after'>;
  readonly growth: Growth;
  /** Events the log has. */
  readonly size: () => number;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<StreamLimits>;
}

export function createEventStreams(deps: StreamsDeps): EventStreams {
  const limits = { ...STREAM_LIMITS, ...deps.limits };
  const open = new Set<AbortController>();
  let isClosed = false;
  return {
    serve: async (stream) => {
      if (isClosed) throw closing();
      if (open.size >= limits.streams) throw new TrustError('UNAVAILABLE', 'too many streams are open');
      const from = beginningOf(stream, deps.size());
      const stop = new AbortController();
      const leave = (): void => stop.abort();
      stream.signal.addEventListener('abort', leave);
      open.add(stop);
      try {
        const writer = openEventWriter(stream.response, limits.patienceMs, stop.signal);
        await follow({ ...deps, limits }, stream, { writer, from, stop: stop.signal }).catch(
          (error: unknown) => {
            if (!isTrustError(error)) deps.log.error('a stream of events failed', { err: error });
            writer.end(endOf(stop.signal.aborted ? closing() : error));
          },
        );
      } finally {
        open.delete(stop);
        stream.signal.removeEventListener('abort', leave);
      }
    },
    close: () => {
      isClosed = true;
      for (const stop of open) stop.abort();
    },
  };
}

function beginningOf({ from }: EventStream, size: number): number {
  if (from === undefined || from <= size) return from ?? size;
  throw new TrustError('MALFORMED', `the log has no event ${from - 1}`);
}

interface Following {
  readonly writer: EventWriter;
  readonly from: number;
  readonly stop: AbortSignal;
}

/** Each turn: may the reader still read, what is new, and then a wait. It ends by an error. */
async function follow(
  deps: StreamsDeps & { readonly limits: StreamLimits },
  { request, filter, authorize }: EventStream,
  { writer, from, stop }: Following,
): Promise<never> {
  const { clock, growth, limits } = deps;
  let next = from;
  let checked = clock.monotonic();
  let said = checked;
  const assertMay = async (): Promise<void> => {
    if (stop.aborted) throw closing();
    const now = clock.monotonic();
    if (now - checked < limits.recheckMs) return;
    await authorize(request);
    checked = now;
  };
  // Whoever loses the connection before anything fits knows where it began.
  await writer.send(`retry: 1000\n${from === 0 ? '' : `id: ${from - 1}\n`}\n`);
  for (;;) {
    await assertMay();
    const { events, from: first, reached } = await readPatiently(deps, filter, next, stop);
    if (first > next) await writer.send(`event: pruned\ndata: {"below":${first}}\n\n`);
    for (const event of events) {
      // Also of what was read already: whoever reads slowly keeps it waiting.
      await assertMay();
      await writer.send(textOf(event));
    }
    if (events.length > 0 || first > next) said = clock.monotonic();
    else if (clock.monotonic() - said >= limits.heartbeatMs) {
      said = clock.monotonic();
      // Whoever comes again need not look at what did not fit.
      await writer.send(`:\nid: ${reached - 1}\n\n`);
    }
    next = reached;
    const isBehind = reached < deps.size();
    if (isBehind) continue;
    await growth.beyond(next, Math.min(limits.recheckMs, limits.heartbeatMs), stop);
    await pause(limits.pauseMs, stop);
  }
}

/** A log that is asked by too many, or whose database is away for a moment, is asked again. */
async function readPatiently(
  { explorer, clock, limits }: StreamsDeps & { readonly limits: StreamLimits },
  filter: EventFilter,
  from: number,
  stop: AbortSignal,
): ReturnType<Explorer['after']> {
  const limit = clock.monotonic() + limits.patienceMs;
  for (;;) {
    try {
      return await explorer.after(filter, from, limits.batch);
    } catch (error) {
      const isPassing = isTrustError(error) && error.code === 'UNAVAILABLE';
      if (!isPassing || stop.aborted || clock.monotonic() >= limit) throw error;
      await pause(limits.pauseMs, stop);
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    signal.addEventListener('abort', wake);
    if (signal.aborted) wake();
  });
}

function textOf(event: EventRecord): string {
  return `id: ${event.index}\ndata: ${JSON.stringify(event)}\n\n`;
}

function endOf(error: unknown): string {
  const code = isTrustError(error) ? error.code : 'INTERNAL';
  const end: StreamEnd = { code, reason: (isTrustError(error) && error.data.reason) || 'the stream failed' };
  return `event: end\ndata: ${JSON.stringify(end)}\n\n`;
}

function closing(): TrustError {
  return new TrustError('UNAVAILABLE', 'the service is stopping');
}
