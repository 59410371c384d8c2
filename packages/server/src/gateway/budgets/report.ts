import type { BudgetWarning } from './take.js';

/** `X-Talos-Budget`: budgets that are used up to a mark, each as `"name";used=80`. */
export function budgetHeaders(
  warnings: readonly BudgetWarning[] | undefined,
): Readonly<Record<string, string>> {
  if (warnings === undefined) return {};
  const highest = new Map<string, number>();
  for (const { budget, percent } of warnings)
    highest.set(budget, Math.max(percent, highest.get(budget) ?? 0));
  const shown = [...highest].map(([budget, percent]) => `"${budget}";used=${percent}`);
  return { 'x-talos-budget': shown.join(', ') };
}
