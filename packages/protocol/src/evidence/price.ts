import type { Cost, EventOf } from '@talosprotocol/contracts';

/** What a call came to in all: what was booked within what was held, and what its provider counted beyond that (AUD-126).
 *  Undefined if it cost nothing. */
export function priceOf({ cost, excess }: Pick<EventOf<'outcome'>, 'cost' | 'excess'>): Cost | undefined {
  if (cost === undefined || excess === undefined) return cost ?? excess;
  // Each is exact by itself; a sum beyond that is of no real price.
  return { ...cost, amount: Math.min(cost.amount + excess.amount, Number.MAX_SAFE_INTEGER) };
}
