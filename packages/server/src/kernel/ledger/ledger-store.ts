import type { Queries, Sql, SqlValue } from '../../platform/sql.js';

/** What is to be debited from one counter. */
interface Debit {
  /** The link's `lid`, or `anchor:` and the anchor's `iss`. */
  readonly counter: string;
  readonly period: string;
  /** Most units in the period. */
  readonly calls: number;
}

/** Bounds of one debit. */
interface DebitBounds {
  /** Most units to take from a counter of which much is left; 1 takes a single unit. */
  readonly largest: number;
  /** Most counters under one root. */
  readonly maxRows: number;
}

/** Units that were debited and not spent. */
export interface Rest {
  readonly counter: string;
  readonly period: string;
  readonly units: number;
}

/** What a debit came to: the units taken from each counter in the order asked, or the indexes of
 *  those that are used up. */
type DebitOutcome =
  | { readonly taken: readonly number[] }
  | { readonly exhausted: readonly number[] }
  | { readonly crowded: true };

/** The ledger's SQL. */
export interface LedgerStore {
  /** Debits every counter or none, in one transaction; durable when it resolves. From each it takes a sixteenth of
   *  what is left, between one unit and `largest`. `root` is the root link's `lid`. */
  debit(root: string, debits: readonly Debit[], bounds: DebitBounds): Promise<DebitOutcome>;
  /** Gives back what was debited and not spent. */
  giveBack(rests: readonly Rest[]): Promise<void>;
  /** Forgets days and months before the month given (`2026-11`). */
  forgetBefore(month: string): Promise<void>;
}

export function createLedgerStore(sql: Sql): LedgerStore {
  return {
    debit: (root, debits, bounds) =>
      sql.transaction((tx) => debitAll(tx, root, debits, bounds)).catch(undoneOrThrow),
    giveBack: async (rests) => {
      await sql.query(GIVE_BACK, columns(rests, ['counter', 'period', 'units']));
    },
    forgetBefore: async (month) => {
      await sql.query(`DELETE FROM kernel_ledger WHERE period <> 'total' AND period < $1`, [month]);
    },
  };
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

/** One row comes back for each counter that had room. Rows are locked in the order of the key, whoever asks, so that
 *  two debits never wait for each other in a circle; a limit is checked in the statement that changes the row. */
const DEBIT = {
  name: 'kernel-ledger-debit',
  text: `
INSERT INTO kernel_ledger AS l (counter, period, root, calls, used, taken)
SELECT d.counter, d.period, $1, d.calls, c.chunk, c.chunk
FROM unnest($2::text[], $3::text[], $4::bigint[]) AS d (counter, period, calls)
CROSS JOIN LATERAL (SELECT greatest(1, least($5::bigint, d.calls / 16)) AS chunk) AS c
ORDER BY d.counter COLLATE "C", d.period COLLATE "C"
ON CONFLICT (counter, period) DO UPDATE SET
  calls = excluded.calls,
  used = l.used + greatest(1, least($5::bigint, (excluded.calls - l.used) / 16)),
  taken = greatest(1, least($5::bigint, (excluded.calls - l.used) / 16))
WHERE l.used < excluded.calls
RETURNING l.counter, l.period, l.taken, (l.xmax = 0) AS created`,
};

interface Debited {
  readonly counter: string;
  readonly period: string;
  readonly taken: number;
  readonly created: boolean;
}

async function debitAll(
  tx: Queries,
  root: string,
  debits: readonly Debit[],
  { largest, maxRows }: DebitBounds,
): Promise<DebitOutcome> {
  const rows = await tx.query<Debited>(DEBIT, [
    root,
    ...columns(debits, ['counter', 'period', 'calls']),
    largest,
  ]);
  const taken = debits.map(
    ({ counter, period }) => rows.find((row) => row.counter === counter && row.period === period)?.taken,
  );
  const exhausted = taken.flatMap((units, index) => (units === undefined ? [index] : []));
  if (exhausted.length > 0) throw new Undone({ exhausted });
  if (rows.some((row) => row.created) && (await countRows(tx, root)) > maxRows)
    throw new Undone({ crowded: true });
  return { taken: taken as number[] };
}

async function countRows(tx: Queries, root: string): Promise<number> {
  const [row] = await tx.query<{ n: number }>('SELECT count(*) AS n FROM kernel_ledger WHERE root = $1', [
    root,
  ]);
  return row?.n ?? 0;
}

const GIVE_BACK = `
UPDATE kernel_ledger l SET used = l.used - r.units
FROM unnest($1::text[], $2::text[], $3::bigint[]) AS r (counter, period, units)
WHERE l.counter = r.counter AND l.period = r.period`;

/** The arrays that `unnest` makes rows of. */
function columns<T extends object>(rows: readonly T[], names: readonly (keyof T)[]): SqlValue[] {
  return names.map((name) => rows.map((row) => row[name] as SqlValue));
}
