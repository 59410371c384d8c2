import { isAway } from './status.js';
import type { UpstreamAnswer, UpstreamFailure } from './upstream.js';

/** How long a model is left to others that said it is busy (LLM-12). It still answers whoever asks for it by its name. */
export interface Cooldown {
  /** True while it is left alone, and while one call tries whether it is well again. */
  isOn(): boolean;
  /** A call of the model begins: the first one after its time is the one that tries. To be told what came of it, or that
   *  nothing did. */
  begin(): (came: UpstreamAnswer | UpstreamFailure | undefined) => void;
}

/** What it says itself is heard, but not for longer: who limits by the day may be asked again each minute. */
const MOST_MS = 60_000;
/** If it does not say how long: so long at first, and twice as long each time that it is still busy. */
const FIRST_MS = 2_000;
/** Also who says that it may be asked at once has just said that it cannot answer. */
const LEAST_MS = 1_000;

/** `monotonic` in milliseconds. */
export function createCooldown(monotonic: () => number): Cooldown {
  let until: number | undefined;
  let times = 0;
  let isTried = false;
  /** How often it has said so. */
  let said = 0;
  const rest = (retryAfter: number | undefined): void => {
    said += 1;
    const now = monotonic();
    const isNew = until === undefined || now >= until;
    // Calls that were under way together have heard the same thing.
    if (!isNew && retryAfter === undefined) return;
    const ms =
      retryAfter === undefined ? FIRST_MS * 2 ** Math.min(times, 10) : Math.max(LEAST_MS, retryAfter * 1000);
    until = Math.max(until ?? 0, now + Math.min(MOST_MS, ms));
    if (isNew) times += 1;
  };
  return {
    isOn: () => until !== undefined && (isTried || monotonic() < until),
    begin() {
      const tries = until !== undefined && !isTried && monotonic() >= until;
      if (tries) isTried = true;
      const heard = said;
      return (came) => {
        if (tries) isTried = false;
        if (came?.kind !== 'answer') return;
        if (isBusy(came)) return rest(came.retryAfter);
        // What had begun before it said so says nothing of how it is since.
        if (isAway(came.status) || heard !== said) return;
        until = undefined;
        times = 0;
      };
    },
  };
}

function isBusy({ status, retryAfter }: UpstreamAnswer): boolean {
  return status === 429 || ((status === 503 || status === 529) && retryAfter !== undefined);
}
