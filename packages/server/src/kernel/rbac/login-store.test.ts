import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrate } from '../../platform/migrations.js';
import { random } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { kernelMigrations } from '../migrations.js';
import { addAttempt, type LoginAttempt, takeAttempt } from './login-store.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
  await migrate(database.sql, kernelMigrations);
});
afterAll(() => database?.close());

const NOW = 1_790_000_000_000;
const attemptAt = (ends: number): LoginAttempt => ({
  stateHash: random(32),
  browserHash: random(32),
  nonce: 'nonce',
  verifier: 'verifier',
  ends,
});

// RBAC-16
it('nobody is kept out by logins that others begin and never end', async () => {
  const { sql } = database;
  const first = attemptAt(NOW + 1_000);
  await addAttempt(sql, first, NOW);
  const begun = attemptAt(NOW + 50_000);
  await addAttempt(sql, begun, NOW);
  await sql.query(
    `INSERT INTO rbac_login_attempt SELECT sha256(n::text::bytea), 'x', 'n', 'v', $1::bigint + 60000 + n
     FROM generate_series(1, 9998) AS n`,
    [NOW],
  );
  const later = attemptAt(NOW + 600_000);
  await addAttempt(sql, later, NOW);
  expect(await takeAttempt(sql, first, NOW)).toBeUndefined();
  const elsewhere = { ...begun, browserHash: new Uint8Array(32).fill(9) };
  expect(await takeAttempt(sql, elsewhere, NOW)).toBeUndefined();
  expect(await takeAttempt(sql, begun, NOW)).toMatchObject({ ends: begun.ends });
  expect(await takeAttempt(sql, begun, NOW)).toBeUndefined();
  expect(await takeAttempt(sql, later, NOW)).toMatchObject({ ends: later.ends });
  const [row] = await sql.query<{ count: number }>('SELECT count(*) AS count FROM rbac_login_attempt');
  expect(row?.count).toBe(9_998);
});
