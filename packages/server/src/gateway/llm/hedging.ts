import type { Metrics } from '../../platform/metrics/metrics.js';
import type { Hedge } from '../admission/call.js';
import type { AliasPolicy } from './alias.js';

/** Bounds how many calls of an alias are made of two models at a time (LLM-35). */
export interface Hedging {
  /** What there is for one request; undefined if the alias wants none. */
  of(alias: AliasPolicy): Hedge | undefined;
}

/** Of so many calls one may be, and so many at once after a quiet time: where everything is slow, asking twice must not double
 *  the load, or the bill. */
const CALLS_FOR_ONE = 10;
const MOST_AT_ONCE = 10;

/** What the calls of an alias have earned. */
interface Credit {
  calls: number;
}

export function createHedging(metrics: Metrics): Hedging {
  const hedges = metrics.counter({
    name: 'talos_llm_hedges_total',
    help: 'Requests for which a second model was asked because the first was late, by whose answer was given: first, second or none; withheld: too many had been.',
    labels: ['result'],
  });
  // By the alias itself: another policy begins anew.
  const credits = new WeakMap<AliasPolicy, Credit>();
  const most = MOST_AT_ONCE * CALLS_FOR_ONE;
  return {
    of(alias) {
      const { hedgeAfterMs } = alias;
      if (hedgeAfterMs === undefined) return undefined;
      const credit = credits.get(alias) ?? { calls: most };
      credits.set(alias, credit);
      let isTaken = false;
      return {
        afterMs: hedgeAfterMs,
        begins: () => {
          credit.calls = Math.min(most, credit.calls + 1);
        },
        take() {
          if (isTaken) return false;
          isTaken = credit.calls >= CALLS_FOR_ONE;
          if (isTaken) credit.calls -= CALLS_FOR_ONE;
          else hedges.with({ result: 'withheld' }).add();
          return isTaken;
        },
        isTaken: () => isTaken,
        ended: (by) => hedges.with({ result: by }).add(),
      };
    },
  };
}
