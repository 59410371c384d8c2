import type { ServiceAccount } from '@talosprotocol/contracts';
import { formatTime } from '@talosprotocol/protocol';
import type { Queries } from '../../platform/sql.js';
import { type Page, type PageRequest, readPage } from './policy-store.js';

interface AccountRow {
  readonly id: string;
  readonly name: string;
  readonly disabled: boolean;
  readonly created_by: string;
  readonly version: number;
  readonly created_at: number;
}

interface KeyRow {
  readonly id: string;
  readonly account: string;
  readonly created_at: number;
  readonly ends_at: number;
  readonly used_at: number | null;
}

export const MAX_ACCOUNTS = 1_024;
export const MAX_KEYS = 4;

/** A key as it is kept; times in Unix milliseconds. */
export interface KeptKey {
  readonly id: string;
  readonly hash: Uint8Array;
  readonly at: number;
  readonly ends: number;
}

export async function readAccounts(
  db: Queries,
  request: PageRequest,
  now: number,
): Promise<Page<ServiceAccount>> {
  const { rows, next } = await readPage<AccountRow>(db, 'rbac_service_account', 'svc', request);
  const keys = await readKeys(
    db,
    rows.map(({ id }) => id),
    now,
  );
  return { rows: rows.map((row) => toAccount(row, keys)), next };
}

export async function findAccount(db: Queries, id: string, now: number): Promise<ServiceAccount | undefined> {
  const [row] = await db.query<AccountRow>('SELECT * FROM rbac_service_account WHERE id = $1', [id]);
  return row === undefined ? undefined : toAccount(row, await readKeys(db, [id], now));
}

function readKeys(db: Queries, accounts: readonly string[], now: number): Promise<KeyRow[]> {
  return db.query<KeyRow>(
    `SELECT id, account, created_at, ends_at, used_at FROM rbac_service_key
     WHERE account = ANY($1::text[]) AND ends_at > $2 ORDER BY created_at, id`,
    [accounts, now],
  );
}

export async function countAccounts(db: Queries): Promise<number> {
  const [row] = await db.query<{ count: number }>('SELECT count(*) AS count FROM rbac_service_account');
  return row?.count ?? 0;
}

/** Adds an account without keys. */
export async function addAccount(
  db: Queries,
  { id, name, by, at }: { id: string; name: string; by: string; at: number },
): Promise<void> {
  await db.query(
    'INSERT INTO rbac_service_account (id, name, created_by, version, created_at) VALUES ($1, $2, $3, 1, $4)',
    [id, name, by, at],
  );
}

export async function setDisabled(db: Queries, id: string, disabled: boolean): Promise<void> {
  await db.query('UPDATE rbac_service_account SET disabled = $2, version = version + 1 WHERE id = $1', [
    id,
    disabled,
  ]);
}

/** Adds a key; the account's others end at `othersEnd` at the latest, and what ended is forgotten. */
export async function addKey(
  db: Queries,
  account: string,
  { id, hash, at, ends }: KeptKey,
  othersEnd?: number,
): Promise<void> {
  if (othersEnd !== undefined)
    await db.query('UPDATE rbac_service_key SET ends_at = least(ends_at, $2) WHERE account = $1', [
      account,
      othersEnd,
    ]);
  await db.query('DELETE FROM rbac_service_key WHERE account = $1 AND ends_at <= $2', [account, at]);
  await db.query(
    'INSERT INTO rbac_service_key (id, account, hash, created_at, ends_at) VALUES ($1, $2, $3, $4, $5)',
    [id, account, hash, at, ends],
  );
  await db.query('UPDATE rbac_service_account SET version = version + 1 WHERE id = $1', [account]);
}

function toAccount(row: AccountRow, keys: readonly KeyRow[]): ServiceAccount {
  const { id, name, disabled, created_by, version, created_at } = row;
  return {
    id,
    name,
    disabled,
    created: formatTime(created_at),
    created_by,
    version,
    keys: keys.filter(({ account }) => account === id).map(toKey),
  };
}

function toKey({ id, created_at, ends_at, used_at }: KeyRow) {
  return {
    id,
    created: formatTime(created_at),
    expires: formatTime(ends_at),
    last_used: used_at === null ? null : formatTime(used_at),
  };
}
