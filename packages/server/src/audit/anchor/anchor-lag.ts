import type { Clock } from '../../platform/system.js';
import type { ProvenAnchor } from './anchor-store.js';
import type { AnchoredLog } from './anchorer.js';

/** How far the log is ahead of the newest anchor of a place that counts (AUD-40). */
export interface AnchorLag {
  /** To be called again and again: finds out how old the oldest event is that is not anchored, once for each. */
  look(): Promise<void>;
  now(): { readonly entries: number; readonly seconds: number };
}

export interface AnchorLagDeps {
  readonly anchored: Pick<AnchoredLog, 'size'>;
  readonly clock: Pick<Clock, 'now'>;
  /** The time of an event in ms; undefined if its body is gone. */
  readonly timeOf: (index: number) => Promise<number | undefined>;
  readonly confirmed: () => Pick<ProvenAnchor, 'size' | 'begunMs'> | undefined;
}

export function createAnchorLag({ anchored, clock, timeOf, confirmed }: AnchorLagDeps): AnchorLag {
  const startedMs = clock.now();
  let oldest: { readonly index: number; readonly ms: number } | undefined;
  /** When everything was anchored last. */
  let clearMs = Number.NEGATIVE_INFINITY;
  /** Where the time is not known, the latest moment at which there was no such event. */
  const boundMs = (): number => Math.max(confirmed()?.begunMs ?? startedMs, clearMs);
  return {
    look: async () => {
      const index = confirmed()?.size ?? 0;
      if (anchored.size() <= index) clearMs = clock.now();
      else if (oldest?.index !== index) oldest = { index, ms: (await timeOf(index)) ?? boundMs() };
    },
    now: () => {
      const index = confirmed()?.size ?? 0;
      const entries = anchored.size() - index;
      if (entries === 0) return { entries, seconds: 0 };
      const since = oldest?.index === index ? oldest.ms : boundMs();
      return { entries, seconds: Math.max(0, Math.floor((clock.now() - since) / 1000)) };
    },
  };
}
