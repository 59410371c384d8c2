import type { Clock } from './system.js';

/** How long a clock must have run evenly. */
const STEADY_MS = 3_600_000;
/** What it may gain or lose meanwhile, as it is set right bit by bit. */
const DRIFT_MS = 60_000;

/** Tells whether the clock of this machine has run for an hour without being set: what is forgotten by one that is wrong for a while
 *  would be spent, or accepted, again. */
export function createSteadiness(clock: Clock): () => boolean {
  let since = { now: clock.now(), monotonic: clock.monotonic() };
  return () => {
    const at = { now: clock.now(), monotonic: clock.monotonic() };
    const passed = at.monotonic - since.monotonic;
    if (Math.abs(at.now - since.now - passed) > DRIFT_MS) since = at;
    return at.monotonic - since.monotonic >= STEADY_MS;
  };
}
