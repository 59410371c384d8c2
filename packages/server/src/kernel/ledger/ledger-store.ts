import type { Queries, Sql, SqlValue } from '../../platform/sql.js';
import type { Rest } from './leases.js';
import type { MonthStart } from './period.js';

/** What is to be debited from one counter. */
export interface Debit {
  /** What is counted under which link or anchor. */
  readonly counter: string;
  readonly period: string;
  /** Of a rate or a budget: the end of its window, day or month in Unix seconds; else 0. */
  readonly ends: number;
  /** Most units in the period. */
  readonly allowed: number;
  /** Units that are needed. */
  readonly amount: number;
  /** Most units to take from a counter of which much is left, if that is more. */
  readonly largest: number;
  /** The second link's `lid`, for a counter of that link or one below it. The others are of the anchor and the root: their
   *  number is in nobody's hands who was delegated to. */
  readonly branch?: string | undefined;
}

/** One transaction of the ledger. */
export interface DebitRequest {
  /** The root link's `lid`. */
  readonly root: string;
  /** Most counters below it, and below one second link; those without a branch are always let in. */
  readonly maxRows: { readonly root: number; readonly branch: number };
  readonly debits: readonly Debit[];
  /** Told, in the transaction, what is used of each then. */
  readonly onUsed?: (tx: Queries, used: readonly number[]) => Promise<void>;
}

/** What a debit came to: the units taken from each counter in the order asked, or the index of the first of which not
 *  enough is left, and what is. */
type DebitOutcome =
  | { readonly taken: readonly number[] }
  | { readonly exhausted: number; readonly left: number }
  | { readonly crowded: true };

/** The ledger's SQL. */
export interface LedgerStore {
  /** Debits every counter or none, in one transaction; durable when it resolves. From each it takes the amount, or a
   *  sixteenth of what is left up to `largest`, whichever is more. */
  debit(request: DebitRequest): Promise<DebitOutcome>;
  /** Gives back what was debited and not spent, and debits, beyond the limit if it must, what was spent and not debited. */
  giveBack(rests: readonly Rest[]): Promise<void>;
  /** Forgets the last windows of rates that ended before this moment, in Unix seconds. */
  forgetRates(before: number): Promise<void>;
  /** Closes days and months that ended before a month began, for good, and forgets those that were closed the time before: what
   *  is forgotten can not be spent again, whatever a clock says later. Not beyond the month before that of the database's clock. */
  forgetPeriods(before: MonthStart): Promise<void>;
}

/** Builds it. `now` is the moment by the clock of the database, in SQL. */
export function createLedgerStore(sql: Sql, now = 'now()'): LedgerStore {
  return {
    debit: (request) => sql.transaction((tx) => debitAll(tx, request)).catch(undoneOrThrow),
    giveBack: async (rests) => {
      await sql.query(GIVE_BACK, columns(rests, ['counter', 'period', 'ends', 'units']));
    },
    forgetRates: async (before) => {
      await sql.query(`DELETE FROM kernel_ledger WHERE period = 'rate' AND ends < $1`, [before]);
    },
    // In this order: a debit that is under way has not seen yet what is closed now.
    forgetPeriods: async ({ month, seconds }) => {
      await sql.query(`DELETE FROM kernel_ledger l USING kernel_ledger_closed f WHERE ${isClosed('l')}`);
      await sql.query(closeText(now), [month, seconds]);
    },
  };
}

/** No further than the clock of the database lets it: one process whose clock is ahead must not close what others count in. */
function closeText(now: string): string {
  const before = `date_trunc('month', ${now} AT TIME ZONE 'UTC') - interval '1 month'`;
  return `UPDATE kernel_ledger_closed SET month = greatest(month, least($1, to_char(${before}, 'YYYY-MM'))),
    seconds = greatest(seconds, least($2, extract(epoch FROM ${before})::bigint))`;
}

/** Rolls the transaction back and carries the answer out of it. */
class Undone extends Error {
  readonly outcome: DebitOutcome;
  constructor(outcome: DebitOutcome) {
    super('the debit was undone');
    this.outcome = outcome;
  }
}

function undoneOrThrow(error: unknown): DebitOutcome {
  if (error instanceof Undone) return error.outcome;
  throw error;
}

/** True of a day or month of limits (`2026-11`) or of budgets (`month:` and its end) that is closed, as `f` has it. */
function isClosed(row: string): string {
  return `${row}.period LIKE '2%' AND ${row}.period < f.month OR ${row}.period LIKE '%:%' AND ${row}.ends < f.seconds`;
}

/** What counts already: a later window of a rate begins at 0, and a process whose clock is behind is counted in the
 *  one that has begun. */
const BASE = '(CASE WHEN excluded.ends > l.ends THEN 0 ELSE l.used END)';
const CHUNK = `greatest(excluded.amount, least(excluded.largest, (excluded.allowed - ${BASE}) / 16))`;

/** One row comes back for each counter that had room. Rows are locked in the order of the key, whoever asks, so that
 *  two debits never wait for each other in a circle; a limit is checked in the statement that changes the row. */
const DEBIT = {
  name: 'kernel-ledger-debit',
  text: `
INSERT INTO kernel_ledger AS l (counter, period, ends, root, branch, allowed, amount, largest, used, taken)
SELECT d.counter, d.period, d.ends, $1, nullif(d.branch, ''), d.allowed, d.amount, d.largest, c.chunk, c.chunk
FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[])
  AS d (counter, period, ends, allowed, amount, largest, branch)
CROSS JOIN LATERAL (SELECT greatest(d.amount, least(d.largest, d.allowed / 16)) AS chunk) AS c
CROSS JOIN kernel_ledger_closed AS f
WHERE d.amount <= d.allowed AND NOT (${isClosed('d')})
ORDER BY d.counter COLLATE "C", d.period COLLATE "C"
ON CONFLICT (counter, period) DO UPDATE SET
  ends = greatest(l.ends, excluded.ends),
  allowed = excluded.allowed,
  amount = excluded.amount,
  largest = excluded.largest,
  used = ${BASE} + ${CHUNK},
  taken = ${CHUNK}
WHERE ${BASE} + excluded.amount <= excluded.allowed
RETURNING l.counter, l.period, l.taken, l.used, (l.xmax = 0) AS created`,
};

interface Debited {
  readonly counter: string;
  readonly period: string;
  readonly taken: number;
  readonly used: number;
  readonly created: boolean;
}

async function debitAll(tx: Queries, { root, maxRows, debits, onUsed }: DebitRequest): Promise<DebitOutcome> {
  const asked = columns(debits, ['counter', 'period', 'ends', 'allowed', 'amount', 'largest']);
  const branches = debits.map(({ branch = '' }) => branch);
  const rows = await tx.query<Debited>(DEBIT, [root, ...asked, branches]);
  const debited = debits.map(({ counter, period }) =>
    rows.find((row) => row.counter === counter && row.period === period),
  );
  const exhausted = debited.indexOf(undefined);
  if (exhausted >= 0) throw new Undone({ exhausted, left: await leftOf(tx, debits[exhausted] as Debit) });
  const made = new Set(rows.filter(({ created }) => created).map(({ counter }) => counter));
  const branch = debits.find((debit) => debit.branch !== undefined && made.has(debit.counter))?.branch;
  if (branch !== undefined && (await isCrowded(tx, { root, branch, maxRows })))
    throw new Undone({ crowded: true });
  const all = debited as Debited[];
  await onUsed?.(
    tx,
    all.map(({ used }) => used),
  );
  return { taken: all.map(({ taken }) => taken) };
}

/** What is used of a counter in per cent. */
export interface MarkedCounter extends Pick<Debit, 'counter' | 'period' | 'ends'> {
  readonly percent: number;
}

/** Notes how much is used; true where that is more than was noted in this period, and the last time it was said lies
 *  behind by a while: what was only held may be given back, and be used again in earnest. */
export async function markCounters(
  tx: Queries,
  marked: readonly MarkedCounter[],
): Promise<readonly boolean[]> {
  const rows = await tx.query<Pick<Debit, 'counter' | 'period'>>(
    MARK,
    columns(marked, ['counter', 'period', 'ends', 'percent']),
  );
  return marked.map(({ counter, period }) =>
    rows.some((row) => row.counter === counter && row.period === period),
  );
}

const MARK = `
WITH marks AS (
  SELECT m.*, CASE WHEN l.marked_ends = m.ends THEN l.marked ELSE 0 END AS was,
    l.marked_ends = m.ends AND l.said >= m.percent AND l.said_at > now() - interval '10 minutes' AS is_said
  FROM unnest($1::text[], $2::text[], $3::bigint[], $4::smallint[]) AS m (counter, period, ends, percent)
  JOIN kernel_ledger l ON l.counter = m.counter AND l.period = m.period AND l.ends = m.ends
), changed AS (
  UPDATE kernel_ledger l SET marked = m.percent, marked_ends = m.ends,
    said = CASE WHEN m.percent > m.was AND NOT m.is_said THEN m.percent ELSE l.said END,
    said_at = CASE WHEN m.percent > m.was AND NOT m.is_said THEN now() ELSE l.said_at END
  FROM marks m WHERE l.counter = m.counter AND l.period = m.period AND l.ends = m.ends
)
SELECT counter, period FROM marks WHERE percent > was AND NOT is_said`;

async function leftOf(tx: Queries, { counter, period, ends, allowed }: Debit): Promise<number> {
  const [row] = await tx.query<{ used: number | null; closed: boolean }>(
    `SELECT l.used, ${isClosed('d')} AS closed
     FROM kernel_ledger_closed f CROSS JOIN (SELECT $1::text AS counter, $2::text AS period, $3::bigint AS ends) AS d
     LEFT JOIN kernel_ledger l ON l.counter = d.counter AND l.period = d.period AND l.ends >= d.ends`,
    [counter, period, ends],
  );
  return row === undefined || row.closed ? 0 : Math.max(0, allowed - (row.used ?? 0));
}

/** Whoever was delegated to makes links with limits as many as it likes: its rows must not leave others without any. */
async function isCrowded(
  tx: Queries,
  { root, branch, maxRows }: Pick<DebitRequest, 'root' | 'maxRows'> & { readonly branch: string },
): Promise<boolean> {
  const [row] = await tx.query<{ in_root: number; in_branch: number }>(
    `SELECT count(*) AS in_root, count(*) FILTER (WHERE branch = $2) AS in_branch FROM kernel_ledger
     WHERE root = $1 AND branch IS NOT NULL`,
    [root, branch],
  );
  const { in_root = 0, in_branch = 0 } = row ?? {};
  return in_root > maxRows.root || in_branch > maxRows.branch;
}

/** Changes rows in the order of the key, like a debit. What was debited in a window that is over is nothing that the
 *  next one owes. */
const GIVE_BACK = {
  name: 'kernel-ledger-give-back',
  text: `
WITH changes AS (
  SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS r (counter, period, ends, units)
), locked AS (
  SELECT l.counter, l.period, c.units FROM kernel_ledger l JOIN changes c USING (counter, period)
  WHERE l.ends = c.ends ORDER BY l.counter COLLATE "C", l.period COLLATE "C" FOR UPDATE OF l)
UPDATE kernel_ledger l SET used = l.used - k.units
FROM locked k WHERE l.counter = k.counter AND l.period = k.period`,
};

/** The arrays that `unnest` makes rows of. */
function columns<T extends object>(rows: readonly T[], names: readonly (keyof T)[]): SqlValue[] {
  return names.map((name) => rows.map((row) => row[name] as SqlValue));
}
