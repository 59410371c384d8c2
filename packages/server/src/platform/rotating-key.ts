import type { KeyStore } from './key-store.js';
import type { Log } from './log.js';
import type { Clock } from './system.js';

/** A key that is replaced from time to time: what was made with the one before is linked to nothing any more. */
export interface RotatingKey {
  /** 32 bytes. */
  current(): Uint8Array;
  stop(): Promise<void>;
}

export interface RotatingKeyDeps {
  readonly keys: Pick<KeyStore, 'loadOrCreateSeed' | 'names' | 'remove'>;
  /** Lowercase letters. */
  readonly name: string;
  /** How long a key is used; asked each time. */
  readonly days: () => number;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  /** How often it is looked whether its time is over; an hour by default. */
  readonly everyMs?: number;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** Opens the key of the period that the clock is in, counted from 1970, and destroys those of other periods: at once, and
 *  again whenever a period is over. A clock that is set back a period makes a new key, which only parts more. */
export async function openRotatingKey(deps: RotatingKeyDeps): Promise<RotatingKey> {
  const { keys, name, days, clock, log, everyMs = HOUR_MS } = deps;
  const isOurs = (key: string): boolean => key === name || new RegExp(`^${name}-[0-9]+$`).test(key);
  let used = '';
  let key = new Uint8Array();
  const turn = async (): Promise<void> => {
    const wanted = `${name}-${Math.floor(clock.now() / (days() * DAY_MS))}`;
    if (wanted !== used) {
      key = Uint8Array.from((await keys.loadOrCreateSeed(wanted)).reveal());
      used = wanted;
    }
    for (const other of await keys.names()) if (isOurs(other) && other !== used) await keys.remove(other);
  };
  await turn();
  let turning: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    turning = turning.then(turn).catch((err: unknown) => log.warn('a key was not replaced', { err }));
  }, everyMs).unref();
  return {
    current: () => key,
    stop: async () => {
      clearInterval(timer);
      await turning;
    },
  };
}
