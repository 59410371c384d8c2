import type { Clock } from '../../platform/system.js';

/** Says whether ages can be believed: a clock that jumps makes young events old. */
export interface SteadyClock {
  /** False after a jump, or a long silence of the log, until the clock has run evenly for a day. */
  isSteady(): boolean;
}

/** Why nothing is done by age meanwhile. */
export const DOUBT = 'the clock jumped, or the log was silent for long: no age is believed for a day';

/** Beyond what a clock is corrected by. */
const JUMP_MS = 300_000;
/** A log that said nothing for longer, before this start, may have slept; or the clock was set. */
const SILENCE_MS = 7 * 86_400_000;
const DOUBT_MS = 86_400_000;

/** `lastMs` is the time of the last event before this start. */
export function createSteadyClock(clock: Clock, lastMs: number): SteadyClock {
  let anchor = { wall: clock.now(), run: clock.monotonic() };
  let doubtUntil = Math.abs(anchor.wall - lastMs) > SILENCE_MS ? anchor.run + DOUBT_MS : anchor.run;
  return {
    isSteady: () => {
      const [wall, run] = [clock.now(), clock.monotonic()];
      if (Math.abs(wall - anchor.wall - (run - anchor.run)) > JUMP_MS) doubtUntil = run + DOUBT_MS;
      anchor = { wall, run };
      return run >= doubtUntil;
    },
  };
}
