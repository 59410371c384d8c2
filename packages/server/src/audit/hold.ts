import { setTimeout as sleep } from 'node:timers/promises';
import { isTrustError } from '@talosprotocol/protocol';
import type { Log } from '../platform/log.js';
import type { Clock } from '../platform/system.js';
import type { Lead } from './lead.js';

/** The lead as far as it is held. After a failure nobody knows what was written: then the log is taken again, which
 *  reads where it ends. */
export interface Hold {
  readonly lead: Lead;
  /** False while nobody knows whether the log can be written. */
  isUp(): boolean;
  /** Gives up the lead and takes it again; false if that did not work within the time. */
  takeAgain(limitMs: number): Promise<boolean>;
  /** As takeAgain, until it works or cannot work any more. */
  takeAgainAtLast(): Promise<void>;
  /** Tries no more: what the log is kept in is gone. */
  giveUp(): void;
  close(): Promise<void>;
}

export interface HoldDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** @throws {TrustError} while it is not possible; LOG_CORRUPT: it never will be */
  readonly take: () => Promise<Lead>;
  /** Told when the lead is lost, also while nothing is written. */
  readonly onLost: () => void;
}

const PAUSE_MS = 100;
const ROUND_MS = 5_000;

export function createHold(deps: HoldDeps, first: Lead): Hold {
  let lead = first;
  let up = true;
  let ended = false;
  let told = false;
  const watch = (held: Lead): void => {
    void held.session.lost.then(() => {
      if (held === lead && !ended) deps.onLost();
    });
  };
  watch(first);
  const hold = (taken: Lead): void => {
    lead = taken;
    watch(lead);
    up = true;
    if (told) deps.log.info('the log is taken again');
    told = false;
  };
  const missed = (error: unknown): void => {
    // Tried again every moment: said once until it works.
    if (!told) deps.log.warn('the log cannot be taken; it is tried again', { err: error });
    told = true;
    ended ||= isTrustError(error) && error.code === 'LOG_CORRUPT';
  };
  const takeAgain = async (limitMs: number): Promise<boolean> => {
    const limit = deps.clock.monotonic() + limitMs;
    up = false;
    await lead.close();
    while (!ended && deps.clock.monotonic() < limit) {
      try {
        const taken = await deps.take();
        if (!ended) hold(taken);
        // Who closed the hold meanwhile knew the old lead only.
        else await taken.close();
        return up;
      } catch (error) {
        missed(error);
        await sleep(PAUSE_MS);
      }
    }
    return false;
  };
  return {
    get lead() {
      return lead;
    },
    isUp: () => up && !ended && !lead.isLost(),
    takeAgain,
    takeAgainAtLast: async () => {
      while (!up && !ended) await takeAgain(ROUND_MS);
    },
    giveUp: () => {
      ended = true;
    },
    close: async () => {
      ended = true;
      await lead.close();
    },
  };
}
