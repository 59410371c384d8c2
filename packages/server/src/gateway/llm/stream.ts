import type { Readable } from 'node:stream';
import type { ProblemCode } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import { createParser } from 'eventsource-parser';
import type { Failure } from '../admission/call.js';
import type { Ended, ModelSpent } from '../admission/ended.js';
import { toRefusal } from '../admission/hint.js';
import type { StreamGuard } from '../guard/stream-guard.js';
import { createTranscript, type ModelStream } from './answer.js';
import type { AnswerKeeper } from './answer-cache.js';
import type { StreamEvent, StreamReader } from './dialect.js';
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
export interface RunningStream extends ModelStream {
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
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => void source.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const finish = (status: Ended['status'], code?: ProblemCode): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    source.destroy();
    const guards = deps.guard?.verdicts();
    settle({ status, spent: deps.spent(reader), ...(code && { code }), ...(guards && { guards }) });
  };
  async function* bits(): AsyncGenerator<string> {
    let status: Ended['status'] = 'cancelled';
    let code: ProblemCode | undefined;
    try {
      for await (const text of passed(deps)) {
        begin();
        seen.add(text);
        yield text;
      }
      if (!hasLeft) status = 'completed';
    } catch (error) {
      const failure = error instanceof TrustError ? error : failed(error, signal);
      status = statusOf(failure, hasLeft);
      code = failure.code;
      const text = format(deps.toEvent({ ...toRefusal(failure), code: failure.code }));
      seen.add(text);
      yield text;
    } finally {
      finish(status, code);
    }
  }
  return {
    bits: bits(),
    seen,
    ended,
    begun,
    clientLeft() {
      hasLeft = true;
      timer ??= setTimeout(() => source.destroy(), deps.drainMs).unref();
    },
    abandon: () => finish('failed'),
  };
}

function statusOf({ code }: TrustError, hasLeft: boolean): Ended['status'] {
  if (code === 'REVOKED') return 'revoked_during';
  return hasLeft ? 'cancelled' : 'failed';
}

/** Longest run of bytes without an event in it. */
const MAX_EVENT = 4 * 1024 * 1024;

/** What of a stream goes to the client, as text. @throws {TrustError} UPSTREAM_FAILED | BUDGET_EXCEEDED | CONTENT_REFUSED */
async function* passed({
  source,
  reader,
  tell,
  mostPieces,
  guard,
  keeper,
}: StreamDeps): AsyncGenerator<string> {
  let out: string[] = [];
  let arrived: StreamEvent[] = [];
  let waiting = 0;
  const show = (events: readonly StreamEvent[]): void => {
    for (const event of events) for (const told of tell?.(event) ?? [event]) out.push(format(told));
  };
  const parser = createParser({
    onEvent: (event) => {
      waiting = 0;
      if (!reader.read(event)) return;
      if (guard === undefined) show([event]);
      else arrived.push(event);
    },
    // It keeps a connection open; what it says is no word of an answer.
    onComment: () => void out.push(':\n\n'),
  });
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    waiting += chunk.length;
    keeper?.add(chunk);
    parser.feed(decode(decoder, chunk));
    if (waiting > MAX_EVENT) throw new TrustError('UPSTREAM_FAILED', 'an event of the stream has no end');
    if (guard !== undefined) {
      for (const event of arrived) show(await guard.push(event));
      arrived = [];
    }
    if (out.length > 0) {
      yield out.join('');
      out = [];
    }
    if (reader.pieces() > mostPieces) throw beyondHold();
  }
  if (guard !== undefined) show(await guard.end());
  if (out.length > 0) yield out.join('');
  if (!reader.isOver())
    throw new TrustError('UPSTREAM_FAILED', 'the provider ended the stream before its end', { hint: CUT });
  keeper?.done('text/event-stream');
}

const CUT = 'The answer is cut off; ask again if you need all of it.';

function decode(decoder: InstanceType<typeof TextDecoder>, chunk: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: true });
  } catch (error) {
    throw new TrustError('UPSTREAM_FAILED', 'the stream is not UTF-8', { hint: CUT }, error);
  }
}

function beyondHold(): TrustError {
  return new TrustError('BUDGET_EXCEEDED', 'the provider writes more than was asked for and held', {
    hint: 'The stream was cut at what was held for it. Ask for more tokens, or tell the operator.',
  });
}

function format({ event, data }: StreamEvent): string {
  const lines = data.split('\n').map((line) => `data: ${line}\n`);
  return `${event === undefined ? '' : `event: ${event}\n`}${lines.join('')}\n`;
}
