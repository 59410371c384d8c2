import {
  type AuditEvent,
  createChecker,
  EventStats,
  type StatsBucket,
  type StatsBy,
  type StatsSeries,
} from '@talosprotocol/contracts';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../../platform/log.js';
import { clock } from '../../platform/system.js';
import type { AuditDraft } from '../draft.js';
import { type Audit, createAudit } from '../service.js';
import { type Recounted, recount } from '../testing/recount.js';
import { type AuditWorld, auditDeps, decision, openAuditWorld, outcome } from '../testing/room.js';
import { createTraffic } from '../testing/traffic.js';
import { createRoller } from './roller.js';
import { createStatistics } from './stats.js';
import { DIMENSIONS, UNITS } from './units.js';

let world: AuditWorld;
let now = 0;
const SLOW_MS = 180_000;
const START = Date.parse('2026-03-01T22:30:00.000Z');
const silent = createLog({ level: 'silent', format: 'json', clock });
const BYS = Object.keys(DIMENSIONS) as StatsBy[];
const BUCKETS = Object.keys(UNITS) as StatsBucket[];

beforeAll(async () => {
  world = await openAuditWorld();
});
afterAll(() => world.close());
let open: Audit | undefined;
// A room that is stopped already has nothing to stop.
afterEach(async () => open?.stop());

/** A room over an empty log, or over the one that is there. Nothing is counted but by `step`. */
async function openRoom(tiles: string, pauseMs = 1e9): Promise<Audit> {
  const audit = createAudit(
    auditDeps(world.sql, tiles, {
      clock: { ...clock, now: () => now },
      limits: { partition: 128, rollup: { pauseMs } },
    }),
  );
  await audit.start();
  open = audit;
  return audit;
}

async function readAll(): Promise<AuditEvent[]> {
  const rows = await world.sql.query<{ event: string }>('SELECT event FROM audit_event ORDER BY idx');
  return rows.map(({ event }) => JSON.parse(event) as AuditEvent);
}

const rollerOf = (chunk: number, limits: object = {}) =>
  createRoller({ sql: world.sql, log: silent, limits: { chunk, ...limits } });

async function countAll(chunk: number, limits: object = {}): Promise<void> {
  const roller = rollerOf(chunk, limits);
  while (!(await roller.step()));
}

const statistics = () =>
  createStatistics({
    sql: world.sql,
    clock: { ...clock, now: () => now },
    log: silent,
    roller: { step: async () => true },
  });

const sumsOf = ({ events, allowed, denied, cost, tokens }: Omit<StatsSeries, 'points'>): Recounted => ({
  tokens,
  events,
  allowed,
  denied,
  cost: Object.fromEntries(cost.map(({ amount, currency }) => [currency, BigInt(amount)])),
});

const time = (ms: number): string => new Date(ms).toISOString();

/** Holds an answer against the events themselves: every group, every bucket of it, what has no value, and the total. */
async function expectRecounted(events: readonly AuditEvent[], by: StatsBy, bucket: StatsBucket) {
  const width = UNITS[bucket] * 60_000;
  const since = Math.max(Math.floor(START / width) * width, Math.floor(now / width - 39) * width);
  const stats = await statistics().eventStats({
    by,
    bucket,
    since: time(since),
    until: time(now + 1),
    top: 50,
  });
  expect(createChecker(EventStats)(stats)).toBeUndefined();
  const until = Date.parse(stats.until);
  const told = new Map<string | null, StatsSeries>(stats.groups.map((group) => [group.value, group]));
  if (stats.none !== undefined && stats.none.events > 0) told.set(null, stats.none);
  const expected = recount(events, by, { since, until });
  expect(new Map([...told].map(([value, series]) => [value, sumsOf(series)]))).toEqual(new Map(expected));
  for (const [value, series] of told) {
    for (const point of series.points) {
      const start = Date.parse(point.start);
      const inside = recount(events, by, { since: start, until: start + width }).get(value);
      expect(sumsOf(point), `${by} ${value} ${point.start}`).toEqual(inside);
    }
    expect(series.points.reduce((sum, { events: n }) => sum + n, 0)).toBe(series.events);
  }
  for (const { start, events: n } of stats.total.points) {
    const inside = recount(events, by, { since: Date.parse(start), until: Date.parse(start) + width });
    expect(n, start).toBe([...inside.values()].reduce((sum, one) => sum + one.events, 0));
  }
  expect(new Set(stats.total.points.map(({ start }) => start)).size).toBe(stats.total.points.length);
  expect(stats.total.events).toBe([...expected.values()].reduce((sum, { events: n }) => sum + n, 0));
  expect(stats.others).toMatchObject({ values: 0, unnamed: 0, events: 0 });
}

describe('AUD-120, AUD-121: numbers are those of a recount', () => {
  it(
    'over duplicates, restarts, interruptions, and when they are made again',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 1_000 }),
          fc.integer({ min: 1, max: 97 }),
          fc.array(
            fc.record({
              events: fc.integer({ min: 1, max: 60 }),
              minutes: fc.integer({ min: 0, max: 200 }),
              next: fc.constantFrom('restart', 'count', 'count twice', 'forget', 'lose', 'nothing'),
            }),
            { minLength: 2, maxLength: 7 },
          ),
          async (seed, chunk, rounds) => {
            now = START;
            const tiles = await world.fresh();
            let audit = await openRoom(tiles);
            const traffic = createTraffic({
              seed,
              agents: 5,
              chainsPerAgent: 2,
              tools: 9,
              exp: 2_000_000_000,
            });
            for (const round of rounds) {
              const drafts = traffic.next(round.events);
              const record = (all: readonly AuditDraft[]) =>
                Promise.all(all.map((draft) => audit.record(draft as never)));
              await record(drafts);
              // Handed in again, they are in the log once.
              await record(drafts.filter((draft) => draft.type !== 'chain').slice(0, 9));
              now += round.minutes * 60_000;
              if (round.next === 'restart') {
                await audit.stop();
                audit = await openRoom(tiles);
              }
              if (round.next === 'count') await rollerOf(chunk).step();
              if (round.next === 'count twice')
                await Promise.all([rollerOf(chunk).step(), rollerOf(chunk).step()]);
              if (round.next === 'forget') await world.sql.query('DELETE FROM audit_rollup');
              if (round.next === 'lose') await world.sql.query('TRUNCATE audit_tally');
            }
            await countAll(chunk);
            const events = await readAll();
            for (const by of BYS) for (const bucket of BUCKETS) await expectRecounted(events, by, bucket);
            await audit.stop();
          },
        ),
        { numRuns: 8 },
      );
    },
    SLOW_MS,
  );

  it('tells the planner about a table that grows, before anything else does', async () => {
    const known = async (): Promise<number> => {
      const [row] = await world.sql.query<{ rows: number }>(
        "SELECT reltuples::bigint AS rows FROM pg_class WHERE relname = 'audit_tally'",
      );
      return row?.rows ?? 0;
    };
    now = START;
    const room = await openRoom(await world.fresh());
    await world.sql.query('ANALYZE audit_tally');
    for (let i = 0; i < 40; i += 1) await room.record(decision());
    expect(await known()).toBe(0);
    await rollerOf(10).step();
    const first = await known();
    expect(first).toBeGreaterThan(0);
    await rollerOf(20).step();
    expect(await known()).toBeGreaterThanOrEqual(first);
  });

  it('counts nothing of a chunk whose transaction fails, and all of it afterwards', async () => {
    now = START;
    const audit = await openRoom(await world.fresh());
    for (let i = 0; i < 10; i += 1) await audit.record(decision());
    await world.sql.query(
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'`,
    );
    await world.sql.query(
      'CREATE TRIGGER refuse BEFORE UPDATE ON audit_rollup FOR EACH ROW EXECUTE FUNCTION refuse()',
    );
    await expect(rollerOf(100).step()).rejects.toThrow();
    await world.sql.query('DROP FUNCTION refuse CASCADE');
    await countAll(100);
    const { total, counted } = await statistics().eventStats({});
    expect(total.events).toBe(counted.size);
    expect(counted).toMatchObject({ from: 0, to: counted.size });
  });

  it('sums more money than a JSON number holds', async () => {
    now = START;
    const audit = await openRoom(await world.fresh());
    for (let i = 0; i < 3; i += 1) {
      const made = decision();
      const end = outcome(made);
      await audit.record(made);
      const cost = { amount: Number.MAX_SAFE_INTEGER, currency: 'EUR' };
      await audit.record({ ...end, members: { ...end.members, cost } });
    }
    await countAll(3);
    const { cost } = (await statistics().eventStats({})).total;
    expect(cost).toEqual([{ amount: String(9_007_199_254_740_991n * 3n), currency: 'EUR' }]);
  });
});

describe('AUD-122: how many values are named is bounded', () => {
  /** Denied calls of tools that nobody has. */
  const invented = (number: number): AuditDraft<'decision'> => {
    const made = decision({ effect: 'deny' });
    const action = { ...made.members.action, tool: `invented_${number}` };
    return { ...made, members: { ...made.members, action, code: 'UNKNOWN_TOOL' } };
  };

  it('what is only made up is named up to its share, and crowds out nothing that was allowed', async () => {
    now = START;
    const audit = await openRoom(await world.fresh());
    for (let i = 0; i < 20; i += 1) await audit.record(invented(i));
    await countAll(7, { named: 6, unproven: 3 });
    await audit.record(decision());
    await countAll(7, { named: 6, unproven: 3 });
    const stats = await statistics().eventStats({ by: 'tool', top: 50 });
    expect(stats.groups.map(({ value, events }) => [value, events])).toEqual([
      ['files/invented_0', 1],
      ['files/invented_1', 1],
      ['files/invented_2', 1],
      ['files/read', 1],
    ]);
    expect(stats.others).toMatchObject({ values: 0, unnamed: 17, events: 17, denied: 17 });
    expect(stats.total.events).toBe(stats.counted.size);
  });

  it('the table does not grow with the number of values', async () => {
    now = START;
    const audit = await openRoom(await world.fresh());
    const limits = { named: 6, unproven: 3 };
    const rows = async (): Promise<number> => {
      await countAll(50, limits);
      return (await world.sql.query('SELECT 1 FROM audit_tally WHERE dim = 3')).length;
    };
    for (let i = 0; i < 20; i += 1) await audit.record(invented(i));
    const before = await rows();
    for (let i = 20; i < 120; i += 1) await audit.record(invented(i));
    expect(await rows()).toBe(before);
  });
});

describe('AUD-120: what is asked for', () => {
  it('top values, the others named as such, one value by itself, and no value at all', async () => {
    now = START;
    const audit = await openRoom(await world.fresh());
    const traffic = createTraffic({ seed: 3, agents: 8, chainsPerAgent: 1, tools: 9, exp: 2_000_000_000 });
    for (const draft of traffic.next(400)) await audit.record(draft as never);
    await countAll(64);
    const events = await readAll();
    const all = recount(events, 'agent', { since: 0, until: Number.POSITIVE_INFINITY });
    const named = [...all].filter(([value]) => value !== null).sort(([, a], [, b]) => b.events - a.events);
    const stats = await statistics().eventStats({ by: 'agent', top: 3 });
    expect(stats.groups.map(({ events: n }) => n)).toEqual(named.slice(0, 3).map(([, { events: n }]) => n));
    const left = named.slice(3).reduce((sum, [, { events: n }]) => sum + n, 0);
    expect(stats.others).toMatchObject({ values: named.length - 3, unnamed: 0, events: left });
    expect(stats.none?.events).toBe(all.get(null)?.events);
    const last = named.at(-1)?.[0] ?? '';
    const one = await statistics().eventStats({ by: 'agent', value: last });
    expect(one.groups.map((group) => [group.value, sumsOf(group)])).toEqual([[last, all.get(last)]]);
    expect(one.others?.values).toBe(named.length - 1);
    const plain = await statistics().eventStats({});
    expect(plain).toMatchObject({ groups: [], total: { events: events.length } });
    expect(Object.keys(plain)).not.toContain('others');
  });

  it('values are ranked by what they had in the time asked for, however long it is and wherever it begins', async () => {
    now = START;
    const audit = await openRoom(await world.fresh());
    const traffic = createTraffic({ seed: 5, agents: 8, chainsPerAgent: 1, tools: 9, exp: 2_000_000_000 });
    for (let day = 0; day < 90; day += 1) {
      for (const draft of traffic.next(6)) await audit.record(draft as never);
      now += 86_400_000 * (0.3 + 1.4 * ((day * 7) % 10) * 0.1);
    }
    await countAll(64);
    const events = await readAll();
    const all = now - START;
    for (let i = 0; i < 60; i += 1) {
      const bucket = BUCKETS[i % BUCKETS.length] as StatsBucket;
      const width = UNITS[bucket] * 60_000;
      const since = Math.floor((START + ((i * 0.137) % 1) * all) / width) * width;
      const until = since + (1 + ((i * 61) % 400)) * width;
      const stats = await statistics().eventStats({
        by: 'agent',
        bucket,
        since: time(since),
        until: time(until),
        top: 3,
      });
      const right = recount(events, 'agent', { since, until });
      const named = [...right].flatMap(([value, { events: n }]) => (value === null ? [] : [n]));
      const most = named.sort((a, b) => b - a);
      expect(stats.groups.map(({ events: n }) => n)).toEqual(most.slice(0, 3));
      const room = Math.floor(2_000 / ((until - since) / width));
      const untold = await statistics().eventStats({
        by: 'agent',
        bucket,
        since: time(since),
        until: time(until),
      });
      expect(untold.groups).toHaveLength(Math.min(10, room, most.length));
      const told = stats.groups.map((group) => [group.value, sumsOf(group)]);
      expect(told).toEqual(stats.groups.map(({ value }) => [value, right.get(value)]));
      const left = most.slice(3).reduce((sum, n) => sum + n, 0);
      expect(stats.others).toMatchObject({ values: Math.max(0, most.length - 3), events: left });
      expect(stats.others?.points.reduce((sum, { events: n }) => sum + n, 0)).toBe(left);
    }
  });

  it('buckets are whole ones in UTC, and their number is bounded', async () => {
    now = Date.parse('2026-03-02T00:00:30.000Z');
    const { eventStats } = statistics();
    expect(await eventStats({ bucket: 'day' })).toMatchObject({
      since: '2026-02-01T00:00:00.000Z',
      until: '2026-03-03T00:00:00.000Z',
    });
    const span = { since: '2026-03-01T10:20:30.000Z', until: '2026-03-01T12:00:00.000Z' };
    expect(await eventStats(span)).toMatchObject({
      bucket: 'hour',
      since: '2026-03-01T10:00:00.000Z',
      until: '2026-03-01T12:00:00.000Z',
    });
    for (const [query, reason] of [
      [{ ...span, bucket: 'minute', since: '2026-02-01T10:00:00.000Z' }, 'more than 400'],
      [{ since: span.until, until: span.since }, 'until is not behind since'],
      [{ ...span, bucket: 'minute', by: 'agent', top: 21 }, 'more than 2000 points'],
      [{ since: '9999-12-31T00:00:00.000Z', until: '9999-12-31T12:00:00.000Z' }, 'not counted'],
    ] as const) {
      expect(() => eventStats(query)).toThrow(reason);
    }
  });

  it('is answered from what was counted when nothing can be counted now', async () => {
    now = START;
    const audit = await openRoom(await world.fresh());
    await countAll(64);
    const broken = createStatistics({
      sql: world.sql,
      clock: { ...clock, now: () => now },
      log: silent,
      roller: { step: async () => Promise.reject(new Error('the disk is full')) },
    });
    await audit.record(decision());
    const { counted } = await broken.eventStats({});
    expect(counted.to).toBe(counted.size - 1);
  });
});

describe('AUD-123: what is pruned', () => {
  it('stays counted by day, and is not once the sums are made again', async () => {
    now = START;
    const audit = await openRoom(await world.fresh());
    for (let i = 0; i < 8; i += 1) await audit.record(decision());
    await countAll(100);
    const byDay = () => statistics().eventStats({ bucket: 'day' });
    const { counted } = await byDay();
    await world.sql.query('UPDATE audit_log SET pruned = 5');
    await countAll(100);
    expect(await byDay()).toMatchObject({ counted, total: { events: counted.size } });
    for (const bucket of ['minute', 'hour'] as const)
      expect((await statistics().eventStats({ bucket })).counted).toEqual({ ...counted, from: 5 });
    await world.sql.query('DELETE FROM audit_rollup');
    await countAll(100);
    expect(await byDay()).toMatchObject({
      counted: { ...counted, from: 5 },
      total: { events: counted.size - 5 },
    });
  });
});

describe('the room', () => {
  it('counts on its own, and what was recorded a moment ago when it is asked', async () => {
    now = START;
    const audit = await openRoom(await world.fresh(), 5);
    await audit.record(decision());
    await expect
      .poll(async () => (await statistics().eventStats({})).counted)
      .toMatchObject({ to: (await audit.stats()).sequenced });
    await audit.record(decision());
    const { counted, total } = await audit.eventStats({});
    expect(counted).toEqual({ from: 0, to: counted.size, size: (await audit.stats()).sequenced });
    expect(total.events).toBe(counted.size);
  });
});
