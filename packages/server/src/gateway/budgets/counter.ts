import type { BudgetTake } from './take.js';

/** What the counters of a budget have in common that count one thing. */
export interface CounterNames {
  readonly budget: string;
  readonly kind: BudgetTake['kind'];
  /** Of money. */
  readonly currency: string | undefined;
  readonly zone: string;
}

/** The name of the counter of one subject: `head subject tail`. Only a subject may have spaces. */
export function counterOf(subject: string, names: CounterNames): string {
  return `${headOf(names)} ${subject} ${tailOf(names)}`;
}

/** Each day and month is counted by itself: a clock that is ahead for a while leaves what is used of this one as it is. `ends` in
 *  Unix seconds, 0 for what has no end. */
export function periodOf(per: BudgetTake['per'], ends: number): Pick<BudgetTake, 'period' | 'ends'> {
  return { period: ends === 0 ? per : `${per}:${ends}`, ends };
}

export function headOf({ budget }: Pick<CounterNames, 'budget'>): string {
  return `budget:${budget}`;
}

export function tailOf({ kind, currency, zone }: Omit<CounterNames, 'budget'>): string {
  return `${kind}${kind === 'cost' ? `:${currency}` : ''} ${zone}`;
}
