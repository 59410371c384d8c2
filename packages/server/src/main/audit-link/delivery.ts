import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditBatchAnswer, AuditState } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import type { Clock } from '../../platform/system.js';
import { UnsureError } from '../../platform/unsure-error.js';
import { createAuditQueue, type Entry, type Lane, type QueueLimits } from './queue.js';
import type { AuditWire } from './wire.js';

type RecordedEvent = import('../../audit/draft.js').RecordedEvent;

/** Takes events to the audit process, in the order in which they were added: one batch at a time. */
export interface Delivery {
  /** Resolves when the event is durable there. @throws {TrustError} what the audit process says; UNAVAILABLE: it was
   *  not handed in; UnsureError: it may have been */
  add(text: string, lane: Lane): Promise<RecordedEvent | undefined>;
  isFull(lane: Lane): boolean;
  /** Resolves when nothing waits any more. */
  flush(): Promise<void>;
  /** Takes no more. */
  close(): void;
}

export interface DeliveryDeps {
  readonly wire: Pick<AuditWire, 'send' | 'state' | 'forget'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly queue?: QueueLimits;
  /** How long a batch is tried again before its callers are refused; 5 s by default. */
  readonly retryMs?: number;
}

const RETRY_MS = 5_000;
const PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

export function createDelivery(deps: DeliveryDeps): Delivery {
  const { wire } = deps;
  const queue = createAuditQueue(deps.queue);
  const deliver = createDeliverer(deps, () => queue.takeAll());
  let closed = false;
  let working: Promise<void> | undefined;
  const drain = async (): Promise<void> => {
    // What is handed in until the next turn of the loop goes into one batch.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (!queue.isEmpty()) await deliver(queue.take());
  };
  const work = (): void => {
    working ??= drain().finally(() => {
      working = undefined;
      if (!queue.isEmpty()) work();
    });
  };
  return {
    add: (text, lane) => {
      if (closed || wire.state() === undefined) return Promise.reject(down());
      if (queue.isFull(lane)) return Promise.reject(full());
      return new Promise((resolve, reject) => {
        queue.push({ text, lane, resolve, reject });
        work();
      });
    },
    isFull: queue.isFull,
    flush: async () => {
      while (working !== undefined) await working;
    },
    close: () => {
      closed = true;
    },
  };
}

/** The same batch goes under the same number until it is answered: what it holds is taken once. */
function createDeliverer(
  { wire, clock, log, retryMs = RETRY_MS }: DeliveryDeps,
  giveUp: () => readonly Entry[],
): (entries: readonly Entry[]) => Promise<void> {
  let batch = 0;
  const refuse = (entries: readonly Entry[], error: unknown, isSure: boolean): void => {
    log.error('events could not be handed in', { count: entries.length, err: error });
    wire.forget();
    for (const { reject } of entries) reject(isSure ? down() : unsure(error));
    // Events that were never sent: whoever waits for them is told at once.
    for (const { reject } of giveUp()) reject(down());
  };
  return async (entries) => {
    batch += 1;
    const json = `{"batch":${batch},"entries":[${entries.map(({ text }) => text).join(',')}]}`;
    const limit = clock.monotonic() + retryMs;
    let isSure = true;
    for (let pause = PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 2)) {
      try {
        return settle(entries, await wire.send(json));
      } catch (error) {
        isSure &&= !(error instanceof UnsureError);
        if (clock.monotonic() >= limit) return refuse(entries, error, isSure);
        await sleep(pause);
      }
    }
  };
}

function settle(entries: readonly Entry[], { results }: AuditBatchAnswer): void {
  for (const [index, { resolve, reject }] of entries.entries()) {
    const result = results[index];
    if (result === undefined) reject(unsure('no result'));
    else if ('event' in result) resolve(result.event ?? undefined);
    else reject(result.error.unsure ? unsure(result.error) : toError(result.error));
  }
}

/** Why the log refuses an event for good: a fault of this process, as where the log is in it, and none of its caller's. */
const OUR_FAULTS: readonly string[] = ['MALFORMED', 'TOO_LARGE', 'FORBIDDEN', 'CONFLICT'];

/** A refusal of the audit process as an error of ours. */
export function toError({ code, reason, hint }: NonNullable<AuditState['read']>): TrustError | TypeError {
  if (OUR_FAULTS.includes(code)) return new TypeError(`the log refuses an event: ${reason}`);
  return new TrustError(code, reason ?? 'the audit process refuses', hint === undefined ? {} : { hint });
}

export function full(): TrustError {
  return new TrustError('UNAVAILABLE', 'too many events wait for the log');
}

export function down(): TrustError {
  return new TrustError('UNAVAILABLE', 'the audit process does not answer', {
    hint: 'try again; the operator finds the reason in the log',
  });
}

function unsure(cause: unknown): UnsureError {
  return new UnsureError('the event may not have been written', cause);
}
