import {
  encodeUtf8,
  growLog,
  isTrustError,
  type LogEdge,
  type LogGrowth,
  type TreeHasher,
  TrustError,
} from '@talosprotocol/protocol';
import type { Log } from '../platform/log.js';
import type { Clock } from '../platform/system.js';
import { type LogKey, makeCheckpoint, type SignedCheckpoint } from './checkpoint.js';
import { corrupt } from './corrupt.js';
import type { Publisher } from './publisher.js';
import type { RecoveredLog } from './recovery.js';
import type { AuditStore } from './store.js';
import type { TileStore } from './tile-store.js';

export interface IntegratorDeps {
  readonly store: AuditStore;
  readonly tiles: TileStore;
  readonly hasher: TreeHasher;
  readonly key: LogKey;
  readonly log: Log;
  readonly clock: Clock;
  readonly publisher: Publisher;
  /** Longest time an event waits for a checkpoint when nobody asks for its receipt. */
  readonly intervalMs: number;
}

/** Turns sequenced events into tiles and checkpoints, batch by batch. */
export interface Integrator {
  /** The last checkpoint that was signed. */
  readonly checkpoint: SignedCheckpoint | undefined;
  /** Tells that events below `size` are durable. */
  notify(size: number): void;
  /** Resolves when a checkpoint covers `size` events, with false when it does not within the time. */
  reach(size: number, limitMs: number): Promise<boolean>;
  /** Continues from another state of the same log, after what runs now has ended. */
  restart(recover: () => Promise<RecoveredLog>): Promise<void>;
  /** For how long the oldest event has waited that no checkpoint covers, in milliseconds; 0 if all are covered. */
  lagMs(): number;
  /** Throws while checkpoints cannot be made. @throws {TrustError} */
  assertSound(): void;
  /** Throws once the log was found to contradict itself: it does not go on. @throws {TrustError} LOG_CORRUPT */
  assertIntact(): void;
  /** Ends: what was signed is contradicted by somebody who may be right. */
  contradict(fault: TrustError): void;
  /** Tries no more: the database is gone. The next start integrates what is sequenced. */
  giveUp(): void;
  /** Integrates what is sequenced, then ends. */
  stop(limitMs: number): Promise<void>;
}

/** Events of one checkpoint at most. */
const CHUNK = 2_048;
const RETRY_MS = 250;
/** Rounds begin so far from each other at least. */
const SOONEST_MS = 50;

/** Starts from the recovered log. */
export function createIntegrator(deps: IntegratorDeps, recovered: RecoveredLog): Integrator {
  const state: State = {
    ...recovered,
    target: recovered.edge.frontier.size,
    fault: undefined,
    contradiction: undefined,
    stopped: false,
    behindSince: undefined,
  };
  const size = (): number => state.edge.frontier.size;
  const waiters = createWaiters();
  const pace = createPace(deps);
  const loop = createLoop(deps.clock, async () => {
    pace.begin();
    const written = await integrate(deps, state);
    if (written.length > 0) state.behindSince = undefined;
    noteLag();
    waiters.wake(size(), state.stopped);
    await dropPartials(deps, written);
    schedule();
  });
  // What came while a checkpoint was made counts from when that one was there.
  const noteLag = (): void => {
    if (size() < state.target) state.behindSince ??= deps.clock.monotonic();
    else state.behindSince = undefined;
  };
  const schedule = (): void => {
    if (state.stopped || size() >= state.target) return;
    loop.within(state.fault === undefined ? pace.delay(waiters.areThere()) : RETRY_MS);
  };
  const reach = async (wanted: number, limitMs: number): Promise<boolean> => {
    if (size() >= wanted || state.stopped) return size() >= wanted;
    const reached = waiters.wait(wanted, limitMs);
    schedule();
    return reached;
  };
  return {
    get checkpoint() {
      return state.checkpoint;
    },
    notify: (sequenced) => {
      state.target = Math.max(state.target, sequenced);
      noteLag();
      schedule();
    },
    reach,
    restart: async (recover) => {
      await loop.pause();
      Object.assign(state, await recover(), { fault: undefined });
      state.target = size();
      noteLag();
      waiters.wake(size(), state.stopped);
    },
    lagMs: () => (state.behindSince === undefined ? 0 : deps.clock.monotonic() - state.behindSince),
    assertSound: () => {
      const fault = state.contradiction ?? state.fault;
      if (fault !== undefined) throw asTrustError(fault);
    },
    assertIntact: () => {
      if (state.contradiction !== undefined) throw state.contradiction;
    },
    contradict: (fault) => {
      end(state, fault);
      waiters.wake(size(), true);
    },
    giveUp: () => {
      state.stopped = true;
      waiters.wake(size(), true);
    },
    stop: async (limitMs) => {
      await reach(state.target, limitMs);
      state.stopped = true;
      await loop.pause();
      waiters.wake(size(), true);
    },
  };
}

/** When the next round may begin: whoever waits is not kept waiting, and many who wait one after the other do not each get
 *  a round of their own. */
function createPace({ clock, intervalMs }: IntegratorDeps) {
  let begun = Number.NEGATIVE_INFINITY;
  return {
    begin: () => {
      begun = clock.monotonic();
    },
    delay: (someoneWaits: boolean): number => {
      if (!someoneWaits) return intervalMs;
      return Math.max(0, Math.min(SOONEST_MS, intervalMs) - (clock.monotonic() - begun));
    },
  };
}

interface State extends Mutable<RecoveredLog> {
  /** How many events are durable. */
  target: number;
  fault: unknown;
  /** Found for good: no round that was under way, and no new hold on the log, takes it back. */
  contradiction: TrustError | undefined;
  stopped: boolean;
  /** Monotonic moment. */
  behindSince: number | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** One round: tiles first, then the checkpoint over them, then everybody may see it. Gives what was written, once it is seen. */
async function integrate(deps: IntegratorDeps, state: State): Promise<LogGrowth['writes']> {
  try {
    const growth = await grow(deps, state.edge, state.target);
    await deps.tiles.write(growth.writes);
    await deps.publisher.assertAlone(state.checkpoint);
    if (state.contradiction !== undefined) return [];
    const checkpoint = makeCheckpoint(deps.key, growth.size, growth.root);
    await deps.publisher.publish(checkpoint);
    Object.assign(state, { edge: growth.edge, checkpoint, fault: undefined });
    return growth.writes;
  } catch (error) {
    // Tried again every moment: said once until it works.
    if (state.fault === undefined)
      deps.log.error('events could not be put into tiles; they are kept', { err: error, size: state.target });
    state.fault = error;
    if (isCorrupt(error)) end(state, error);
    return [];
  }
}

/** Nothing is signed from here on. The first contradiction is the one that is told. */
function end(state: State, contradiction: TrustError): void {
  state.contradiction ??= contradiction;
  state.stopped = true;
}

function isCorrupt(fault: unknown): fault is TrustError {
  return isTrustError(fault) && fault.code === 'LOG_CORRUPT';
}

/** What is superfluous only takes room: nobody is kept waiting for it. */
async function dropPartials({ tiles, log }: IntegratorDeps, written: LogGrowth['writes']): Promise<void> {
  await tiles
    .dropPartials(written)
    .catch((err: unknown) => log.warn('partial tiles were not removed', { err }));
}

interface Loop {
  /** Runs within so many milliseconds, unless it runs already. */
  within(delayMs: number): void;
  /** Waits for a run that is under way, and takes back one that is planned. */
  pause(): Promise<void>;
}

function createLoop(clock: Clock, run: () => Promise<void>): Loop {
  let planned: { readonly timer: NodeJS.Timeout; readonly at: number } | undefined;
  let running: Promise<void> | undefined;
  let again: number | undefined;
  const start = (): void => {
    planned = undefined;
    running = run().finally(() => {
      running = undefined;
      if (again !== undefined) within(again);
      again = undefined;
    });
  };
  const within = (delayMs: number): void => {
    if (running !== undefined) {
      again = Math.min(again ?? delayMs, delayMs);
      return;
    }
    const at = clock.monotonic() + delayMs;
    if (planned !== undefined && planned.at <= at) return;
    clearTimeout(planned?.timer);
    planned = { timer: setTimeout(start, delayMs), at };
  };
  return {
    within,
    pause: async () => {
      while (running !== undefined) {
        again = undefined;
        await running;
      }
      clearTimeout(planned?.timer);
      planned = undefined;
    },
  };
}

interface Waiters {
  wait(size: number, limitMs: number): Promise<boolean>;
  wake(size: number, last: boolean): void;
  areThere(): boolean;
}

function createWaiters(): Waiters {
  const waiting = new Set<{ readonly size: number; readonly done: (reached: boolean) => void }>();
  return {
    wait: (size, limitMs) =>
      new Promise((resolve) => {
        const done = (reached: boolean): void => {
          clearTimeout(limit);
          waiting.delete(waiter);
          resolve(reached);
        };
        const limit = setTimeout(() => done(false), limitMs);
        const waiter = { size, done };
        waiting.add(waiter);
      }),
    wake: (size, last) => {
      for (const waiter of waiting) {
        if (size >= waiter.size) waiter.done(true);
        else if (last) waiter.done(false);
      }
    },
    areThere: () => waiting.size > 0,
  };
}

function asTrustError(fault: unknown): TrustError {
  return isTrustError(fault) ? fault : new TrustError('UNAVAILABLE', 'the log cannot be signed', {}, fault);
}

async function grow(deps: IntegratorDeps, edge: LogEdge, target: number): Promise<LogGrowth> {
  const from = edge.frontier.size;
  const rows = await deps.store.leaves(from, target, CHUNK);
  if (rows.length !== Math.min(target - from, CHUNK) || rows.some((row, i) => row.idx !== from + i)) {
    throw corrupt(`the database has lost events from ${from} on`);
  }
  return growLog(
    deps.hasher,
    edge,
    rows.map((row) => encodeUtf8(row.event)),
  );
}
