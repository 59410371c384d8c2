import type { HeldNeed, Need } from './need.js';

/** Holds of calls that have ended, and are settled as soon as that is on record: who lacks what they give back waits a moment for it. */
export interface Endings {
  /** Tells that what was held for these is about to be settled; to be called once it was, or never will be. */
  begin(needs: readonly HeldNeed[]): () => void;
  /** Settles once those of this counter were, or after two seconds; undefined if they hold fewer than so many units. */
  waitFor(need: Need, units: number): Promise<void> | undefined;
}

interface Ending {
  readonly units: number;
  readonly done: Promise<void>;
}

/** The log takes some 200 ms for an outcome, and longer where much is to do. */
const MOST_MS = 2_000;

export function createEndings(): Endings {
  const endings = new Map<string, Set<Ending>>();
  return {
    begin: (needs) => {
      let resolve = (): void => undefined;
      const done = new Promise<void>((end) => {
        resolve = end;
      });
      const begun = needs.map((need) => [nameOf(need), { units: need.amount, done }] as const);
      for (const [name, ending] of begun) {
        const all = endings.get(name) ?? new Set();
        endings.set(name, all.add(ending));
      }
      return () => {
        for (const [name, ending] of begun) {
          const all = endings.get(name);
          all?.delete(ending);
          if (all?.size === 0) endings.delete(name);
        }
        resolve();
      };
    },
    waitFor: (need, units) => {
      const all = [...(endings.get(nameOf(need)) ?? [])];
      if (all.reduce((sum, ending) => sum + ending.units, 0) < Math.max(1, units)) return undefined;
      return within(MOST_MS, Promise.all(all.map(({ done }) => done)));
    },
  };
}

async function within(ms: number, done: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, late]);
  clearTimeout(timer);
}

function nameOf({ counter, period, ends }: Need): string {
  return `${ends} ${period} ${counter}`;
}
