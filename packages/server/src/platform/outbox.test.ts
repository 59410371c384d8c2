import { TrustError } from '@talosprotocol/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from './migrations.js';
import { createOutbox, type OutboxDeps, outboxMigration } from './outbox.js';
import { openTestDatabase, type TestDatabase } from './testing/database.js';
import { createTestLog } from './testing/test-log.js';

interface Draft {
  readonly id: string;
}

let database: TestDatabase;
const time = { now: 1_000_000 };
/** What was taken, as often as it was handed in. */
const taken: string[] = [];

beforeAll(async () => {
  database = await openTestDatabase();
  await migrate(database.sql, [outboxMigration('test-outbox', 'test_outbox')]);
});
beforeEach(async () => {
  taken.length = 0;
  await database.sql.query('TRUNCATE test_outbox');
});
afterAll(() => database?.close());

const take = async ({ id }: Draft): Promise<void> => void taken.push(id);

function open(record: OutboxDeps<Draft>['record'] = take, lines: string[] = []) {
  const clock = { now: () => time.now };
  const { sql } = database;
  return createOutbox<Draft>({ sql, table: 'test_outbox', clock, log: createTestLog(lines), record });
}

const keep = (...ids: readonly [...string[], string]) =>
  database.sql.transaction((tx) => open().put(tx, ids.map((id) => ({ id })) as [...Draft[], Draft]));
const waiting = async () =>
  (await database.sql.query<{ id: string }>('SELECT id FROM test_outbox ORDER BY number')).map(
    ({ id }) => id,
  );
const later = () => {
  time.now += 10_001;
};

// AUD-87
describe('the outbox', () => {
  it('keeps nothing of a change that was not made', async () => {
    const failing = database.sql.transaction(async (tx) => {
      await open().put(tx, [{ id: 'a' }]);
      throw new Error('another reason');
    });
    await expect(failing).rejects.toThrow('another reason');
    expect(await waiting()).toEqual([]);
  });

  it('hands in what belongs together in order, by the id of the last, and forgets it', async () => {
    await keep('chain', 'issued');
    await open().deliver('issued');
    await open().deliver('issued');
    expect([taken, await waiting()]).toEqual([['chain', 'issued'], []]);
  });

  it('keeps what was not taken, and says why', async () => {
    await keep('a');
    const refusing = open(() => Promise.reject(new TrustError('UNAVAILABLE', 'full')));
    await expect(refusing.deliver('a')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await waiting()).toEqual(['a']);
  });

  it('leaves alone what is still with its request, and hands in what was left, oldest first', async () => {
    for (const id of ['a', 'b', 'c']) await keep(id);
    await open().drain();
    expect(taken).toEqual([]);
    later();
    await keep('young');
    await open().drain();
    expect([taken, await waiting()]).toEqual([['a', 'b', 'c'], ['young']]);
  });

  it('is emptied by several at a time, who each take what the others have not', async () => {
    const ids = Array.from({ length: 200 }, (_, index) => `event ${index}`);
    for (const id of ids) await keep(id);
    later();
    await Promise.all(Array.from({ length: 4 }, () => open().drain()));
    expect([taken.length, new Set(taken).size, await waiting()]).toEqual([200, 200, []]);
  });

  it('hands in again what a process was handing in when it was killed', async () => {
    await keep('a');
    later();
    const session = await database.sql.openSession();
    await session.query('BEGIN');
    const [row] = await session.query('SELECT id FROM test_outbox FOR UPDATE SKIP LOCKED');
    expect(row).toEqual({ id: 'a' });
    await open().drain();
    expect(taken).toEqual([]);
    // The end of a process ends its connection, which undoes what was not committed.
    await session.close();
    await expect
      .poll(async () =>
        open()
          .drain()
          .then(() => taken),
      )
      .toEqual(['a']);
  });

  it('is not held up by what is refused for good, and keeps that too', async () => {
    for (const id of ['bad', 'a', 'b']) await keep(id);
    later();
    const lines: string[] = [];
    const picky = open(async (draft) => {
      if (draft.id === 'bad') throw new TypeError('not valid');
      await take(draft);
    }, lines);
    await picky.drain();
    await keep('c');
    later();
    await picky.drain();
    expect([taken, await waiting()]).toEqual([['a', 'b', 'c'], ['bad']]);
    expect(lines.join('')).toContain('an event of the outbox is refused');
    expect(lines.join('')).toContain('"event":"bad"');
    const [row] = await database.sql.query('SELECT tries FROM test_outbox');
    expect(row).toEqual({ tries: 2 });
  });

  it('waits while nothing is taken, and says so', async () => {
    await keep('a');
    later();
    const lines: string[] = [];
    await open(() => Promise.reject(new TrustError('UNAVAILABLE', 'full')), lines).drain();
    expect(await waiting()).toEqual(['a']);
    expect(lines.join('')).toContain('events of the outbox wait');
  });

  it('is bounded: beyond it nothing is changed', async () => {
    await database.sql.query(
      `INSERT INTO test_outbox (id, drafts, kept_at) SELECT 'n' || n, '[]', 0 FROM generate_series(1, 10000) AS n`,
    );
    await expect(keep('a')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('has a table of a plain name', () => {
    expect(() => outboxMigration('x', 'x; DROP TABLE y')).toThrow(RangeError);
  });
});
