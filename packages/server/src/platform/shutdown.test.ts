import { describe, expect, it } from 'vitest';
import { createHealth } from './health.js';
import { createShutdown } from './shutdown.js';
import { createTestLog } from './testing/test-log.js';

describe('shutdown', () => {
  it('runs the stages in order, within a stage the last first, each step once', async () => {
    const shutdown = createShutdown({ log: createTestLog() });
    const ran: string[] = [];
    const step = (name: string) => async () => void ran.push(name);
    shutdown.add('close', 'database', step('database'));
    shutdown.add('close', 'pool', step('pool'));
    shutdown.add('flush', 'outbox', step('outbox'));
    shutdown.add('stop-accepting', 'http', step('http'));
    expect(await Promise.all([shutdown.run('SIGTERM'), shutdown.run('SIGINT')])).toEqual([true, true]);
    expect(ran).toEqual(['http', 'outbox', 'pool', 'database']);
  });

  it('goes on past a step that fails or hangs, and says so', async () => {
    const lines: string[] = [];
    const shutdown = createShutdown({ log: createTestLog(lines), stepLimitMs: 20 });
    let closed = false;
    shutdown.add('finish', 'hanging', () => new Promise(() => undefined));
    shutdown.add('flush', 'failing', () => Promise.reject(new Error('no')));
    shutdown.add('close', 'last', async () => {
      closed = true;
    });
    expect([await shutdown.run('SIGTERM'), closed]).toEqual([false, true]);
    expect(lines.join('')).toMatch(/hanging[\s\S]*failing/);
  });
});

describe('health', () => {
  it('is ready only with checks, all of which pass, and until it drains', async () => {
    const health = createHealth(createTestLog());
    expect((await health.report()).ready).toBe(false);
    let broken = false;
    health.register('canary', () => {
      if (broken) throw new Error('secret inside');
    });
    expect(await health.report()).toEqual({ ready: true, checks: { canary: 'ok' } });
    broken = true;
    expect(await health.report()).toEqual({ ready: false, checks: { canary: 'failing' } });
    broken = false;
    health.drain();
    expect((await health.report()).ready).toBe(false);
  });
});
