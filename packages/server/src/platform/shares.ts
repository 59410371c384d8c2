import { networkOf } from './client-address.js';

/** Slots that a bounded number of callers hold at a time, and one address (of IPv6: one network) no more than its share
 *  of them. */
export interface Shares {
  /** Takes a slot. False if all are held, or all that this address may hold. */
  take(address: string): boolean;
  /** Gives one back that `take` gave. */
  give(address: string): void;
}

export function createShares(bounds: { readonly all: number; readonly perAddress: number }): Shares {
  const held = new Map<string, number>();
  let all = 0;
  return {
    take: (address) => {
      const place = networkOf(address);
      const own = held.get(place) ?? 0;
      if (all >= bounds.all || own >= bounds.perAddress) return false;
      all += 1;
      held.set(place, own + 1);
      return true;
    },
    give: (address) => {
      const place = networkOf(address);
      const own = held.get(place) ?? 0;
      if (own === 0) return;
      all -= 1;
      if (own === 1) held.delete(place);
      else held.set(place, own - 1);
    },
  };
}
