import { setTimeout as sleep } from 'node:timers/promises';
import { isUuidv7, TrustError } from '@talosprotocol/protocol';
import { createWriter, type WriterDeps } from './batch-writer.js';
import { type AuditDraft, chainOf, type RecordedEvent, uuidOf } from './draft.js';
import { DraftError } from './draft-error.js';
import { createQueues, type Lane, type QueueLimits } from './draft-queues.js';
import type { Lead } from './lead.js';

export interface SequencerDeps extends WriterDeps {
  readonly limits: SequencerLimits;
}

export interface SequencerLimits extends QueueLimits {
  /** How long a batch is tried again before its callers are refused. */
  readonly retryMs: number;
}

/** Puts events in order: concurrent drafts are written in one transaction. */
export interface Sequencer {
  /** Resolves when the event is durable; with undefined for a chain that was logged before.
   *  @throws {TrustError} UNAVAILABLE | DISK_FULL; UnsureError if it may be in the log nevertheless */
  add(draft: AuditDraft, lane?: Lane): Promise<RecordedEvent | undefined>;
  /** True if a draft would find no place. */
  isFull(lane?: Lane): boolean;
  /** Drafts that wait. */
  waiting(): { readonly main: number; readonly denial: number };
  /** False while nobody knows whether the log can be written. */
  isUp(): boolean;
  readonly size: number;
  readonly epoch: number;
  /** The time of the newest event, in Unix milliseconds; 0 while there is none. */
  readonly newestMs: number;
  /** Resolves when nothing waits, or after the time a batch is tried again. */
  flush(): Promise<void>;
  /** Refuses what waits and what comes: the database is gone. */
  giveUp(): void;
  /** Takes no more drafts, writes those that wait, gives up the hold on the log. */
  stop(): Promise<void>;
}

/** Starts with the log held. */
export function createSequencer(deps: SequencerDeps, first: Lead): Sequencer {
  const { limits } = deps;
  const queues = createQueues(limits);
  const writer = createWriter(deps, first, () => work());
  let working: Promise<void> | undefined;
  let refusing: TrustError | undefined;

  const pause = createPause();
  const work = (): void => {
    if (working !== undefined) return;
    // What nobody waits for goes along with the next that somebody does.
    const first = queues.isAwaited() ? Promise.resolve() : pause.take();
    // The next turn of the loop: what is handed in until then goes into one batch.
    const turn = first.then(() => new Promise<void>((resolve) => setImmediate(resolve)));
    working = turn.then(drain).finally(() => {
      working = undefined;
      if (!queues.isEmpty()) work();
    });
  };

  const drain = async (): Promise<void> => {
    if (writer.hold.lead.isLost() && !(await writer.hold.takeAgain(limits.retryMs))) await refuseUntilUp();
    while (!queues.isEmpty()) {
      if (!(await writer.writeOrRefuse(queues.take()))) await refuseUntilUp();
      if (!queues.isAwaited()) return;
    }
  };

  const refuseUntilUp = async (): Promise<void> => {
    refusing ??= unavailable('the log cannot be written');
    for (const { reject } of queues.takeAll()) reject(refusing);
    await writer.hold.takeAgainAtLast();
    if (writer.hold.isUp()) refusing = undefined;
  };

  const settled = async (): Promise<void> => {
    while (working !== undefined) {
      pause.end();
      await working;
    }
  };
  const flush = async (): Promise<void> => {
    const late = new AbortController();
    const limit = sleep(limits.retryMs, undefined, { signal: late.signal }).catch(() => undefined);
    await Promise.race([settled(), limit]);
    late.abort();
  };

  return {
    add: (draft, lane = 'main') => {
      if (refusing !== undefined) return Promise.reject(refusing);
      if (queues.isFull(lane)) return Promise.reject(unavailable('too many events wait for the log'));
      if (!isSound(draft)) return Promise.reject(unsound());
      return new Promise((resolve, reject) => {
        queues.push({ draft, resolve, reject }, lane);
        if (lane !== 'owed') pause.end();
        work();
      });
    },
    isFull: (lane = 'main') => queues.isFull(lane),
    waiting: queues.waiting,
    isUp: () => refusing === undefined && writer.hold.isUp(),
    get size() {
      return writer.tip().size;
    },
    get epoch() {
      return writer.tip().epoch;
    },
    get newestMs() {
      return writer.tip().emitter.timeMs;
    },
    flush,
    giveUp: () => {
      refusing = unavailable('the database is gone');
      writer.hold.giveUp();
      for (const { reject } of queues.takeAll()) reject(refusing);
    },
    stop: async () => {
      refusing = unavailable('the log is being closed');
      await flush();
      await writer.hold.close();
      await settled();
    },
  };
}

/** How long an outcome waits for a decision that it can be written with. A batch costs the database the same with one event as
 *  with ten; and whoever calls again at once would wait for a batch with nothing but the outcome of its last call. */
const PAUSE_MS = 5;

function createPause(): { take(): Promise<void>; end(): void } {
  let wake: (() => void) | undefined;
  return {
    take: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => wake?.(), PAUSE_MS);
        wake = () => {
          clearTimeout(timer);
          wake = undefined;
          resolve();
        };
      }),
    end: () => wake?.(),
  };
}

/** What goes into a query before the event is checked as a whole. */
function isSound(draft: AuditDraft): boolean {
  const cth = draft.type === 'chain' ? draft.members.cth : chainOf(draft);
  const texts = [draft.principal?.sub, cth].filter((text) => text !== undefined);
  const ids = [draft.id, ...(draft.type === 'outcome' ? [draft.members.decision] : [])];
  return ids.every((id) => isUuidv7(uuidOf(id))) && texts.every((text) => /^[!-~]{1,256}$/.test(text));
}

function unsound(): DraftError {
  return new DraftError('MALFORMED', 'a draft whose ids are not ids');
}

function unavailable(reason: string, cause?: unknown): TrustError {
  return new TrustError('UNAVAILABLE', reason, {}, cause);
}
