import type { Queries, Sql } from '../../platform/sql.js';

/** Keeps the newest checkpoint that as many witnesses as must have seen, for the next start; nothing if another process
 *  holds the log by now. */
export async function keepWitnessed(sql: Sql, epoch: number, note: string): Promise<void> {
  await sql.query('UPDATE audit_checkpoint SET witnessed = $2 WHERE epoch = $1', [epoch, note]);
}

export async function readWitnessedNote(sql: Queries): Promise<string | undefined> {
  const [row] = await sql.query<{ witnessed: string | null }>('SELECT witnessed FROM audit_checkpoint');
  return row?.witnessed ?? undefined;
}
