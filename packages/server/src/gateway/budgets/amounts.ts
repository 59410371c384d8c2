import type { Budget } from '@talosprotocol/contracts';
import { parseTime } from '@talosprotocol/protocol';

/** How much a budget allows. */
export type Amounts = Pick<Budget, 'cost' | 'tokens' | 'calls'>;

/** Tells how much a budget allows at a moment: other amounts while its override is in force (BUD-5). */
export function createAmounts(budget: Budget): (nowMs: number) => Amounts {
  const { override } = budget;
  const until = override === undefined ? 0 : parseTime(override.until);
  return (nowMs) => (nowMs < until ? { ...budget, ...override } : budget);
}
