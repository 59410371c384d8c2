/** What a call takes from a budget of the policy. */
export interface BudgetTake {
  readonly budget: string;
  /** Whom it is counted for. */
  readonly subject: string;
  /** What it is counted under. */
  readonly counter: string;
  readonly kind: 'calls' | 'cost' | 'tokens';
  /** When it is counted, and the end of that in Unix seconds; 0 if it has none. */
  readonly period: string;
  readonly ends: number;
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

/** So much of a budget is used. */
export interface BudgetWarning {
  readonly budget: string;
  readonly percent: number;
}

/** Per cent at which it is said that so much is used, where the policy does not say otherwise. */
export const WARN_AT: readonly number[] = [80, 100];
