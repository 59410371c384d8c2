import type { Cost } from '@talosprotocol/contracts';
import { type LimitEntry, limitsOf } from '../capability/limits.js';
import type { VerifiedCapability } from '../capability/verified.js';
import { notProven } from './not-proven.js';

/** Counts allowed calls, and what they hold, against the limits their links state. */
export interface LimitCounts {
  /** Gives back what turned out not to be spent of what was held, once.
   *  @throws {TrustError} PROOF_NOT_PROVEN: more than a link allows in all */
  count(capability: VerifiedCapability, held: Cost | undefined): (unspent: number) => void;
}

/** Counts from the log's first event on, so only limits with `per` `total` can be recounted (AUD-22). An outcome is logged
 *  before the ledger counts it in the place of what was held, so the ledger never counts less than this. */
export function createLimitCounts(): LimitCounts {
  const counts = new Map<string, number>();
  return {
    count: (capability, held) => {
      const spent: string[] = [];
      for (const entry of limitsOf(capability)) {
        const amount = amountOf(entry, held);
        if (amount === 0 || entry.per !== 'total') continue;
        const key = `${entry.key} ${entry.kind} ${entry.currency}`;
        const count = (counts.get(key) ?? 0) + amount;
        if (count > entry.allowed) throw exceeded(entry, count);
        counts.set(key, count);
        if (entry.kind === 'cost') spent.push(key);
      }
      return (unspent) => {
        for (const key of spent) counts.set(key, (counts.get(key) as number) - unspent);
      };
    },
  };
}

function amountOf({ kind, currency }: LimitEntry, held: Cost | undefined): number {
  if (kind === 'calls') return 1;
  return kind === 'cost' && held?.currency === currency ? (held as Cost).amount : 0;
}

function exceeded({ kind, link, allowed, currency }: LimitEntry, count: number) {
  const what =
    kind === 'calls'
      ? `call ${count} was allowed`
      : `calls that cost ${count} ${currency} micro-units were allowed`;
  return notProven('limits', `${what} though link ${link} allows ${allowed}`);
}
