import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRedis, type Redis } from '../../platform/redis/redis.js';
import { createSecret } from '../../platform/secret.js';
import {
  openTestRedis,
  startRedis,
  startRedisCluster,
  type TestRedis,
} from '../../platform/testing/redis.js';
import { createTestLog } from '../../platform/testing/test-log.js';
import { createMemoryLimits } from './memory-limits.js';
import type { Demand, RateKind, RateLimits } from './rate-limits.js';
import { createRedisLimits } from './redis-limits.js';

const opened: { close(): Promise<void> }[] = [];
afterAll(async () => {
  for (const one of opened.reverse()) await one.close();
});

async function connectTo(server: TestRedis): Promise<Redis> {
  const redis = createRedis({ url: createSecret(server.url), log: createTestLog() });
  opened.push(server, redis);
  await redis.check();
  return redis;
}

async function onRedis(server: Promise<TestRedis>): Promise<RateLimits> {
  return createRedisLimits({ redis: await connectTo(await server), platform: randomUUID() });
}

const IMPLEMENTATIONS: readonly (readonly [string, () => Promise<RateLimits>])[] = [
  ['in process', async () => createMemoryLimits(() => performance.now())],
  ['in Redis', () => onRedis(openTestRedis())],
  ['in a Redis Cluster', () => onRedis(startRedisCluster())],
];

/** A counter of its own. */
function demand(kind: RateKind, capacity: number, perMinute = 1, amount = 1): Demand {
  return { kind, key: randomUUID(), capacity, perMinute, amount };
}

// LIM-2, LIM-3, LIM-4: the same on each of them.
describe.each(IMPLEMENTATIONS)('rate limits %s', (_, open) => {
  let limits: RateLimits;
  beforeAll(async () => {
    limits = await open();
  });
  const take = (...demands: Demand[]) => limits.take(randomUUID(), demands);
  const leftIn = async (one: Demand) => (await take({ ...one, amount: one.capacity })).left[0];

  it('give a burst, and then say how long to wait', async () => {
    const requests = demand('requests', 3, 6);
    expect((await take(requests)).left).toEqual([2]);
    expect((await take(requests)).left).toEqual([1]);
    expect(await take(requests)).toEqual({ left: [0] });
    const { left, missing } = await take(requests);
    expect(left).toEqual([0]);
    expect(missing?.index).toBe(0);
    expect(missing?.waitMs).toBeGreaterThan(8_000);
    expect(missing?.waitMs).toBeLessThanOrEqual(10_000);
  });

  it('fill again by themselves, never beyond the burst', async () => {
    const requests = demand('requests', 2, 6_000);
    await take(requests);
    await take(requests);
    await sleep(25);
    expect((await take(requests)).missing).toBeUndefined();
    await sleep(100);
    const passed = [await take(requests), await take(requests)];
    expect(passed.map(({ missing }) => missing)).toEqual([undefined, undefined]);
    expect(passed[0]?.left).toEqual([1]);
  });

  it('take everything or nothing, and name what is missing for the longest time', async () => {
    const roomy = demand('requests', 10, 1);
    const tokens = demand('tokens', 100, 60, 60);
    const places = demand('concurrent', 1);
    await take(roomy, tokens, places);
    const refused = await take(roomy, tokens, places);
    // 20 tokens flow in 20 s; a place may be free in one.
    expect(refused.left).toEqual([9, expect.closeTo(40, -1), 0]);
    expect(refused.missing?.index).toBe(1);
    expect(refused.missing?.waitMs).toBeGreaterThan(15_000);
    expect(await leftIn(roomy)).toBe(9);
    const only = await take(roomy, places);
    expect(only.missing).toEqual({ index: 1, waitMs: 1_000 });
  });

  it('correct tokens to what was used, never below nothing, never above the burst', async () => {
    const tokens = demand('tokens', 1_000, 1, 400);
    const requests = demand('requests', 10, 1);
    const lease = randomUUID();
    expect((await limits.take(lease, [requests, tokens])).left).toEqual([9, 600]);
    await limits.end(lease, [requests, tokens], -390);
    expect(await leftIn({ ...tokens, capacity: 1_000 })).toBe(990);
    expect(await leftIn(requests)).toBe(9);
    await limits.end(lease, [tokens], -5_000);
    expect((await take({ ...tokens, amount: 1_000 })).missing).toBeUndefined();
    await limits.end(lease, [tokens], 5_000);
    expect((await take({ ...tokens, amount: 1 })).left).toEqual([0]);
    await limits.end(lease, [tokens], -10);
    expect((await take({ ...tokens, amount: 1 })).left).toEqual([9]);
  });

  it('let so many calls run at one time, each until it gives its place back', async () => {
    const places = demand('concurrent', 2);
    const [first, second] = [randomUUID(), randomUUID()];
    expect((await limits.take(first, [places])).left).toEqual([1]);
    expect((await limits.take(second, [places])).left).toEqual([0]);
    expect((await take(places)).missing?.index).toBe(0);
    await limits.renew(first, [places]);
    await limits.end(first, [places], 0);
    await limits.end(first, [places], 0);
    expect((await take(places)).missing).toBeUndefined();
    expect((await take(places)).missing?.index).toBe(0);
  });

  it('go by what is asked now: a limit that was changed holds at once', async () => {
    const wide = demand('requests', 100, 1);
    for (let calls = 0; calls < 10; calls += 1) await take(wide);
    const narrow = { ...wide, capacity: 5 };
    expect((await take(narrow)).left).toEqual([4]);
    expect((await take(wide)).left).toEqual([3]);
  });

  it('are exact for callers at the same time', async () => {
    const requests = demand('requests', 20, 1);
    const tried = await Promise.all(Array.from({ length: 100 }, () => take(requests)));
    expect(tried.filter(({ missing }) => missing === undefined)).toHaveLength(20);
  });

  it('say no less than the truth, whatever was asked before', async () => {
    const step = fc.record({
      amount: fc.integer({ min: 1, max: 50 }),
      more: fc.integer({ min: -60, max: 60 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const tokens = demand('tokens', 50, 1);
        let level = 50;
        for (const { amount, more } of steps) {
          const lease = randomUUID();
          const { left, missing } = await limits.take(lease, [{ ...tokens, amount }]);
          expect(missing === undefined).toBe(amount <= level + 0.5);
          if (missing !== undefined) continue;
          level -= amount;
          expect(Math.abs((left[0] ?? -1) - level)).toBeLessThanOrEqual(1);
          const held = Math.max(-amount, more);
          await limits.end(lease, [{ ...tokens, amount }], held);
          level = Math.min(50, Math.max(0, level - held));
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe('rate limits in Redis', () => {
  it('leave nothing behind: every key goes by itself', async () => {
    const server = await startRedis();
    const redis = await connectTo(server);
    const limits = createRedisLimits({ redis, platform: 'did:key:z6Mk', leaseMs: 60 });
    const demands = [demand('requests', 1, 60_000), demand('tokens', 10, 60_000, 5), demand('concurrent', 1)];
    await limits.take('a', demands);
    const keys = async () => {
      const { createScript } = await import('../../platform/redis/redis.js');
      return (await redis.run(createScript("return redis.call('KEYS', '*')"), [], [])) as string[];
    };
    const seen = await keys();
    expect(seen).toHaveLength(3);
    // One hash tag, and nothing of what was counted.
    expect(new Set(seen.map((key) => /\{[^}]+\}/.exec(key)?.[0])).size).toBe(1);
    expect(seen.join()).not.toContain(demands[0]?.key);
    await expect.poll(keys).toEqual([]);
  });

  it('free the place of whoever does not renew it, and keep that of whoever does', async () => {
    const redis = await connectTo(await openTestRedis());
    const limits = createRedisLimits({ redis, platform: randomUUID(), leaseMs: 300 });
    const places = demand('concurrent', 2);
    await limits.take('renewed', [places]);
    await limits.take('forgotten', [places]);
    for (let rounds = 0; rounds < 5; rounds += 1) {
      await sleep(100);
      await limits.renew('renewed', [places]);
    }
    expect((await limits.take('next', [places])).left).toEqual([0]);
    expect((await limits.take('more', [places])).missing?.index).toBe(0);
  });

  it('keep platforms apart', async () => {
    const redis = await connectTo(await openTestRedis());
    const [one, other] = [randomUUID(), randomUUID()].map((platform) =>
      createRedisLimits({ redis, platform }),
    );
    const requests = demand('requests', 1, 1);
    expect((await one?.take('a', [requests]))?.missing).toBeUndefined();
    expect((await one?.take('b', [requests]))?.missing?.index).toBe(0);
    expect((await other?.take('c', [requests]))?.missing).toBeUndefined();
  });
});
