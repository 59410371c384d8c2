import type { Queries } from '../../platform/sql.js';
import type { Sealed } from './sealing.js';

/** A secret as it is kept, without its value. Times in Unix milliseconds. */
export interface SecretRow {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly created_at: number;
  readonly changed_at: number;
}

const MEMBERS = 'id, name, version, created_at, changed_at';

/** All of them by name, without their values. */
export function readSecrets(db: Queries): Promise<SecretRow[]> {
  return db.query<SecretRow>(`SELECT ${MEMBERS} FROM config_secret ORDER BY name`);
}

/** One with its value, as it is sealed. */
export async function findSecret(db: Queries, name: string): Promise<(SecretRow & Sealed) | undefined> {
  const [row] = await db.query<SecretRow & Sealed>(
    `SELECT ${MEMBERS}, kek, sealed AS bytes FROM config_secret WHERE name = $1`,
    [name],
  );
  return row;
}

/** Reserves the next version of a name: nobody else changes the row until the transaction ends. `id` is that of a name that
 *  is new. Undefined if there are `most` already. */
export async function nextVersion(
  tx: Queries,
  secret: Pick<SecretRow, 'id' | 'name' | 'changed_at'>,
  most: number,
): Promise<SecretRow | undefined> {
  const { id, name, changed_at: at } = secret;
  await tx.query('SELECT pg_advisory_xact_lock(hashtext($1))', ['config_secret']);
  const [row] = await tx.query<SecretRow>(
    `UPDATE config_secret SET version = version + 1, changed_at = $2 WHERE name = $1 RETURNING ${MEMBERS}`,
    [name, at],
  );
  if (row !== undefined) return row;
  const [made] = await tx.query<SecretRow>(
    `INSERT INTO config_secret (id, name, version, kek, sealed, created_at, changed_at)
     SELECT $1, $2, 1, '', '', $3, $3 WHERE (SELECT count(*) FROM config_secret) < $4 RETURNING ${MEMBERS}`,
    [id, name, at, most],
  );
  return made;
}

/** Keeps the value of a reserved version. */
export async function keepSealed(tx: Queries, id: string, { kek, bytes }: Sealed): Promise<void> {
  await tx.query('UPDATE config_secret SET kek = $2, sealed = $3 WHERE id = $1', [id, kek, bytes]);
}

/** Gives what was removed; undefined if there is none of that name. */
export async function removeSecret(tx: Queries, name: string): Promise<SecretRow | undefined> {
  const [row] = await tx.query<SecretRow>(`DELETE FROM config_secret WHERE name = $1 RETURNING ${MEMBERS}`, [
    name,
  ]);
  return row;
}
