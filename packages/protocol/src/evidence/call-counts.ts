import { limitsOf } from '../capability/limits.js';
import type { VerifiedCapability } from '../capability/verified.js';
import { notProven } from './not-proven.js';

/** Counts allowed calls against the limits their links state. */
export interface CallCounts {
  /** @throws {TrustError} PROOF_NOT_PROVEN: one call more than a link allows in all */
  count(capability: VerifiedCapability): void;
}

/** Counts from the log's first event on, so only limits with `per` `total` can be recounted (AUD-22). */
export function createCallCounts(): CallCounts {
  const counts = new Map<string, number>();
  return {
    count: (capability) => {
      for (const { key, kind, per, allowed, link } of limitsOf(capability)) {
        if (kind !== 'calls' || per !== 'total') continue;
        const count = (counts.get(key) ?? 0) + 1;
        if (count > allowed)
          throw notProven('limits', `call ${count} was allowed though link ${link} allows ${allowed}`);
        counts.set(key, count);
      }
    },
  };
}
