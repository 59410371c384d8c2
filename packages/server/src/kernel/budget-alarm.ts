import { createUuidv7, formatTime } from '@talosprotocol/protocol';
import type { Log } from '../platform/log.js';
import type { Metrics } from '../platform/metrics/metrics.js';
import { createOutbox, type Outbox } from '../platform/outbox.js';
import type { Queries, Sql } from '../platform/sql.js';
import type { Clock, Random } from '../platform/system.js';
import type { Webhook } from '../platform/webhook.js';
import type { Events } from './events.js';
import type { BudgetMark } from './ledger/marks.js';
import { ALARM_TABLE } from './outbox-table.js';

export interface BudgetAlarmDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Absent: nobody is told but by record, log and metric. */
  readonly webhook: Webhook | undefined;
}

/** What a webhook is told. */
interface Alarm {
  readonly id: string;
  readonly type: 'budget.reached';
  readonly timestamp: string;
  readonly data: object;
}

/** Says that budgets are used up to a mark. */
export interface BudgetAlarm {
  /** Keeps it on record and for the webhook, with the debit that passed it. */
  onMarks(tx: Queries, marks: readonly BudgetMark[]): Promise<void>;
  /** Tells the webhook what it was not told yet. Call it now and then. */
  drain(): Promise<void>;
}

/** How long a debit takes to be committed, as a rule. */
const DELIVER_MS = 500;

export function createBudgetAlarm(deps: BudgetAlarmDeps, events: Pick<Events, 'budgetReached'>): BudgetAlarm {
  const { metrics, log, webhook } = deps;
  const passed = metrics.counter<'budget' | 'percent'>({
    labels: ['budget', 'percent'],
    name: 'talos_budget_marks_total',
    help: 'Marks that budgets of the policy passed (80 and 100 per cent unless it says others).',
  });
  const record = async (alarm: Alarm): Promise<void> => webhook?.send(alarm.id, alarm);
  const outbox = webhook && createOutbox<Alarm>({ ...deps, table: ALARM_TABLE, record });
  return {
    onMarks: async (tx, marks) => {
      for (const mark of marks) {
        const event = events.budgetReached(mark);
        await event.keep(tx);
        deliverSoon(event.deliver);
        if (outbox !== undefined) await keepAlarm(deps, outbox, tx, mark);
        const { budget } = mark.take;
        log.warn('so much of a budget is used', { budget, percent: mark.percent });
        passed.with({ budget, percent: String(mark.percent) }).add();
      }
    },
    drain: async () => outbox?.drain(),
  };
}

/** Once the debit is committed; what is not found then is found with what was left. */
function deliverSoon(deliver: () => Promise<void>): void {
  setTimeout(() => void deliver().catch(() => undefined), DELIVER_MS).unref();
}

/** Whom a budget counts for is nobody's to know on the way. A receiver that is down for long must not refuse calls. */
async function keepAlarm(
  { clock, random, log }: BudgetAlarmDeps,
  outbox: Outbox<Alarm>,
  tx: Queries,
  { take, percent }: BudgetMark,
): Promise<void> {
  const { budget, kind, allowed, currency = null, per, ends } = take;
  const now = Math.floor(clock.now());
  const alarm: Alarm = {
    id: `alm_${createUuidv7(now, random(16))}`,
    type: 'budget.reached',
    timestamp: formatTime(now),
    data: { budget, kind, percent, allowed, currency, per, ends },
  };
  // What fails here must not fail the debit, nor undo it unseen.
  await tx.query('SAVEPOINT alarm');
  try {
    await outbox.put(tx, [alarm]);
    await tx.query('RELEASE SAVEPOINT alarm');
    deliverSoon(() => outbox.deliver(alarm.id));
  } catch (error) {
    await tx.query('ROLLBACK TO SAVEPOINT alarm');
    log.warn('the webhook is not told of a budget', { budget, err: error });
  }
}
