import type { Budget, BudgetCounter, BudgetPeriod, BudgetStatus } from '@talosprotocol/contracts';
import { formatTime, TrustError } from '@talosprotocol/protocol';
import { createCalendar } from './calendar.js';
import type { BudgetCounters, CountedUnits, CounterPage } from './counters.js';
import { type DeclaredBudgets, type Shelf, shelvesOf, subjectsOf } from './shelf.js';
import { decodeStatusCursor, encodeStatusCursor } from './status-cursor.js';
import { WARN_AT } from './take.js';

/** Which counters are asked for. */
export interface StatusQuery {
  /** The name of one budget. */
  readonly budget: string | undefined;
  /** For whom the budgets are to count. */
  readonly principal: string | undefined;
  readonly cursor: string | undefined;
  readonly limit: number;
}

/** What of the budgets in force is used, and what is left, at a moment (BUD-9).
 *  @throws {TrustError} NOT_FOUND: no budget of that name | MALFORMED: a cursor that is none of these budgets | UNAVAILABLE */
export async function statusOf(
  declared: DeclaredBudgets,
  counters: BudgetCounters,
  { budget: name, principal, cursor, limit }: StatusQuery,
  nowMs: number,
): Promise<BudgetStatus> {
  const named = (declared.budgets ?? []).filter((budget) => name === undefined || budget.name === name);
  if (name !== undefined && named.length === 0)
    throw new TrustError('NOT_FOUND', `the policy has no budget ${name}`);
  const budgets = named.filter((budget) => subjectsOf(budget, declared, principal)?.length !== 0);
  const shelves = budgets.flatMap((budget) => shelvesOf(budget, declared, nowMs, principal));
  const after = cursor === undefined ? undefined : placeOf(cursor, shelves);
  const found = await counters.list(shelves, { after, count: limit + 1 });
  const shown = found.slice(0, limit).map((units) => counterOf(shelves[units.shelf] as Shelf, units));
  const last = shown.at(-1);
  return {
    at: formatTime(nowMs),
    budgets: budgets.map((budget) => periodOf(budget, nowMs)),
    counters: shown,
    next: found.length > limit && last !== undefined ? encodeStatusCursor(last) : null,
  };
}

function placeOf(cursor: string, shelves: readonly Shelf[]): CounterPage['after'] {
  const { budget, kind, used, subject } = decodeStatusCursor(cursor);
  const shelf = shelves.findIndex(({ counts }) => counts.budget === budget && counts.kind === kind);
  if (shelf < 0) throw new TrustError('MALFORMED', 'the cursor is of a budget that is not asked for');
  return { shelf, used, subject };
}

function counterOf({ counts }: Shelf, { subject, used, leased, mark }: CountedUnits): BudgetCounter {
  const { limit } = counts;
  return {
    ...counts,
    subject,
    used,
    leased,
    left: Math.max(0, limit - used),
    percent: Number((BigInt(used) * 100n) / BigInt(limit)),
    mark: mark === undefined ? null : { percent: mark.percent, said: formatTime(mark.saidMs) },
  };
}

function periodOf(budget: Budget, nowMs: number): BudgetPeriod {
  const { name, for: whom = 'all', mode = 'hard', surface, model, server, per, zone = 'UTC' } = budget;
  const calendar = createCalendar(per, zone);
  const time = (seconds: number): string | null => (per === 'total' ? null : formatTime(seconds * 1000));
  return {
    ...{ name, for: whom, mode, per, zone },
    ...(surface === undefined ? {} : { surface }),
    ...(model === undefined ? {} : { model }),
    ...(server === undefined ? {} : { server }),
    starts: time(calendar.startOf(nowMs)),
    ends: time(calendar.endOf(nowMs)),
    warn_at: [...(budget.warnAt ?? WARN_AT)],
  };
}
