import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Audit, createAudit } from './service.js';
import { type AuditWorld, auditDeps, decision, openAuditWorld } from './testing/room.js';

let world: AuditWorld;
const open: Audit[] = [];

beforeAll(async () => {
  world = await openAuditWorld();
});
afterEach(async () => {
  for (const audit of open.splice(0)) await audit.stop();
});
afterAll(() => world.close());

async function start(tiles: string, partition: number, sql = world.sql): Promise<Audit> {
  const audit = createAudit(auditDeps(sql, tiles, { limits: { partition } }));
  open.push(audit);
  await audit.start();
  return audit;
}

const record = (audit: Audit, count: number) =>
  Promise.all(Array.from({ length: count }, () => audit.record(decision())));

const ends = async (): Promise<number[]> =>
  (await world.sql.query<{ hi: number }>('SELECT hi FROM audit_partition ORDER BY hi')).map(({ hi }) => hi);

describe('the rows of a log', () => {
  it('are divided by their index, with a table ahead', async () => {
    const audit = await start(await world.fresh(), 64);
    await record(audit, 200);
    const rows = await world.sql.query<{ part: string; from: number; to: number }>(
      `SELECT tableoid::regclass::text AS part, min(idx) AS from, max(idx) AS to FROM audit_event GROUP BY 1 ORDER BY 2`,
    );
    expect(rows.map(({ part }) => part)).toEqual([0, 64, 128, 192].map((lo) => `audit_event_${lo}`));
    expect(rows.map(({ from, to }) => [from, to])).toEqual([
      [0, 63],
      [64, 127],
      [128, 191],
      [192, 200],
    ]);
    expect((await ends()).at(-1)).toBeGreaterThanOrEqual(256);
  });

  it('go on in tables of another size after a start that asks for it', async () => {
    const tiles = await world.fresh();
    const first = await start(tiles, 64);
    await record(first, 10);
    await first.stop();
    const end = (await ends()).at(-1)!;
    const second = await start(tiles, 32);
    await record(second, 200);
    const all = await ends();
    expect(all.slice(all.indexOf(end), all.indexOf(end) + 2)).toEqual([end, end + 32]);
    expect(await world.sql.query('SELECT count(*)::int AS n FROM audit_index')).toEqual([{ n: 212 }]);
  });

  it('wait for their table when it could not be made ahead, and are refused if it cannot be made at all', async () => {
    const state = { fails: false };
    const transaction: typeof world.sql.transaction = (work, isolation) =>
      state.fails ? Promise.reject(new Error('no table today')) : world.sql.transaction(work, isolation);
    const audit = await start(await world.fresh(), 64, { ...world.sql, transaction });
    const limit = (await ends()).at(-1)!;
    // Checkpoints are kept in a transaction too: none is due while nothing is recorded.
    await audit.receipt((await audit.events({ limit: 1 })).events[0]!.receipt);
    state.fails = true;
    const drafts = Array.from({ length: limit + 1 }, () => decision());
    const ended = await Promise.allSettled(drafts.map((draft) => audit.record(draft)));
    expect(ended.some(({ status }) => status === 'rejected')).toBe(true);
    state.fails = false;
    const refused = drafts.filter((_, i) => ended[i]?.status === 'rejected');
    await expect
      .poll(() => Promise.allSettled(refused.map((draft) => audit.record(draft))), { timeout: 20_000 })
      .toSatisfy((all: PromiseSettledResult<unknown>[]) => all.every(({ status }) => status === 'fulfilled'));
    expect(await world.sql.query('SELECT count(*)::int AS n FROM audit_event')).toEqual([{ n: limit + 2 }]);
  });
});
