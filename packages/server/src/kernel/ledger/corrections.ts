import type { Rest } from './leases.js';

/** What counters are to be corrected by: units that go back, and units that were spent without being debited. Those
 *  of calls that end at a time are written together. */
export interface Corrections {
  /** Notes that so many units go back, or, of a negative number, are owed. */
  add(rest: Rest): void;
  /** Writes what was noted; rejects if that failed. What is owed is then written with the next; what was to go back
   *  stays spent, as nobody knows whether it went. */
  write(): Promise<void>;
}

export function createCorrections(giveBack: (rests: readonly Rest[]) => Promise<void>): Corrections {
  let noted = new Map<string, Rest>();
  let last: Promise<unknown> = Promise.resolve();
  let next: Promise<void> | undefined;
  const add = (rest: Rest): void => {
    const name = `${rest.ends} ${rest.period} ${rest.counter}`;
    noted.set(name, { ...rest, units: rest.units + (noted.get(name)?.units ?? 0) });
  };
  const writeAll = async (): Promise<void> => {
    const rests = [...noted.values()].filter(({ units }) => units !== 0);
    noted = new Map();
    if (rests.length === 0) return;
    try {
      await giveBack(rests);
    } catch (error) {
      for (const rest of rests) if (rest.units < 0) add(rest);
      throw error;
    }
  };
  return {
    add,
    write: () => {
      if (next !== undefined) return next;
      if (noted.size === 0) return Promise.resolve();
      const begin = (): Promise<void> => {
        next = undefined;
        return writeAll();
      };
      next = last.then(begin, begin);
      last = next;
      return next;
    },
  };
}
