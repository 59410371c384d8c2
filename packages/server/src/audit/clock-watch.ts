import { CHAIN_LIMITS } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import type { Log } from '../platform/log.js';
import type { Clock } from '../platform/system.js';

/** Notices that the clock is behind the newest event: it was ahead, or was set back. Until it is there again every event
 *  gets the time of that one (AUD-124). */
export interface ClockWatch {
  start(): void;
  stop(): void;
  /** Milliseconds; 0 while the clock is not behind. */
  behindMs(): number;
  /** @throws {TrustError} UNAVAILABLE: it is behind by more than the skew that is forgiven */
  assertSound(): void;
}

export interface ClockWatchDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** The time of the newest event, in Unix milliseconds; 0 while there is none. */
  readonly newestMs: () => number;
}

const PERIOD_MS = 1_000;
/** A clock that is kept right is not corrected by more. */
const TOLD_MS = 5_000;
const BOUND_MS = CHAIN_LIMITS.skewSeconds * 1_000;

/** Said once when the clock is behind, and once when it is not any more. */
export function createClockWatch({ clock, log, newestMs }: ClockWatchDeps): ClockWatch {
  let timer: NodeJS.Timeout | undefined;
  let isTold = false;
  const behindMs = (): number => Math.max(0, newestMs() - clock.now());
  const look = (): void => {
    const behind = behindMs();
    if (behind > TOLD_MS && !isTold) {
      log.error('the clock is behind the newest event of the log', { durationMs: behind, hint: CLOCK_HINT });
      isTold = true;
    } else if (behind === 0 && isTold) {
      log.info('the clock is no longer behind the newest event of the log');
      isTold = false;
    }
  };
  return {
    start: () => {
      look();
      timer = setInterval(look, PERIOD_MS).unref();
    },
    stop: () => clearInterval(timer),
    behindMs,
    assertSound: () => {
      const behind = behindMs();
      if (behind <= BOUND_MS) return;
      throw new TrustError('UNAVAILABLE', whatIsBehind(behind), { hint: CLOCK_HINT });
    },
  };
}

/** What to do about a clock that is behind. */
export const CLOCK_HINT =
  'set the clock of the machine that writes the log; if it is right now it was ahead before: events get the time it had reached until it is there again';

/** Names the clock, and by how much it is behind. */
export function whatIsBehind(ms: number): string {
  return `the clock is ${Math.ceil(ms / 1_000)} s behind the newest event of the log`;
}
