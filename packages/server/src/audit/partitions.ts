import type { Log } from '../platform/log.js';
import type { Queries, Sql } from '../platform/sql.js';

/** Makes the tables that rows go to, before they are needed. What is older than it is kept for is dropped by the table. */
export interface Partitions {
  /** Resolves when there is a place for the rows below `size`; what lies ahead is made meanwhile. */
  makeRoom(size: number): Promise<void>;
}

/** Tables that are divided, by ranges of `idx`. */
export const DIVIDED = ['audit_index', 'audit_event'] as const;

/** 'parts' in ASCII: one process divides at a time. */
const LOCK = 0x7061727473;

/** Each new table takes `width` events. */
export function createPartitions(sql: Sql, width: number, log: Log): Partitions {
  let end = 0;
  let making: Promise<void> | undefined;
  const make = (size: number): Promise<void> => {
    making ??= sql
      .transaction((tx) => divide(tx, size, width))
      .then((reached) => {
        end = reached;
      })
      .finally(() => {
        making = undefined;
      });
    return making;
  };
  return {
    makeRoom: async (size) => {
      while (size > end) await make(size + width);
      // Half a table is left: nobody waits for the next one.
      if (size + width / 2 > end)
        void make(size + width).catch((err: unknown) => log.warn('no table was made ahead', { err }));
    },
  };
}

/** Adds tables until there is one for every row below `size`; gives where the last one ends. Attaching takes no lock
 *  that a reader or a writer of the others would wait for. */
async function divide(tx: Queries, size: number, width: number): Promise<number> {
  await tx.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
  const [last] = await tx.query<{ hi: number | null }>('SELECT max(hi) AS hi FROM audit_partition');
  let end = last?.hi ?? 0;
  while (end < size) {
    await addPartition(tx, end, end + width);
    end += width;
  }
  return end;
}

async function addPartition(tx: Queries, lo: number, hi: number): Promise<void> {
  for (const table of DIVIDED) {
    const name = `${table}_${lo}`;
    await tx.query(`CREATE TABLE ${name} (LIKE ${table} INCLUDING ALL)`);
    await tx.query(`ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM (${lo}) TO (${hi})`);
  }
  await tx.query('INSERT INTO audit_partition (lo, hi) VALUES ($1, $2)', [lo, hi]);
}
