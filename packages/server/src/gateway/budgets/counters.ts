/** Counters whose names are `head subject tail`, in one period. */
export interface CounterShelf {
  readonly head: string;
  readonly tail: string;
  readonly period: string;
  /** The end of the period in Unix seconds; 0 if it has none. */
  readonly ends: number;
  /** Of whom, also of those that nothing was counted for; absent: of whomever something was counted for. */
  readonly subjects: readonly string[] | undefined;
}

/** What one counter has. */
export interface CountedUnits {
  /** Which shelf it is of, from 0. */
  readonly shelf: number;
  readonly subject: string;
  readonly used: number;
  /** Of what is used, what this process debited and has not spent. */
  readonly leased: number;
  /** The last mark of the period that was said to be reached, and when in Unix milliseconds. */
  readonly mark: { readonly percent: number; readonly saidMs: number } | undefined;
}

/** Which counters: those after a place, so many at most. */
export interface CounterPage {
  readonly after: Pick<CountedUnits, 'shelf' | 'used' | 'subject'> | undefined;
  readonly count: number;
}

/** What the ledger counted. */
export interface BudgetCounters {
  /** Shelf by shelf, of each the most used first. @throws {TrustError} UNAVAILABLE */
  list(shelves: readonly CounterShelf[], page: CounterPage): Promise<readonly CountedUnits[]>;
}
