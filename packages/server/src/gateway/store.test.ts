import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../platform/migrations.js';
import { clock } from '../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../platform/testing/database.js';
import { GATEWAY_MIGRATIONS } from './migrations.js';
import { createCallJournal } from './store.js';
import { newRid } from './testing/world.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
  await migrate(database.sql, GATEWAY_MIGRATIONS);
});
afterAll(() => database?.close());

const hash = 'a'.repeat(64);
const named = (rid: string) => ({ subject: 'did:key:a', audience: 'did:key:g', rid });

describe('the call journal', () => {
  it('keeps a claim over a restart: a write that may have run is never run again under its rid (SES-10)', async () => {
    const name = named(newRid());
    expect(await createCallJournal(database.sql, clock).claim(name, hash, 'rcp_1')).toBeUndefined();
    const restarted = createCallJournal(database.sql, clock);
    await expect(restarted.claim(name, hash, 'rcp_2')).rejects.toMatchObject({ code: 'IN_PROGRESS' });
  });

  it('gives the kept answer; of a large one only word that it was done', async () => {
    const journal = createCallJournal(database.sql, clock);
    const [small, large] = [named(newRid()), named(newRid())];
    await journal.claim(small, hash, 'rcp_1');
    await journal.finish(small, 'rcp_1', { result: { n: 1.5 } }, 'h');
    expect(await journal.claim(small, hash, 'rcp_2')).toEqual({
      receipt: 'rcp_1',
      answer: { result: { n: 1.5 } },
    });
    await journal.claim(large, hash, 'rcp_1');
    await journal.finish(large, 'rcp_1', { result: { text: 'x'.repeat(70_000) } }, 'h'.repeat(64));
    await expect(journal.claim(large, hash, 'rcp_2')).rejects.toMatchObject({
      code: 'REPLAY',
      data: { hint: expect.stringContaining('h'.repeat(64)) },
    });
  });

  it('forgets a claim whose call was not dispatched, never one that was', async () => {
    const journal = createCallJournal(database.sql, clock);
    const name = named(newRid());
    await journal.claim(name, hash, 'rcp_1');
    await journal.release(name);
    expect(await journal.claim(name, hash, 'rcp_2')).toBeUndefined();
    await journal.finish(name, 'rcp_4', { result: {} }, 'h');
    await journal.release(name);
    expect(await journal.claim(name, hash, 'rcp_3')).toMatchObject({ receipt: 'rcp_4' });
  });

  it('keeps names of different subjects apart', async () => {
    const journal = createCallJournal(database.sql, clock);
    const name = named(newRid());
    await journal.claim(name, hash, 'rcp_1');
    expect(await journal.claim({ ...name, subject: 'did:key:b' }, hash, 'rcp_2')).toBeUndefined();
  });

  it('purges only what no rid can name any more', async () => {
    const name = named(newRid());
    const at = (ms: number) => createCallJournal(database.sql, { ...clock, now: () => clock.now() + ms });
    await at(0).claim(name, hash, 'rcp_1');
    await at(23 * 3_600_000).purge();
    await expect(at(0).claim(name, hash, 'x')).rejects.toMatchObject({ code: 'IN_PROGRESS' });
    await at(26 * 3_600_000).purge();
    await expect(at(26 * 3_600_000).claim(name, hash, 'x')).rejects.toMatchObject({ code: 'REPLAY' });
  });

  it('purges nothing by a clock that is ahead for a while, or that is not that of the database (SES-10)', async () => {
    const LATER = "timestamptz '2200-01-01'";
    const name = named(newRid());
    const count = async () =>
      (await database.sql.query('SELECT 1 FROM gateway_call WHERE rid = $1', [name.rid])).length;
    const journalAt = (now?: string) => {
      const time = { now: clock.now(), monotonic: 0 };
      const own = { ...clock, now: () => time.now, monotonic: () => time.monotonic };
      return { time, journal: createCallJournal(database.sql, own, now) };
    };
    await createCallJournal(database.sql, clock).claim(name, hash, 'rcp_1');
    const stepped = journalAt(LATER);
    stepped.time.now += 40 * 3_600_000;
    await stepped.journal.purge();
    expect(await count()).toBe(1);
    // It could be so for longer: then the database knows better.
    for (const [now, left] of [
      [undefined, 1],
      [LATER, 0],
    ] as const) {
      const { time, journal } = journalAt(now);
      time.now += 40 * 3_600_000;
      await journal.purge();
      time.now += 3_600_000;
      time.monotonic += 3_600_000;
      await journal.purge();
      expect(await count()).toBe(left);
    }
  });
});
