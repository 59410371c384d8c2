import type { Sql } from '../../platform/sql.js';
import type { Ledger } from './ledger.js';

/** Counters of budgets whose names are `head subject tail`, in one period. */
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

export interface CounterPage {
  readonly after: Pick<CountedUnits, 'shelf' | 'used' | 'subject'> | undefined;
  readonly count: number;
}

/** Tells what counters of budgets have; changes nothing. */
export interface CounterList {
  /** Shelf by shelf, of each the most used first. Counters of periods that are over are not there: their next begins at 0. */
  list(shelves: readonly CounterShelf[], page: CounterPage): Promise<readonly CountedUnits[]>;
}

export interface CounterListDeps {
  readonly sql: Sql;
  readonly ledger: Pick<Ledger, 'leased'>;
}

export function createCounterList({ sql, ledger }: CounterListDeps): CounterList {
  return {
    list: async (shelves, { after, count }) => {
      if (shelves.length === 0) return [];
      const named = shelves.flatMap(({ subjects = [] }, shelf) =>
        subjects.map((subject) => [shelf, subject]),
      );
      const rows = await sql.query<Row>(LIST, [
        shelves.map(({ head }) => head),
        shelves.map(({ tail }) => tail),
        shelves.map(({ period }) => period),
        shelves.map(({ ends }) => ends),
        shelves.map(({ subjects }) => subjects === undefined),
        named.map(([shelf]) => shelf as number),
        named.map(([, subject]) => subject as string),
        after?.shelf ?? -1,
        after?.used ?? 0,
        after?.subject ?? '',
        count,
      ]);
      const leased = ledger.leased(rows);
      return rows.map((row, index) => unitsOf(row, leased[index] ?? 0));
    },
  };
}

interface Row {
  readonly shelf: number;
  readonly subject: string;
  readonly counter: string;
  readonly period: string;
  readonly ends: number;
  readonly used: number;
  readonly said: number;
  readonly said_ms: number;
}

/** What was leased since the counter was read is not in what it said. */
function unitsOf({ shelf, subject, used, said, said_ms }: Row, leased: number): CountedUnits {
  const mark = said > 0 ? { percent: said, saidMs: said_ms } : undefined;
  return { shelf, subject, used, leased: Math.min(leased, used), mark };
}

/** A mark is of this period if one was noted in it. More than a number holds is the most it holds. */
const LIST = {
  name: 'kernel-ledger-list',
  text: `
WITH shelves AS (
  SELECT head, tail, period, ends, is_open, nth::integer - 1 AS shelf
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::boolean[])
    WITH ORDINALITY AS s (head, tail, period, ends, is_open, nth)
), found AS (
  SELECT s.shelf, n.subject, concat_ws(' ', s.head, n.subject, s.tail) AS counter, s.period,
    coalesce(l.ends, s.ends) AS ends, l.used, l.marked_ends, l.said, l.said_at
  FROM unnest($6::integer[], $7::text[]) AS n (shelf, subject) JOIN shelves s USING (shelf)
  LEFT JOIN kernel_ledger l
    ON l.counter = concat_ws(' ', s.head, n.subject, s.tail) AND l.period = s.period AND l.ends >= s.ends
  UNION ALL
  SELECT s.shelf, substr(l.counter, length(s.head) + 2, length(l.counter) - length(s.head) - length(s.tail) - 2),
    l.counter, l.period, l.ends, l.used, l.marked_ends, l.said, l.said_at
  FROM shelves s JOIN kernel_ledger l ON split_part(l.counter, ' ', 1) = s.head AND l.counter LIKE 'budget:%'
  WHERE s.is_open AND l.period = s.period AND l.ends >= s.ends
    AND length(l.counter) > length(s.head) + length(s.tail) + 2
    AND right(l.counter, length(s.tail) + 1) = ' ' || s.tail
), counted AS (
  SELECT shelf, subject, counter, period, ends, said_at,
    least(coalesce(used, 0), ${Number.MAX_SAFE_INTEGER}) AS used,
    CASE WHEN marked_ends = ends THEN said ELSE 0 END AS said
  FROM found
)
SELECT shelf, subject, counter, period, ends, used, said,
  CASE WHEN said > 0 THEN floor(extract(epoch FROM said_at) * 1000)::bigint ELSE 0 END AS said_ms
FROM counted
WHERE (shelf, -used, subject COLLATE "C") > ($8::integer, -$9::bigint, $10::text COLLATE "C")
ORDER BY shelf, used DESC, subject COLLATE "C"
LIMIT $11`,
};
