import type { BudgetTake, Need } from './need.js';

/** So much of a budget is used. */
export interface BudgetMark {
  readonly take: BudgetTake;
  /** Per cent of what is allowed; 0: no mark. */
  readonly percent: number;
}

/** Which marks of their budgets counters have passed, as far as this process knows. */
export interface Marks {
  /** Marks that so much of these counters comes to, where that is another than was known. */
  changed(needs: readonly Need[], used: readonly number[]): readonly BudgetMark[];
  remember(marks: readonly BudgetMark[]): void;
  /** The highest mark that each of these has passed. */
  of(needs: readonly Need[]): readonly BudgetMark[];
}

/** Counters that are known to have passed one. */
const MAX_KNOWN = 10_000;

export function createMarks(): Marks {
  const known = new Map<string, number>();
  const nameOf = ({ counter, ends, allowed }: BudgetTake): string => `${ends} ${allowed} ${counter}`;
  return {
    remember: (marks) => {
      for (const { take, percent } of marks) {
        known.delete(nameOf(take));
        if (percent > 0) known.set(nameOf(take), percent);
        const [oldest] = known.keys();
        if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
      }
    },
    changed: (needs, used) =>
      needs.flatMap(({ of }, index) => {
        if (!('budget' in of)) return [];
        const take = of.budget;
        const percent = markOf(take, used[index] ?? 0);
        return percent === (known.get(nameOf(take)) ?? 0) ? [] : [{ take, percent }];
      }),
    of: (needs) =>
      known.size === 0
        ? []
        : needs.flatMap(({ of }) => {
            const percent = 'budget' in of ? known.get(nameOf(of.budget)) : undefined;
            return 'budget' in of && percent !== undefined ? [{ take: of.budget, percent }] : [];
          }),
  };
}

/** The highest mark that so much has reached; 0 if none. */
function markOf({ allowed, warnAt }: BudgetTake, used: number): number {
  return Math.max(0, ...warnAt.filter((percent) => used >= (allowed / 100) * percent));
}
