import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { RateRule } from '@talosprotocol/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createRateGate } from '../../packages/server/src/gateway/limits/gate.js';
import { createRedisLimits } from '../../packages/server/src/gateway/limits/redis-limits.js';
import { compileRates } from '../../packages/server/src/gateway/limits/rules.js';
import type {
  TakingLine,
  TakingTask,
} from '../../packages/server/src/gateway/limits/testing/taking-process.js';
import { createMetrics } from '../../packages/server/src/platform/metrics/metrics.js';
import { createRedis, type Redis } from '../../packages/server/src/platform/redis/redis.js';
import { createSecret } from '../../packages/server/src/platform/secret.js';
import { type OwnRedis, startRedis } from '../../packages/server/src/platform/testing/redis.js';
import { createTestLog } from '../../packages/server/src/platform/testing/test-log.js';
import { buildProgram } from './program.js';

const LEASE_MS = 1_500;
let server: OwnRedis;
let redis: Redis;
let program: Awaited<ReturnType<typeof buildProgram>>;
const started: ChildProcess[] = [];

beforeAll(async () => {
  server = await startRedis();
  redis = createRedis({ url: createSecret(server.url), log: createTestLog() });
  await redis.check();
  program = await buildProgram(
    'server/src/gateway/limits/testing/taking-process.ts',
    'packages/server/node_modules/.cache',
  );
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
  await program?.remove();
  await redis?.close();
  await server?.close();
});

/** A process that counts in the same Redis, and what of its calls passed. */
function startProcess(platform: string, rule: RateRule, forMs: TakingTask['forMs']) {
  const task: TakingTask = { url: server.url, platform, rule, leaseMs: LEASE_MS, forMs, name: randomUUID() };
  const child = spawn(process.execPath, [program.path], { stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(child);
  child.stdin?.end(JSON.stringify(task));
  const passed: TakingLine[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => passed.push(JSON.parse(line) as TakingLine));
  return { child, passed, ended: once(child, 'close') };
}

describe('many processes on one Redis', () => {
  it('LIM-2 LIM-8 together never let more pass than a burst and what flows, over any span of time', async () => {
    const [burst, perMinute] = [40, 6_000];
    const rule: RateRule = { per: 'principal', requests: { perMinute, burst } };
    const platform = randomUUID();
    const all = Array.from({ length: 4 }, () => startProcess(platform, rule, 2_500));
    await Promise.all(all.map(({ ended }) => ended));
    const passed = all.flatMap((one) => one.passed);
    expect(all.every((one) => one.passed.length > 0)).toBe(true);
    // Whatever was asked for and answered within a span, passed within it.
    const byEnd = passed.toSorted((a, b) => a.to - b.to);
    for (const { from: begin } of passed) {
      let inside = 0;
      for (const { from, to } of byEnd) {
        if (from < begin) continue;
        inside += 1;
        // A millisecond at each end: clocks tell whole ones.
        expect(inside).toBeLessThanOrEqual(burst + ((to - begin + 2) * perMinute) / 60_000 + 1);
      }
    }
    const span = Math.max(...passed.map(({ to }) => to)) - Math.min(...passed.map(({ from }) => from));
    // And no less, or it would be a limit of another kind.
    expect(passed.length).toBeGreaterThan((burst + (span * perMinute) / 60_000) * 0.8);
  });

  it('LIM-3 free the places of one that is killed, and keep those of one that runs', async () => {
    const rule: RateRule = { per: 'principal', concurrent: 2 };
    const platform = randomUUID();
    const [killed, running] = [startProcess(platform, rule, 'hold'), startProcess(platform, rule, 'hold')];
    await expect.poll(() => killed.passed.length + running.passed.length).toBe(2);
    const gate = createRateGate(
      createRedisLimits({ redis, platform, leaseMs: LEASE_MS }),
      createMetrics(),
      createTestLog(),
    );
    const call = { surface: 'llm', principal: 'p', key: 'k', address: 'a', tokens: 0 } as const;
    const take = async () => {
      const ticket = await gate.take(compileRates([rule]), call, randomUUID());
      if (ticket.refusal === undefined) ticket.end(undefined);
      return ticket.refusal?.code ?? ticket.report?.shown[0]?.left;
    };
    // Longer than a lease: only because they are renewed are they still there.
    await new Promise((resolve) => setTimeout(resolve, LEASE_MS * 1.5));
    expect(await take()).toBe('RATE_LIMITED');
    killed.child.kill('SIGKILL');
    await killed.ended;
    const died = performance.now();
    await expect.poll(take).toBe(0);
    expect(performance.now() - died).toBeLessThan(LEASE_MS + 1_000);
    await new Promise((resolve) => setTimeout(resolve, LEASE_MS * 1.5));
    // One place is free, the other is still that of the one that runs.
    expect(await take()).toBe(0);
    gate.stop();
  });
});
