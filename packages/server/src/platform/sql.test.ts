import { isTrustError, TrustError } from '@talosprotocol/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Migration, migrate } from './migrations.js';
import { createSecret } from './secret.js';
import { createSql } from './sql.js';
import { isUniqueViolation, SqlError } from './sql-error.js';
import { openTestDatabase, type TestDatabase } from './testing/database.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
  await db.sql.query('CREATE TABLE item (id bigint PRIMARY KEY, body bytea)');
});
afterAll(() => db.close());

const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'resolved',
    (error: unknown) => error,
  );

describe('queries', () => {
  it('carry bigints and bytes both ways', async () => {
    const bytes = Uint8Array.of(0, 255, 128);
    await db.sql.query('INSERT INTO item VALUES ($1, $2)', [9007199254740991n, bytes]);
    const rows = await db.sql.query<{ id: number; body: Uint8Array }>('SELECT id, body FROM item');
    expect([rows[0]?.id, [...(rows[0]?.body ?? [])]]).toEqual([Number.MAX_SAFE_INTEGER, [...bytes]]);
  });
  it('refuse a bigint that a number cannot hold', async () => {
    expect(await caught(db.sql.query('SELECT 9007199254740992::bigint'))).toBeInstanceOf(RangeError);
  });
  it('say which constraint broke, and neither the statement nor its values', async () => {
    await db.sql.query('INSERT INTO item VALUES ($1)', [7]);
    const error = await caught(db.sql.query("INSERT INTO item VALUES (7, 'canary')"));
    expect(isUniqueViolation(error, 'item_pkey')).toBe(true);
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toMatch(/canary|INSERT/);
  });
  it('run under a name as prepared statements', async () => {
    const find = { name: 'find-item', text: 'SELECT id FROM item WHERE id = $1' };
    for (const _ of [1, 2]) expect(await db.sql.query(find, [7])).toEqual([{ id: 7 }]);
  });
  it('are cut at the statement time limit and the pool stays usable', async () => {
    const sql = createSql({ address: db.address, poolSize: 1, statementTimeoutMs: 100 });
    expect(await caught(sql.query('SELECT pg_sleep(5)'))).toMatchObject({ code: 'UNAVAILABLE' });
    expect(await sql.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await sql.close();
  });
  it('are refused rather than queued without end', async () => {
    const sql = createSql({ address: db.address, poolSize: 1, maxWaiting: 2, connectTimeoutMs: 3_000 });
    await sql.query('SELECT 1');
    const all = await Promise.all(
      Array.from({ length: 6 }, () => caught(sql.query('SELECT pg_sleep(0.05)'))),
    );
    expect(
      all.filter((result) => isTrustError(result) && result.code === 'UNAVAILABLE').length,
    ).toBeGreaterThan(0);
    expect(all.filter((result) => result === 'resolved').length).toBeGreaterThanOrEqual(2);
    expect(sql.load().refused).toBe(all.filter((result) => isTrustError(result)).length);
    expect(sql.load().waiting).toBe(0);
    await sql.close();
  });
  it('of a role that cannot reach files or programs', async () => {
    const error = await caught(db.sql.query("COPY item TO PROGRAM 'id'"));
    expect(error).toMatchObject({ state: '42501' });
  });
});

describe('an unreachable database', () => {
  it.each([
    [
      'no socket',
      {
        ...{ socketFolder: '/nonexistent', port: 5432, user: 'a', database: 'a' },
        password: createSecret('x'),
      },
    ],
    ['no listener', { url: createSecret('postgres://u:hunter2@127.0.0.1:1/d') }],
  ])('is UNAVAILABLE (%s) and keeps its password', async (_, address) => {
    const sql = createSql({ address, connectTimeoutMs: 500 });
    const error = await caught(sql.query('SELECT 1'));
    expect(error).toMatchObject({ code: 'UNAVAILABLE' });
    expect(String(error)).not.toContain('hunter2');
    await sql.close();
  });
});

describe('transactions and sessions', () => {
  it('that swallowed the failure of a statement are not taken for kept', async () => {
    const work = db.sql.transaction(async (tx) => {
      await tx.query('INSERT INTO item VALUES (4711)');
      await tx.query('SELECT 1/0').catch(() => undefined);
    });
    expect(await caught(work)).toMatchObject({ code: 'INTERNAL' });
    expect(await db.sql.query('SELECT id FROM item WHERE id = 4711')).toEqual([]);
  });

  it('roll back when the work fails, with its own error', async () => {
    const failing = db.sql.transaction(async (tx) => {
      await tx.query('INSERT INTO item VALUES (100)');
      throw new TrustError('CONFLICT', 'changed my mind');
    });
    expect(await caught(failing)).toMatchObject({ code: 'CONFLICT' });
    expect(await db.sql.query('SELECT 1 FROM item WHERE id = 100')).toEqual([]);
  });
  it('keep the refused statement apart from those before it', async () => {
    const failing = db.sql.transaction(async (tx) => {
      await tx.query('INSERT INTO item VALUES (101)');
      await tx.query('SELECT nonsense');
    });
    expect(await caught(failing)).toBeInstanceOf(SqlError);
    expect(await db.sql.query('SELECT 1 FROM item WHERE id = 101')).toEqual([]);
  });
  it('end within a second or so where the server does not answer', async () => {
    const session = await db.sql.openSession();
    const [row] = await session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const pid = row?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    try {
      // However often it is asked for.
      await Promise.all([session.close(), session.close(), session.lost]);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  it('hold an advisory lock until the session ends, and say when the connection is lost', async () => {
    const take = 'SELECT pg_try_advisory_lock(42) AS got';
    const first = await db.sql.openSession();
    expect(await first.query(take)).toEqual([{ got: true }]);
    expect(await db.sql.session((second) => second.query(take))).toEqual([{ got: false }]);
    const [row] = await first.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await db.sql.query('SELECT pg_terminate_backend($1)', [row!.pid]);
    await first.lost;
    expect(await db.sql.session((second) => second.query(take))).toEqual([{ got: true }]);
    expect(await caught(first.query('SELECT 1'))).toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('a connection that breaks while it is in use', () => {
  it('fails its transaction and no more: neither the process nor the pool', async () => {
    const fails = Array.from({ length: 8 }, () =>
      db.sql.transaction(async (tx) => {
        const [row] = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        await db.sql.query('SELECT pg_terminate_backend($1, 5000)', [row!.pid]);
        // Nothing is sent while the end of the connection arrives.
        await new Promise((resolve) => setTimeout(resolve, 50));
        await tx.query('SELECT 1');
      }),
    );
    for (const error of await Promise.all(fails.map(caught)))
      expect(error).toMatchObject({ code: 'UNAVAILABLE' });
    expect(await db.sql.query('SELECT 1 AS n')).toEqual([{ n: 1 }]);
  });
});

describe('migrations', () => {
  const one: Migration = {
    room: 'audit',
    number: 1,
    name: 'leaf',
    sql: 'CREATE TABLE leaf (n int); INSERT INTO leaf VALUES (1)',
  };
  const two: Migration = { room: 'audit', number: 2, name: 'size', sql: 'ALTER TABLE leaf ADD size int' };

  it('run once, in order, also when two processes start together', async () => {
    const ran = await Promise.all([migrate(db.sql, [one]), migrate(db.sql, [one])]);
    expect(ran.flat()).toEqual(['audit/0001-leaf']);
    expect(await migrate(db.sql, [one, two])).toEqual(['audit/0002-size']);
    expect(await db.sql.query('SELECT n, size FROM leaf')).toEqual([{ n: 1, size: null }]);
  });
  it('leave nothing behind when they fail', async () => {
    const broken = {
      room: 'audit',
      number: 3,
      name: 'broken',
      sql: 'CREATE TABLE half (n int); SELECT nonsense',
    };
    await expect(migrate(db.sql, [one, two, broken])).rejects.toThrow(/audit\/0003-broken/);
    expect(await db.sql.query("SELECT to_regclass('half') AS half")).toEqual([{ half: null }]);
  });
  it('refuse an applied step that was edited', async () => {
    await expect(migrate(db.sql, [{ ...one, sql: `${one.sql}, (2)` }, two])).rejects.toThrow(/edited/);
  });
  it('refuse a database that a newer version wrote', async () => {
    await expect(migrate(db.sql, [one])).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      data: { hint: expect.stringContaining('newer version') },
    });
  });
  it('of other rooms are none of the business of a role that runs alone', async () => {
    expect(
      await migrate(db.sql, [{ room: 'kernel', number: 1, name: 'empty', sql: 'SELECT 1' }]),
    ).toHaveLength(1);
  });
  it('refuse a gap in the numbers', async () => {
    await expect(migrate(db.sql, [one, { ...two, number: 3 }])).rejects.toThrow(RangeError);
  });
});
