import type { Log } from '../platform/log.js';
import type { Metrics } from '../platform/metrics/metrics.js';
import type { Queries } from '../platform/sql.js';
import type { Events } from './events.js';
import type { BudgetMark } from './ledger/marks.js';

/** How long a debit takes to be committed, as a rule. */
const DELIVER_MS = 500;

/** Says that budgets are used up to a mark: on record with the debit that passed it, in the log of the process, as a metric. */
export function createBudgetAlarm(
  { metrics, log }: { readonly metrics: Metrics; readonly log: Log },
  events: Pick<Events, 'budgetReached'>,
): (tx: Queries, marks: readonly BudgetMark[]) => Promise<void> {
  const passed = metrics.counter<'budget' | 'percent'>({
    labels: ['budget', 'percent'],
    name: 'talos_budget_marks_total',
    help: 'Marks that budgets of the policy passed (80 and 100 per cent unless it says others).',
  });
  return async (tx, marks) => {
    for (const mark of marks) {
      const event = events.budgetReached(mark);
      await event.keep(tx);
      // Once the debit is committed; what is not found then is found with what was left.
      setTimeout(() => void event.deliver().catch(() => undefined), DELIVER_MS).unref();
      const { budget } = mark.take;
      log.warn('so much of a budget is used', { budget, percent: mark.percent });
      passed.with({ budget, percent: String(mark.percent) }).add();
    }
  };
}
