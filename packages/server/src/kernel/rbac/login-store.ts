import type { Login, Subject } from '@talosprotocol/contracts';
import { formatTime, TrustError } from '@talosprotocol/protocol';
import type { Queries } from '../../platform/sql.js';
import { type Page, type PageRequest, readPage } from './policy-store.js';

/** A login under way. */
export interface LoginAttempt {
  readonly stateHash: Uint8Array;
  readonly browserHash: Uint8Array;
  readonly nonce: string;
  readonly verifier: string;
  readonly ends: number;
}

/** A session to be kept; times in Unix milliseconds. */
export interface NewLogin {
  readonly id: string;
  readonly hash: Uint8Array;
  readonly issuer: string;
  readonly subject: string;
  readonly subjects: readonly Subject[];
  readonly at: number;
  readonly ends: number;
}

const MAX_ATTEMPTS = 10_000;
const MAX_LOGINS = 10_000;
const MAX_PER_PERSON = 16;

/** Keeps a login under way. Of too many the oldest is forgotten: if the newest were refused, who begins logins and ends
 *  none would keep everybody out. */
export async function addAttempt(db: Queries, attempt: LoginAttempt, now: number): Promise<void> {
  await db.query(
    `DELETE FROM rbac_login_attempt WHERE ends_at <= greatest($1::bigint,
       (SELECT ends_at FROM rbac_login_attempt ORDER BY ends_at DESC OFFSET $2 LIMIT 1))`,
    [now, MAX_ATTEMPTS - 1],
  );
  await db.query(
    `INSERT INTO rbac_login_attempt (state_hash, browser_hash, nonce, verifier, ends_at)
     VALUES ($1, $2, $3, $4, $5)`,
    [attempt.stateHash, attempt.browserHash, attempt.nonce, attempt.verifier, attempt.ends],
  );
}

/** Takes an attempt away, so that nobody has it twice; undefined if there is none, or its time is over. That of another
 *  browser stays: whoever brings back its state without its secret does not end the login that is under way. */
export async function takeAttempt(
  db: Queries,
  { stateHash, browserHash }: Pick<LoginAttempt, 'stateHash' | 'browserHash'>,
  now: number,
): Promise<LoginAttempt | undefined> {
  const [row] = await db.query<{
    nonce: string;
    verifier: string;
    ends_at: number;
  }>('DELETE FROM rbac_login_attempt WHERE state_hash = $1 AND browser_hash = $2 RETURNING *', [
    stateHash,
    browserHash,
  ]);
  if (row === undefined || row.ends_at <= now) return undefined;
  const { nonce, verifier, ends_at: ends } = row;
  return { stateHash, browserHash, nonce, verifier, ends };
}

/** Keeps a session; of one person's the oldest ends. @throws {TrustError} UNAVAILABLE: too many */
export async function addLogin(db: Queries, login: NewLogin, idleMs: number): Promise<void> {
  const { id, hash, issuer, subject, subjects, at, ends } = login;
  await db.query('DELETE FROM rbac_login WHERE ends_at <= $1 OR seen_at <= $2', [at, at - idleMs]);
  await db.query(
    `DELETE FROM rbac_login WHERE id IN (SELECT id FROM rbac_login WHERE issuer = $1 AND subject = $2
     ORDER BY id DESC OFFSET $3)`,
    [issuer, subject, MAX_PER_PERSON - 1],
  );
  const rows = await db.query(
    `INSERT INTO rbac_login (id, hash, issuer, subject, subjects, created_at, seen_at, ends_at)
     SELECT $1, $2, $3, $4, $5::jsonb, $6, $6, $7 WHERE (SELECT count(*) FROM rbac_login) < $8 RETURNING id`,
    [id, hash, issuer, subject, JSON.stringify(subjects), at, ends, MAX_LOGINS],
  );
  if (rows.length === 0) throw new TrustError('UNAVAILABLE', 'too many people are logged in');
}

/** The id of the session that ended; undefined if there was none. */
export async function endLogin(
  db: Queries,
  by: { readonly hash: Uint8Array } | { readonly id: string },
): Promise<string | undefined> {
  const [row] =
    'hash' in by
      ? await db.query<{ id: string }>('DELETE FROM rbac_login WHERE hash = $1 RETURNING id', [by.hash])
      : await db.query<{ id: string }>('DELETE FROM rbac_login WHERE id = $1 RETURNING id', [by.id]);
  return row?.id;
}

interface LoginRow {
  readonly id: string;
  readonly issuer: string;
  readonly subject: string;
  readonly created_at: number;
  readonly seen_at: number;
  readonly ends_at: number;
}

export async function readLogins(db: Queries, request: PageRequest): Promise<Page<Login>> {
  const { rows, next } = await readPage<LoginRow>(db, 'rbac_login', 'log', request);
  return { rows: rows.map(toLogin), next };
}

function toLogin({ id, issuer, subject, created_at, seen_at, ends_at }: LoginRow): Login {
  return {
    id,
    issuer,
    subject,
    created: formatTime(created_at),
    last_seen: formatTime(seen_at),
    expires: formatTime(ends_at),
  };
}
