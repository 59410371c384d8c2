import { TrustError } from '@talosprotocol/protocol';

/** Decides when a tool server that ended may be started again. */
export interface Restarts {
  /** @throws {TrustError} UNAVAILABLE before the back-off is over */
  assertMayStart(): void;
  /** It could not be started, or it ended by itself after `aliveMs`. */
  failed(aliveMs: number): void;
  readonly failures: number;
}

const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 30_000;
/** From so many failures in a row on it is a crash loop: one try a minute. */
export const CRASH_LOOP = 6;
const CRASH_LOOP_DELAY_MS = 60_000;
/** Whoever lived this long did not fail in a row. */
const HEALTHY_MS = 60_000;

/** The first restart is at once; the delay before each further one doubles, up to the crash loop breaker. */
export function createRestarts(server: string, monotonic: () => number): Restarts {
  let failures = 0;
  let notBefore = 0;
  return {
    get failures() {
      return failures;
    },
    assertMayStart() {
      const left = Math.ceil(notBefore - monotonic());
      if (left <= 0) return;
      throw new TrustError('UNAVAILABLE', `the tool server ${server} keeps failing`, {
        hint: `it is tried again in ${left} ms; the log of the gateway says why it fails`,
      });
    },
    failed(aliveMs) {
      failures = aliveMs >= HEALTHY_MS ? 1 : failures + 1;
      notBefore = monotonic() + delayAfter(failures);
    },
  };
}

function delayAfter(failures: number): number {
  if (failures >= CRASH_LOOP) return CRASH_LOOP_DELAY_MS;
  return failures <= 1 ? 0 : Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 2));
}
