import { isTrustError, TrustError } from '@talosprotocol/protocol';
import type { Log } from './log.js';
import type { Migration } from './migrations.js';
import type { Queries, Sql } from './sql.js';
import type { Clock } from './system.js';

/** Events about changes of the database, kept in the transaction of the change: there is no change without its event and
 *  no event without its change, whenever a process is killed. They are handed in at least once; whoever takes them takes
 *  an id once (ADR 36). */
export interface Outbox<D> {
  /** Keeps what is to be handed in together, in this order, under the id of the last one.
   *  @throws {TrustError} UNAVAILABLE: too many wait; then the change must not be made either */
  put(tx: Queries, drafts: readonly [...D[], D]): Promise<void>;
  /** Hands in what is kept under an id; resolves when it is taken, also by somebody else.
   *  @throws what the taker says; it stays kept */
  deliver(id: string): Promise<void>;
  /** Hands in what was left, oldest first. Any number of processes may do so at a time. */
  drain(): Promise<void>;
}

export interface OutboxDeps<D> {
  readonly sql: Sql;
  /** Made by `outboxMigration`. */
  readonly table: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  /** Hands one in: resolves when it is durable, or was already. */
  readonly record: (draft: D) => Promise<unknown>;
}

/** Most that may wait: as long as nobody takes events, changes are refused beyond it. */
const MAX_WAITING = 10_000;
/** What is younger is still with the request that made it. */
const LEFT_MS = 10_000;
const CHUNK = 64;

/** The table of one room's outbox. */
export function outboxMigration(room: string, table: string): Migration {
  assertTable(table);
  return {
    room,
    number: 1,
    name: 'outbox',
    sql: `
-- Events that belong to changes of this database, until the log has them: 'drafts' is JSON, 'id' that of the last one.
CREATE TABLE ${table} (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text NOT NULL UNIQUE,
  drafts text NOT NULL,
  kept_at bigint NOT NULL,
  tries integer NOT NULL DEFAULT 0
);`,
  };
}

interface Row {
  readonly number: number;
  readonly id: string;
  readonly drafts: string;
}

export function createOutbox<D extends { readonly id: string }>(deps: OutboxDeps<D>): Outbox<D> {
  const { sql, table, clock, record } = deps;
  assertTable(table);
  const handIn = async ({ drafts }: Pick<Row, 'drafts'>): Promise<void> => {
    for (const draft of JSON.parse(drafts) as D[]) await record(draft);
  };
  return {
    put: async (tx, drafts) => {
      const { id } = drafts[drafts.length - 1] as D;
      const rows = await tx.query(
        `INSERT INTO ${table} (id, drafts, kept_at)
         SELECT $1, $2, $3 WHERE (SELECT count(*) FROM ${table}) < $4 RETURNING number`,
        [id, JSON.stringify(drafts), clock.now(), MAX_WAITING],
      );
      if (rows.length === 0) throw new TrustError('UNAVAILABLE', 'too many events wait for the log');
    },
    deliver: async (id) => {
      const [row] = await sql.query<Row>(`SELECT drafts FROM ${table} WHERE id = $1`, [id]);
      if (row === undefined) return;
      await handIn(row);
      await sql.query(`DELETE FROM ${table} WHERE id = $1`, [id]);
    },
    drain: async () => {
      while ((await sql.transaction((tx) => drainSome(deps, tx, handIn))) === CHUNK);
    },
  };
}

/** Hands in the oldest that nobody else is handing in, and gives how many. A process that is killed meanwhile has deleted
 *  nothing: another one hands them in again, and they are known. */
async function drainSome<D>(
  { table, clock, log }: OutboxDeps<D>,
  tx: Queries,
  handIn: (row: Row) => Promise<void>,
): Promise<number> {
  const rows = await tx.query<Row>(
    `SELECT number, id, drafts FROM ${table} WHERE kept_at < $1
     ORDER BY tries, number LIMIT ${CHUNK} FOR UPDATE SKIP LOCKED`,
    [clock.now() - LEFT_MS],
  );
  const ends = await Promise.allSettled(rows.map(handIn));
  const refused: number[] = [];
  let outage: unknown;
  for (const [index, end] of ends.entries()) {
    if (end.status === 'fulfilled') continue;
    const { number, id } = rows[index] as Row;
    refused.push(number);
    if (isTrustError(end.reason)) outage ??= end.reason;
    // Kept nevertheless: what it tells of has happened. Others go first.
    else log.error('an event of the outbox is refused', { event: id, err: end.reason });
  }
  await tx.query(`DELETE FROM ${table} WHERE number = ANY($1)`, [numbersWithout(rows, refused)]);
  if (refused.length > 0)
    await tx.query(`UPDATE ${table} SET tries = tries + 1 WHERE number = ANY($1)`, [refused]);
  if (outage !== undefined) log.warn('events of the outbox wait', { count: refused.length, err: outage });
  return refused.length > 0 ? 0 : rows.length;
}

function numbersWithout(rows: readonly Row[], without: readonly number[]): number[] {
  return rows.map(({ number }) => number).filter((number) => !without.includes(number));
}

/** It stands in SQL. */
function assertTable(table: string): void {
  if (!/^[a-z_]{1,63}$/.test(table)) throw new RangeError('not the name of a table');
}
