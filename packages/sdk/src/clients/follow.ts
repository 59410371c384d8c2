import { createChecker, type EventFilter, EventRecord, StreamEnd } from '@talosprotocol/contracts';
import { isTrustError, TrustError } from '@talosprotocol/protocol';
import { parseOrUndefined } from '../http/answer.js';
import type { HttpClient } from '../http/client.js';
import { readMessages, type StreamMessage } from '../http/event-stream.js';
import { pause } from '../pause.js';

/** Which events are followed. */
export interface FollowQuery extends Omit<EventFilter, 'since' | 'until'> {
  /** Index of the first; absent for what is recorded from now on. */
  readonly from?: number;
}

/** How events are followed. */
export interface FollowOptions {
  /** Ends the iteration when it aborts. */
  readonly signal?: AbortSignal;
  /** Told that what was asked for begins at this index only: what is before was pruned. */
  readonly onPruned?: (below: number) => void;
}

/** How long the service may be away before it is given up, and how long nothing may come (heartbeats come each 15 s). */
const PATIENCE_MS = 60_000;
const SILENCE_MS = 45_000;
const RETRY_MS = [250, 1_000, 2_000, 5_000] as const;

const checkRecord = createChecker(EventRecord);
const checkEnd = createChecker(StreamEnd);

/** Where a follower stands. */
interface Place {
  /** What the service would call the last event that was seen. */
  last: string | undefined;
  /** When it was last heard; undefined before it ever was. */
  heard: number | undefined;
  /** Connections without a message, one after another. */
  failed: number;
}

/** Follows the events of a log (AUD-68), over interruptions, each once and in order. */
export async function* followEvents(
  http: HttpClient,
  query: FollowQuery,
  options: FollowOptions,
): AsyncGenerator<EventRecord> {
  const { from = 0 } = query;
  const place: Place = { last: from === 0 ? undefined : String(from - 1), heard: undefined, failed: 0 };
  const isOver = (): boolean => options.signal?.aborted === true;
  while (!isOver()) {
    try {
      yield* readOnce(http, query, options, place);
    } catch (error) {
      if (isOver()) return;
      if (!isPassing(error, place)) throw error;
    }
    await pause(RETRY_MS[Math.min(place.failed, RETRY_MS.length - 1)] ?? 0, options.signal);
    place.failed += 1;
  }
}

/** What comes over one connection. */
async function* readOnce(
  http: HttpClient,
  { from, ...filter }: FollowQuery,
  { signal, onPruned }: FollowOptions,
  place: Place,
): AsyncGenerator<EventRecord> {
  const query = { ...filter, ...(place.last === undefined && from === 0 ? { from } : {}) };
  for await (const message of open(http, query, place.last, signal)) {
    Object.assign(place, { heard: performance.now(), failed: 0, last: message.id ?? place.last });
    if (message.event === 'pruned') onPruned?.(belowOf(message));
    else if (message.event === 'end') throw endOf(message);
    else if (message.data !== undefined) yield recordOf(message);
  }
}

/** True of a service that answered before and is away, or thought that we were too slow. */
function isPassing(error: unknown, { heard }: Place): boolean {
  if (!isTrustError(error) || !PASSING.has(error.code)) return false;
  return heard !== undefined && performance.now() - heard <= PATIENCE_MS;
}

const PASSING: ReadonlySet<string> = new Set(['UNAVAILABLE', 'TIMEOUT']);

async function* open(
  http: HttpClient,
  query: Readonly<Record<string, string | number | undefined>>,
  last: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<StreamMessage> {
  const silence = createSilence(signal);
  try {
    const headers = { accept: 'text/event-stream', ...(last === undefined ? {} : { 'last-event-id': last }) };
    const call = { method: 'GET', path: '/talos/v1/events/stream', query, headers } as const;
    const body = await http.stream(call, silence.signal);
    for await (const message of readMessages(body)) {
      silence.heard();
      yield message;
    }
  } catch (cause) {
    if (isTrustError(cause)) throw cause;
    throw new TrustError('UNAVAILABLE', `the stream of ${http.origin} broke off`, {}, cause);
  } finally {
    silence.end();
  }
}

/** Aborts when nothing was heard for long, or the caller's own signal does. */
function createSilence(outer: AbortSignal | undefined) {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  let timer = setTimeout(abort, SILENCE_MS);
  outer?.addEventListener('abort', abort);
  if (outer?.aborted === true) abort();
  return {
    signal: controller.signal,
    heard: (): void => {
      clearTimeout(timer);
      timer = setTimeout(abort, SILENCE_MS);
    },
    end: (): void => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', abort);
      abort();
    },
  };
}

function recordOf({ data = '' }: StreamMessage): EventRecord {
  const value = parseOrUndefined(data);
  const wrong = value === undefined ? 'no JSON' : checkRecord(value);
  if (wrong === undefined) return value as unknown as EventRecord;
  throw new TrustError('UPSTREAM_FAILED', `the stream holds ${wrong}`);
}

function endOf({ data = '' }: StreamMessage): TrustError {
  const value = parseOrUndefined(data);
  if (value === undefined || checkEnd(value) !== undefined)
    return new TrustError('UPSTREAM_FAILED', 'the stream ended without a reason');
  const { code, reason } = value as unknown as StreamEnd;
  return new TrustError(code, reason);
}

function belowOf({ data = '' }: StreamMessage): number {
  const below = Object(parseOrUndefined(data)).below as unknown;
  if (typeof below === 'number') return below;
  throw new TrustError('UPSTREAM_FAILED', 'the stream holds no index');
}
