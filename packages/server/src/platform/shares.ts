/** Slots that a bounded number of callers hold at a time, and one address no more than its share of them. */
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
      const own = held.get(address) ?? 0;
      if (all >= bounds.all || own >= bounds.perAddress) return false;
      all += 1;
      held.set(address, own + 1);
      return true;
    },
    give: (address) => {
      const own = held.get(address) ?? 0;
      if (own === 0) return;
      all -= 1;
      if (own === 1) held.delete(address);
      else held.set(address, own - 1);
    },
  };
}
