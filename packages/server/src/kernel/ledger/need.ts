import { type CallCost, type LimitTake, takesOf, type VerifiedCapability } from '@talosprotocol/protocol';
import { type Period, periodAt } from './period.js';

/** What a call needs of one counter. */
export interface Need extends Period {
  readonly counter: string;
  readonly kind: LimitTake['kind'];
  readonly amount: number;
  /** Most that is let in. */
  readonly allowed: number;
  /** The limit of a link that it is, or the budget of the operator. */
  readonly of: { readonly limit: LimitTake } | { readonly budget: BudgetTake };
}

/** A need of money or tokens. */
export interface HeldNeed extends Need {
  readonly kind: 'cost' | 'tokens';
}

/** What a call takes from a budget of the operator, which counts like a limit. */
export interface BudgetTake extends Period {
  readonly budget: string;
  /** Whom it is counted for. */
  readonly subject: string;
  readonly counter: string;
  readonly kind: 'calls' | 'cost' | 'tokens';
  readonly per: 'total' | 'day' | 'month';
  readonly zone: string;
  readonly allowed: number;
  readonly amount: number;
  readonly currency?: string;
  /** False if what does not fit is counted all the same. */
  readonly isHard: boolean;
  /** Per cent at which it is said that so much is used. */
  readonly warnAt: readonly number[];
}

/** Calls are spent when they are dispatched, whatever they come to. */
export function isHeld(need: Need): need is HeldNeed {
  return need.kind === 'cost' || need.kind === 'tokens';
}

/** What a call at `nowMs` needs of each counter.
 *  @throws {TrustError} POLICY_DENIED: money in a currency that a limit does not count */
export function needsOf(
  capability: VerifiedCapability,
  cost: CallCost,
  budgets: readonly BudgetTake[],
  nowMs: number,
): readonly Need[] {
  const limits = takesOf(capability, cost).map((limit): Need => {
    const { kind, amount, allowed } = limit;
    return { counter: counterOf(limit), kind, amount, allowed, of: { limit }, ...periodAt(limit.per, nowMs) };
  });
  return budgets.length === 0 ? limits : [...limits, ...budgets.map(needOf)];
}

function needOf(budget: BudgetTake): Need {
  const { counter, kind, amount, period, ends, isHard } = budget;
  const allowed = isHard ? budget.allowed : Number.MAX_SAFE_INTEGER;
  return { counter, kind, amount, allowed, period, ends, of: { budget } };
}

/** Neither a `lid` nor a DID holds a space. */
function counterOf({ key, kind, per, currency }: LimitTake): string {
  if (kind === 'calls') return key;
  return `${key} ${kind}${kind === 'cost' ? `:${currency}` : kind === 'rate' ? `:${per}` : ''}`;
}

/** Most calls that one lease is for; of money and tokens, calls like the one that fetches it. */
const LEASED_CALLS = { calls: 256, rate: 256, cost: 64, tokens: 64 } as const;

/** Most units that are fetched at a time. Of a budget that refuses nothing a sixteenth, so that what it says is used is not
 *  much more than what is. */
export function largestOf({ kind, amount, of }: Need): number {
  const most = Math.min(Number.MAX_SAFE_INTEGER, amount * LEASED_CALLS[kind]);
  return 'budget' in of ? Math.min(most, Math.floor(of.budget.allowed / 16)) : most;
}
