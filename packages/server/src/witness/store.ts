import type { SplitView } from '@talosprotocol/contracts';
import type { Queries, Sql } from '../platform/sql.js';

/** The last checkpoint of a log that was cosigned; of a log of which none was, the tree without leaves. */
export interface LastSeen {
  readonly size: number;
  readonly root: Uint8Array;
  /** Unix seconds, as the cosignature states them. */
  readonly time: number;
  /** With the log's signature and our cosignature; undefined if nothing was cosigned yet. */
  readonly note: string | undefined;
}

/** A log as it was seen last. */
export interface SeenLog extends LastSeen {
  readonly origin: string;
  readonly splitViews: number;
}

/** What a look at the last checkpoint leads to: the one to keep in its place, a proof to keep, or nothing. */
export interface Step<T> {
  readonly answer: T;
  readonly keep?: LastSeen & { readonly note: string };
  readonly splitView?: { readonly hash: string; readonly evidence: SplitView };
}

/** What a witness remembers. */
export interface WitnessStore {
  /** Looks at the last checkpoint of a log and keeps what `look` says, in one transaction during which nobody else, in
   *  this process or another, looks at that log: two requests can never both follow the same checkpoint. What is kept
   *  is durable when this resolves. */
  advance<T>(origin: string, look: (last: LastSeen) => Step<T>): Promise<T>;
  logs(): Promise<SeenLog[]>;
  splitViews(origin: string): Promise<SplitView[]>;
}

/** Proofs that are kept of one log: the first convicts it, the others are for the curious. */
const MAX_SPLIT_VIEWS = 16;

/** Builds the store over the tables of `WITNESS_MIGRATIONS`; `emptyRoot` is that of the tree without leaves. */
export function createWitnessStore(sql: Sql, emptyRoot: Uint8Array): WitnessStore {
  return {
    advance: (origin, look) =>
      sql.transaction(async (tx) => {
        await tx.query('SET LOCAL synchronous_commit = on');
        const step = look(await lock(tx, origin, emptyRoot));
        if (step.keep !== undefined) await keep(tx, origin, step.keep);
        if (step.splitView !== undefined) {
          const { hash, evidence } = step.splitView;
          await tx.query(KEEP_SPLIT_VIEW, [origin, hash, JSON.stringify(evidence), MAX_SPLIT_VIEWS]);
        }
        return step.answer;
      }),
    logs: async () => {
      const rows = await sql.query<SeenRow>(LOGS);
      return rows.map(({ note, split_views: splitViews, ...row }) => ({
        ...row,
        note: note ?? undefined,
        splitViews,
      }));
    },
    splitViews: async (origin) => {
      const rows = await sql.query<{ evidence: string }>(SPLIT_VIEWS, [origin]);
      return rows.map(({ evidence }) => JSON.parse(evidence) as SplitView);
    },
  };
}

interface SeenRow {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly time: number;
  readonly note: string | null;
  readonly split_views: number;
}

const LOGS = `SELECT origin, size, root, time, note,
    (SELECT count(*) FROM witness_split_view v WHERE v.origin = l.origin) AS split_views
  FROM witness_log l ORDER BY origin`;

const SPLIT_VIEWS = 'SELECT evidence FROM witness_split_view WHERE origin = $1 ORDER BY hash';

const KEEP_SPLIT_VIEW = `INSERT INTO witness_split_view (origin, hash, evidence)
  SELECT $1::text, $2::text, $3::text WHERE (SELECT count(*) FROM witness_split_view WHERE origin = $1) < $4
  ON CONFLICT DO NOTHING`;

async function lock(tx: Queries, origin: string, emptyRoot: Uint8Array): Promise<LastSeen> {
  await tx.query(
    'INSERT INTO witness_log (origin, size, root, time) VALUES ($1, 0, $2, 0) ON CONFLICT DO NOTHING',
    [origin, emptyRoot],
  );
  const [row] = await tx.query<Omit<SeenRow, 'origin' | 'split_views'>>(
    'SELECT size, root, time, note FROM witness_log WHERE origin = $1 FOR UPDATE',
    [origin],
  );
  if (row === undefined) throw new Error('the row of a log is gone');
  return { ...row, note: row.note ?? undefined };
}

async function keep(tx: Queries, origin: string, { size, root, time, note }: LastSeen): Promise<void> {
  await tx.query('UPDATE witness_log SET size = $2, root = $3, time = $4, note = $5 WHERE origin = $1', [
    origin,
    size,
    root,
    time,
    note ?? null,
  ]);
}
