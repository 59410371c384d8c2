import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMetrics } from '../../platform/metrics/metrics.js';
import { createRedis, type Redis } from '../../platform/redis/redis.js';
import { createSecret } from '../../platform/secret.js';
import { type OwnRedis, startRedis } from '../../platform/testing/redis.js';
import { createTestLog } from '../../platform/testing/test-log.js';
import { createRateGate } from './gate.js';
import { createMemoryLimits } from './memory-limits.js';
import { createRedisLimits } from './redis-limits.js';
import { compileRates, type RatedCall } from './rules.js';

const CALL: RatedCall = { surface: 'llm', principal: 'p', key: 'k', address: 'a', model: 'o/m', tokens: 400 };

function inProcess(...rules: Parameters<typeof compileRates>[0]) {
  const metrics = createMetrics();
  const gate = createRateGate(
    createMemoryLimits(() => performance.now()),
    metrics,
    createTestLog(),
  );
  const rates = compileRates(rules);
  const take = (change: Partial<RatedCall> = {}) => gate.take(rates, { ...CALL, ...change }, randomUUID());
  return { take, metrics };
}

describe('the gate', () => {
  it('LIM-4 gives back what a call did not use, takes what it used more, and keeps what nobody counted', async () => {
    const { take } = inProcess({ per: 'principal', tokens: { perMinute: 60, burst: 1_000 } });
    const left = async () => {
      const ticket = await take({ tokens: 1 });
      ticket.end(0);
      return ticket.report?.shown[0]?.left;
    };
    const first = await take();
    first.end(100);
    first.end(0);
    expect(await left()).toBe(899);
    (await take()).end(500);
    expect(await left()).toBe(399);
    (await take({ tokens: 300 })).end(undefined);
    expect(await left()).toBe(99);
    (await take({ tokens: 50 })).end(9_999);
    expect((await take({ tokens: 50 })).refusal).toMatchObject({ code: 'RATE_LIMITED' });
  });

  it('LIM-4 tells nobody to wait for what never passes', async () => {
    const { take, metrics } = inProcess({ per: 'key', tokens: { perMinute: 300 } });
    const { refusal } = await take();
    expect(refusal).toMatchObject({
      code: 'POLICY_DENIED',
      data: {
        caveat: '300 tokens a minute per key',
        hint: expect.stringContaining('come to 400 tokens, and at most 300'),
      },
    });
    expect((await take({ tokens: 300 })).refusal).toBeUndefined();
    expect(metrics.text()).toContain('talos_rate_refusals_total{kind="tokens",per="key"} 1');
  });

  it('LIM-5 says which rate it was, and when to come again', async () => {
    const { take, metrics } = inProcess({ per: 'model', requests: { perMinute: 6, burst: 1 } });
    expect((await take()).refusal).toBeUndefined();
    const { refusal, report } = await take();
    expect(report?.retryAfter).toBe(10);
    expect(refusal).toMatchObject({
      code: 'RATE_LIMITED',
      data: {
        caveat: '6 requests a minute per model',
        hint: 'Try again in 10 s: there are 6 requests a minute per model.',
      },
    });
    expect(metrics.text()).toContain('talos_rate_refusals_total{kind="requests",per="model"} 1');
  });

  it('asks nobody about a call that no rate counts', async () => {
    const { take } = inProcess({ per: 'principal', surface: 'mcp', concurrent: 1 });
    expect(Object.keys(await take())).toEqual(['end']);
  });
});

describe('the gate on Redis', () => {
  let server: OwnRedis;
  let redis: Redis;
  beforeAll(async () => {
    server = await startRedis();
    redis = createRedis({ url: createSecret(server.url), log: createTestLog(), timeoutMs: 200 });
    await redis.check();
  });
  afterAll(async () => {
    await redis?.close();
    await server?.close();
  });
  const open = (leaseMs?: number) => {
    const lines: string[] = [];
    const metrics = createMetrics();
    const platform = randomUUID();
    const limits = createRedisLimits({ redis, platform, ...(leaseMs === undefined ? {} : { leaseMs }) });
    const gate = createRateGate(limits, metrics, createTestLog(lines));
    const take = (...rules: Parameters<typeof compileRates>[0]) =>
      gate.take(compileRates(rules), CALL, randomUUID());
    return { gate, take, metrics, lines };
  };

  it('LIM-3 renews the places of running calls, and of no others', async () => {
    const { take } = open(150);
    const one = { per: 'key', concurrent: 1 } as const;
    const ticket = await take(one);
    await sleep(500);
    expect((await take(one)).refusal).toMatchObject({ code: 'RATE_LIMITED' });
    ticket.end(undefined);
    const next = await take(one);
    expect(next.refusal).toBeUndefined();
    next.end(undefined);
  });

  it('LIM-3 lets the places of whoever does not run any more go', async () => {
    const { gate, take } = open(150);
    const one = { per: 'key', concurrent: 1 } as const;
    await take(one);
    // As if the process had been killed: nothing is renewed, nothing given back.
    gate.stop();
    expect((await take(one)).refusal).toMatchObject({ code: 'RATE_LIMITED' });
    await sleep(200);
    expect((await take(one)).refusal).toBeUndefined();
    gate.stop();
  });

  it('LIM-6 refuses while nobody can count, lets pass what the operator let pass, and recovers by itself', async () => {
    const { take, metrics, lines } = open();
    const strict = { per: 'key', concurrent: 5 } as const;
    const lax = { per: 'principal', concurrent: 5, onDown: 'allow' } as const;
    const running = await take(strict);
    await server.kill();
    try {
      expect((await take(strict)).refusal).toMatchObject({ code: 'UNAVAILABLE' });
      expect((await take(strict, lax)).refusal).toMatchObject({ code: 'UNAVAILABLE' });
      const passed = await take(lax);
      expect([passed.refusal, passed.report]).toEqual([undefined, undefined]);
      passed.end(undefined);
      running.end(undefined);
    } finally {
      await server.restart();
    }
    await expect.poll(async () => (await take(strict)).refusal).toBeUndefined();
    expect(metrics.text()).toMatch(/talos_rate_outages_total\{effect="deny"\} (?:[2-9]|[1-9][0-9]+)$/m);
    expect(metrics.text()).toContain('talos_rate_outages_total{effect="allow"} 1');
    expect(metrics.text()).toContain('talos_rate_failures_total 1');
    expect(lines).toEqual([
      expect.stringContaining('rates cannot be counted'),
      expect.stringContaining('rates are counted again'),
    ]);
  });

  it('LIM-8 takes the places of running calls again in a Redis that has lost everything', async () => {
    const { take } = open(600);
    const one = { per: 'key', concurrent: 1 } as const;
    const running = await take(one);
    await server.kill();
    await server.restart();
    const probe = async () => {
      const { refusal, end } = await take(one);
      end(undefined);
      return refusal?.code;
    };
    await expect.poll(probe).toBe('RATE_LIMITED');
    running.end(undefined);
    await expect.poll(probe).toBeUndefined();
  });

  it('LIM-6 refuses when Redis is slow, and keeps no place for what it refused', async () => {
    const { take } = open();
    const one = { per: 'key', concurrent: 1 } as const;
    server.signal('SIGSTOP');
    try {
      const began = performance.now();
      expect((await take(one)).refusal).toMatchObject({ code: 'UNAVAILABLE' });
      expect(performance.now() - began).toBeLessThan(1_000);
    } finally {
      server.signal('SIGCONT');
    }
    await expect.poll(async () => (await take(one)).refusal?.code).toBeUndefined();
  });
});
