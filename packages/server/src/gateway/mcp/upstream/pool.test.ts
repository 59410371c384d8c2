import { afterEach, describe, expect, it } from 'vitest';
import type { ServerLimits, ServerPolicy } from '../../admission/ports.js';
import { createUpstreamPool, type UpstreamPool } from './pool.js';
import type { Lease } from './supervisor.js';
import { childrenOf, isGroupAlive, nastyServer, upstreamDeps } from './testing/deps.js';

const pools: UpstreamPool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.stop()));
});

function setUp(mode = 'plain', limits: ServerLimits = {}) {
  const made = upstreamDeps();
  const pool = createUpstreamPool(made.deps);
  pools.push(pool);
  const server = nastyServer(mode, limits);
  const never = new AbortController().signal;
  const lease = (tenant = 'a', signal = never) => pool.lease(tenant, server, signal);
  return { ...made, pool, server, lease };
}

async function call(lease: Lease, name: string, timeoutMs = 5_000, signal?: AbortSignal) {
  const params = { name, arguments: {} };
  const options = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
  const reply = await lease.life.connection.request('tools/call', params, options);
  return 'result' in reply
    ? (reply.result['content'] as unknown as { text: string }[])[0]?.text
    : reply.error;
}

describe('a supervised tool server', () => {
  it('answers calls, each to its own caller', async () => {
    const { lease } = setUp();
    const one = await lease();
    expect(await Promise.all([call(one, 'count'), call(one, 'count'), call(one, 'count')])).toEqual([
      '1',
      '2',
      '3',
    ]);
  });

  it('that dies during a call fails that call and runs again for the next', async () => {
    const { lease, groups, metrics } = setUp();
    const first = await lease();
    expect(metrics.text()).toContain('talos_tool_server_processes{server="nasty"} 1\n');
    expect(metrics.text()).not.toContain('failures');
    await expect(call(first, 'die')).rejects.toMatchObject({
      code: 'UPSTREAM_FAILED',
      data: { reason: 'the tool server ended with exit code 3' },
    });
    first.release();
    const second = await lease();
    expect(await call(second, 'count')).toBe('1');
    expect(groups.size).toBe(1);
    expect(metrics.text()).toContain('talos_tool_server_processes{server="nasty"} 1\n');
    expect(metrics.text()).toContain('talos_tool_server_failures_total{server="nasty"} 1\n');
  });

  it('that prints some rubbish is tolerated, one that prints only rubbish is ended', async () => {
    const { lease } = setUp();
    const one = await lease();
    expect(await call(one, 'rubbish')).toBe('after rubbish');
    await expect(call(one, 'sewer')).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' });
    expect(one.life.connection.isOpen).toBe(false);
  });

  it('with an endless line is ended at the limit', async () => {
    const { lease } = setUp('plain', { maxMessageBytes: 200_000 });
    const one = await lease();
    await expect(call(one, 'flood')).rejects.toMatchObject({
      data: { reason: 'the tool server sent a message of more than 200000 bytes' },
    });
  });

  it('that never answers fails at the time limit; others go on', async () => {
    const { lease } = setUp();
    const one = await lease();
    await expect(call(one, 'silent', 50)).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' });
    expect(await call(one, 'count')).toBe('1');
  });

  it('that never says who it is does not hold up the end of everything', async () => {
    const made = upstreamDeps();
    const pool = createUpstreamPool(made.deps);
    const mute: ServerPolicy = {
      name: 'mute',
      run: { command: 'sleep', args: ['60'], env: {} },
      tools: new Map(),
    };
    const refused = expect(pool.lease('a', mute, new AbortController().signal)).rejects.toBeInstanceOf(Error);
    await pool.stop();
    await refused;
  });

  it.each(['lenient', 'neither'])('that answers %s fails the call at once', async (name) => {
    const { lease } = setUp();
    await expect(call(await lease(), name)).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' });
  });

  it('is refused what it asks of the client, be it sampling, elicitation or roots, except ping (DEC-10)', async () => {
    const { lease } = setUp();
    expect(await call(await lease(), 'asks')).toBe('[-32601,-32601,-32601,{}]');
  });

  it('sees the allow-listed environment and its own settings only', async () => {
    const { lease } = setUp();
    const environment = JSON.parse((await call(await lease(), 'environment')) as string);
    expect(environment).toMatchObject({ CONFIGURED: 'yes' });
    expect(environment).not.toHaveProperty('TALOS_CANARY');
  });

  it('is ended with everything it forked, though it ignores SIGTERM', async () => {
    const { lease, groups, pool } = setUp('stubborn');
    (await lease()).release();
    const [pgid] = [...groups];
    expect(isGroupAlive(pgid ?? 0)).toBe(true);
    await pool.stop();
    expect(isGroupAlive(pgid ?? 0)).toBe(false);
    expect(groups.size).toBe(0);
  });

  it.skipIf(process.platform !== 'linux').each([
    ['when it is stopped', async (pool: UpstreamPool) => pool.stop()],
    [
      'when it is killed',
      async (_: UpstreamPool, one: Lease) => void (await call(one, 'flood').catch(() => undefined)),
    ],
  ])('takes along what left its group, %s', async (_, end) => {
    const { lease, groups, pool } = setUp('escape', { maxMessageBytes: 200_000 });
    const one = await lease();
    const [pid = 0] = [...groups];
    const [escaped = 0] = childrenOf(pid);
    expect(isGroupAlive(escaped)).toBe(true);
    await end(pool, one);
    await expect.poll(() => isGroupAlive(escaped)).toBe(false);
  });

  it('that was killed leaves no grandchild', async () => {
    const { lease, groups } = setUp('stubborn');
    const one = await lease();
    const [pgid = 0] = [...groups];
    process.kill(pgid, 'SIGKILL');
    await expect(call(one, 'count')).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' });
    await expect.poll(() => isGroupAlive(pgid)).toBe(false);
  });

  it('that fails again and again is left alone for a while', async () => {
    const { lease, log } = setUp('crash');
    const codes: string[] = [];
    for (let i = 0; i < 3; i++) {
      codes.push(await lease().then(String, (error: { code: string }) => error.code));
    }
    expect(codes).toEqual(['UPSTREAM_FAILED', 'UPSTREAM_FAILED', 'UNAVAILABLE']);
    expect(log.lines.filter((line) => line.message === 'a tool server failed')).toHaveLength(2);
  });

  it('that cannot be started says why', async () => {
    const { pool } = setUp();
    const server = { ...nastyServer('x'), run: { command: '/nonexistent', args: [], env: {} } };
    await expect(pool.lease('a', server, new AbortController().signal)).rejects.toMatchObject({
      data: { reason: 'the tool server cannot be started (ENOENT)' },
    });
  });

  it('runs once per tenant', async () => {
    const { lease, groups } = setUp();
    const [a, b] = [await lease('a'), await lease('b')];
    await call(a, 'count');
    expect(await call(b, 'count')).toBe('1');
    expect(groups.size).toBe(2);
  });

  it('runs so many calls at once, queues some and refuses the rest', async () => {
    const { lease } = setUp('plain', { maxConcurrent: 1, maxQueued: 1, callTimeoutMs: 2_000 });
    const first = await lease();
    const second = lease();
    await expect(lease()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    first.release();
    first.release();
    (await second).release();
    const gone = new AbortController();
    const held = await lease();
    const waiting = lease('a', gone.signal);
    gone.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    held.release();
    (await lease()).release();
  });

  it('stops when idle, and starts again when needed', async () => {
    const { lease, groups } = setUp('plain', { idleMs: 20 });
    (await lease()).release();
    await expect.poll(() => groups.size).toBe(0);
    expect(await call(await lease(), 'count')).toBe('1');
  });

  it('is replaced at the end of its lifetime, without cutting a call', async () => {
    const { lease, groups } = setUp('plain', { lifetimeMs: 30 });
    const old = await lease();
    const [pgid] = [...groups];
    const isOld = async () => {
      const next = await lease();
      next.release();
      return next.life === old.life;
    };
    await expect.poll(isOld).toBe(false);
    expect(await call(old, 'count')).toBe('1');
    old.release();
    await expect.poll(() => groups.has(pgid ?? 0)).toBe(false);
  });

  it('is told when a call is cancelled', async () => {
    const { lease } = setUp();
    const one = await lease();
    const gone = new AbortController();
    const pending = call(one, 'silent', 5_000, gone.signal);
    gone.abort(new Error('client gone'));
    await expect(pending).rejects.toThrow('client gone');
  });

  it('logs only so much of what it writes to standard error', async () => {
    const { lease, log } = setUp('loud');
    await call(await lease(), 'count');
    const said = log.lines.filter((line) => line.message === 'a tool server says');
    expect(said.length).toBeGreaterThan(0);
    expect(said.length).toBeLessThanOrEqual(60);
  });

  it('lists its tools anew after it told of a change; a name listed twice is not there', async () => {
    const { lease } = setUp('double');
    const { life } = await lease();
    const before = await life.announced(60_000);
    expect(before.tools.has('die')).toBe(true);
    expect(before.tools.has('count')).toBe(false);
    expect(await life.announced(60_000)).toBe(before);
    await call({ life } as Lease, 'change');
    expect(life.isOutdated(before)).toBe(true);
    expect(life.isOutdated(await life.announced(60_000))).toBe(false);
  });
});
