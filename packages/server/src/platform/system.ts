import { performance } from 'node:perf_hooks';
import { createRandom, type Random } from './random.js';

export type { Random };

/** Time as the rooms see it. Tests hand in their own. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. May step when the machine's clock is set. */
  now(): number;
  /** Milliseconds since some fixed moment; never goes back. For durations and time limits. */
  monotonic(): number;
}

/** The clock of this machine. */
export const clock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
});

/** Randomness of the operating system. */
export const random: Random = createRandom();
