import { TrustError } from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';

/** Work that follows an answer: recording outcomes. Bounded: a call that may run has its place here already, so
 *  that no outcome is ever dropped for want of room. */
export interface OutcomeQueue {
  /** @throws {TrustError} UNAVAILABLE when so many calls run or wait for their record */
  reserve(): OutcomePlace;
  /** Waits until everything handed in is done, at most `limitMs`. True if nothing is left. */
  drain(limitMs: number): Promise<boolean>;
  /** Waits for nothing and tries nothing again from here on: what records can not come back in this process. */
  giveUp(): void;
  readonly size: number;
}

/** One reserved place: used once or given back. */
export interface OutcomePlace {
  /** Runs `work` after the current turn, again with growing pauses while it fails. */
  follow(work: () => Promise<void>): void;
  giveBack(): void;
}

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 5_000;

/** Builds the queue. Work that keeps failing keeps its place: with the sink down, calls end up refused. */
export function createOutcomeQueue(max: () => number, log: Log): OutcomeQueue {
  let taken = 0;
  let closed = false;
  const idle = new Set<() => void>();
  const free = (): void => {
    taken -= 1;
    if (taken === 0) for (const tell of idle) tell();
  };
  const attempt = async (work: () => Promise<void>, pauseMs: number): Promise<void> => {
    try {
      await work();
      free();
    } catch (error) {
      log.error('an outcome could not be recorded', { err: error });
      // After a drain that was too long, or without a database, the next start finds the call without an outcome and records it as lost.
      if (closed) return free();
      setTimeout(() => void attempt(work, Math.min(MAX_PAUSE_MS, pauseMs * 2)), pauseMs).unref();
    }
  };
  return {
    get size() {
      return taken;
    },
    reserve() {
      if (taken >= max()) {
        throw new TrustError('UNAVAILABLE', 'too many calls run or wait for their record');
      }
      taken += 1;
      return createPlace(free, (work) => void attempt(work, FIRST_PAUSE_MS));
    },
    drain: (limitMs) =>
      new Promise((resolve) => {
        const finish = (): void => {
          clearTimeout(timer);
          idle.delete(finish);
          closed = true;
          resolve(taken === 0);
        };
        const timer = setTimeout(finish, limitMs);
        idle.add(finish);
        if (taken === 0 || closed) finish();
      }),
    giveUp: () => {
      closed = true;
      for (const tell of idle) tell();
    },
  };
}

function createPlace(free: () => void, start: (work: () => Promise<void>) => void): OutcomePlace {
  let used = false;
  return {
    follow(work) {
      used = true;
      setImmediate(() => start(work));
    },
    giveBack() {
      if (used) return;
      used = true;
      free();
    },
  };
}
