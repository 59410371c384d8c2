import type { Corrections } from './corrections.js';
import type { Endings } from './endings.js';
import type { Leases } from './leases.js';
import type { BudgetMark, Marks } from './marks.js';
import type { HeldNeed } from './need.js';

/** What a call holds of limits of money and tokens until it is known what it came to. */
export interface Hold {
  /** Of budgets that are used up to a mark: the highest that was reached. */
  readonly warnings: readonly BudgetWarning[];
  /** Counts what the call took in place of what was held for it; what is not said is what was held. More than that is
   *  counted too. A second time it changes nothing. What is never settled stays spent, and so does this if `after`, for which it waits,
   *  is rejected. */
  settle(spent: SpentUnits, after?: Promise<unknown>): Promise<void>;
}

export interface BudgetWarning {
  readonly budget: string;
  readonly percent: number;
}

/** What a call took in the end; what is not said is what was held. */
export interface SpentUnits {
  /** Micro-units of the currency that was held. */
  readonly cost?: number;
  readonly tokens?: number;
}

/** Where units go that a process has debited. */
export interface Book {
  readonly leases: Leases;
  readonly corrections: Corrections;
  readonly marks: Marks;
  readonly endings: Endings;
  /** Then no unit is kept any more. */
  isClosed(): boolean;
}

export function createHold(
  { leases, corrections, endings, isClosed }: Omit<Book, 'marks'>,
  needs: readonly HeldNeed[],
  marks: readonly BudgetMark[],
): Hold {
  let isSettled = false;
  const settle = (spent: SpentUnits): Promise<void> => {
    if (isSettled) return Promise.resolve();
    isSettled = true;
    for (const need of needs) {
      const rest = need.amount - (spent[need.kind] ?? need.amount);
      const { counter, period, ends } = need;
      const units =
        rest < 0 ? rest + leases.takeUpTo(need, -rest) : isClosed() ? rest : leases.restore(need, rest);
      if (units !== 0) corrections.add({ counter, period, ends, units });
    }
    return corrections.write();
  };
  return {
    warnings: marks.map(({ take: { budget }, percent }) => ({ budget, percent })),
    settle: async (spent, after) => {
      checkSpent(spent);
      const end = endings.begin(needs);
      try {
        await after;
        await settle(spent);
      } finally {
        end();
      }
    },
  };
}

function checkSpent(spent: SpentUnits): void {
  for (const units of [spent.cost, spent.tokens]) {
    if (units !== undefined && !(Number.isSafeInteger(units) && units >= 0))
      throw new RangeError('what was spent is a whole number, and not less than nothing');
  }
}
