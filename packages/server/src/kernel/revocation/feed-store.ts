import type { FeedHead } from '@talosprotocol/protocol';
import type { Queries, Sql } from '../../platform/sql.js';

/** The channel on which nodes of one database tell each other (PostgreSQL NOTIFY). */
export const CHANNEL = 'talos_revocation';

/** What a node is told: that the feed has an entry `n`, or a heartbeat. */
export type Announcement =
  | { readonly iss: string; readonly n: number }
  | { readonly iss: string; readonly heartbeat: string };

/** The feed's SQL. */
export interface FeedStore {
  /** Entries after `n` in order, at most `limit`. */
  entriesAfter(iss: string, n: number, limit: number): Promise<readonly string[]>;
  /** The number of the first entry that is kept; undefined if none is. */
  firstEntry(iss: string): Promise<number | undefined>;
  /** The last heartbeat, and how long ago it was written, in milliseconds, by the clock of the database. */
  lastHeartbeat(iss: string): Promise<{ readonly heartbeat: string; readonly age: number } | undefined>;
  /** Forgets entries added before that moment (Unix milliseconds), but never the last one. */
  forgetEntries(iss: string, before: number): Promise<void>;
}

export function createFeedStore(sql: Sql): FeedStore {
  return {
    entriesAfter: async (iss, n, limit) => {
      const rows = await sql.query<{ entry: string }>(
        'SELECT entry FROM kernel_revocation_feed WHERE iss = $1 AND n > $2 ORDER BY n LIMIT $3',
        [iss, n, limit],
      );
      return rows.map(({ entry }) => entry);
    },
    firstEntry: async (iss) => {
      const [row] = await sql.query<{ n: number | null }>(
        'SELECT min(n) AS n FROM kernel_revocation_feed WHERE iss = $1',
        [iss],
      );
      return row?.n ?? undefined;
    },
    lastHeartbeat: async (iss) => {
      const [row] = await sql.query<{ heartbeat: string | null; age: number }>(
        `SELECT heartbeat, (extract(epoch FROM clock_timestamp() - beat_at) * 1000)::float8 AS age
         FROM kernel_revocation_head WHERE iss = $1`,
        [iss],
      );
      return row === undefined || row.heartbeat === null
        ? undefined
        : { heartbeat: row.heartbeat, age: Math.max(0, row.age) };
    },
    forgetEntries: async (iss, before) => {
      await sql.query(
        `DELETE FROM kernel_revocation_feed AS f USING kernel_revocation_head AS h
         WHERE h.iss = $1 AND f.iss = h.iss AND f.added_at < $2 AND f.n < h.n`,
        [iss, before],
      );
    },
  };
}

/** Where the feed stands; a feed that is new begins. */
export async function readHead(tx: Queries, iss: string): Promise<FeedHead> {
  const [row] = await tx.query<{ n: number; hash: string | null }>(
    'SELECT n, hash FROM kernel_revocation_head WHERE iss = $1',
    [iss],
  );
  return row ?? { n: 0, hash: null };
}

interface NewEntry {
  readonly iss: string;
  readonly n: number;
  readonly hash: string;
  readonly entry: string;
  readonly at: number;
}

/** Adds an entry and moves the head on; the caller holds the lock under which entries are numbered. */
export async function appendEntry(tx: Queries, { iss, n, hash, entry, at }: NewEntry): Promise<void> {
  await tx.query('INSERT INTO kernel_revocation_feed (iss, n, entry, added_at) VALUES ($1, $2, $3, $4)', [
    iss,
    n,
    entry,
    at,
  ]);
  await tx.query(
    `INSERT INTO kernel_revocation_head (iss, n, hash, epoch) VALUES ($1, $2, $3, 0)
     ON CONFLICT (iss) DO UPDATE SET n = excluded.n, hash = excluded.hash`,
    [iss, n, hash],
  );
}

/** Told to the other nodes when the transaction commits. */
export async function announce(tx: Queries, announcement: Announcement): Promise<void> {
  await tx.query('SELECT pg_notify($1, $2)', [CHANNEL, JSON.stringify(announcement)]);
}

/** Takes the lead of the feed if nobody has it, and gives the epoch to write under; it lasts as long as the session. */
export async function takeFeedLead(session: Queries, iss: string): Promise<number | undefined> {
  const [row] = await session.query<{ held: boolean }>(
    'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS held',
    [`revocation feed ${iss}`],
  );
  if (row?.held !== true) return undefined;
  const [head] = await session.query<{ epoch: number }>(
    `INSERT INTO kernel_revocation_head (iss, n, hash, epoch) VALUES ($1, 0, NULL, 1)
     ON CONFLICT (iss) DO UPDATE SET epoch = kernel_revocation_head.epoch + 1 RETURNING epoch`,
    [iss],
  );
  return head?.epoch;
}

/** Writes a heartbeat and tells it; false if another node has the lead by now. */
export async function writeHeartbeat(
  session: Queries,
  { iss, epoch, heartbeat }: { readonly iss: string; readonly epoch: number; readonly heartbeat: string },
): Promise<boolean> {
  const told = await session.query(
    `WITH written AS (
       UPDATE kernel_revocation_head SET heartbeat = $3, beat_at = clock_timestamp()
       WHERE iss = $1 AND epoch = $2 RETURNING 1
     ) SELECT pg_notify($4, $5) FROM written`,
    [iss, epoch, heartbeat, CHANNEL, JSON.stringify({ iss, heartbeat } satisfies Announcement)],
  );
  return told.length > 0;
}
