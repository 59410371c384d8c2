import type { CallCost } from '@talosprotocol/protocol';
import type { BudgetedCall, BudgetPolicy } from './budget.js';
import type { BudgetTake } from './take.js';

/** What a call takes from budgets.
 *  @throws {TrustError} POLICY_DENIED: it costs money of another currency than a hard one counts */
export function takesOfBudgets(
  budgets: readonly BudgetPolicy[],
  call: BudgetedCall,
  cost: CallCost,
  nowMs: number,
): readonly BudgetTake[] {
  if (budgets.length === 0) return NONE;
  return budgets.flatMap((budget) =>
    budget.subjectsOf(call).flatMap((subject) => budget.takesOf(subject, cost, nowMs)),
  );
}

const NONE: readonly BudgetTake[] = [];

/** Budgets that refuse, and that count money or tokens of a call. */
export function meteringBudgets(
  budgets: readonly BudgetPolicy[],
  call: BudgetedCall,
): readonly BudgetPolicy[] {
  return budgets.filter(
    (budget) => budget.mode === 'hard' && budget.isMetered && budget.subjectsOf(call).length > 0,
  );
}
