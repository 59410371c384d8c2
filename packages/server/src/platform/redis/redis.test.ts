import { createServer, type Server, type Socket } from 'node:net';
import { isTrustError } from '@talosprotocol/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSecret } from '../secret.js';
import { type OwnRedis, startRedis, startRedisCluster, startReplicatedCluster } from '../testing/redis.js';
import { createTestLog } from '../testing/test-log.js';
import { createRedis, createScript, type Redis } from './redis.js';

const COUNT = createScript("return redis.call('INCR', KEYS[1])");

let server: OwnRedis;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server?.close());

const opened: Redis[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((redis) => redis.close()));
});

async function open(url = server.url, timeoutMs = 200) {
  const lines: string[] = [];
  const log = createTestLog(lines);
  const redis = createRedis({ url: createSecret(url), log, timeoutMs, connectTimeoutMs: 500 });
  opened.push(redis);
  const faults = await redis.check().then(
    () => 'none',
    (error: unknown) => codeOf(error),
  );
  return { redis, lines, faults };
}

const codeOf = (error: unknown): string => (isTrustError(error) ? error.code : String(error));
const count = (redis: Redis, key = 'n') => redis.run(COUNT, [key], []).catch(codeOf);

describe('the connection to Redis', () => {
  it('runs scripts, also those that the server does not know yet', async () => {
    const { redis, faults } = await open();
    expect(faults).toBe('none');
    expect([await count(redis, 'a'), await count(redis, 'a')]).toEqual([1, 2]);
  });

  it('fails at once while the server is down, and mends itself', async () => {
    const { redis, lines } = await open();
    expect(await count(redis, 'b')).toBe(1);
    await server.kill();
    await expect.poll(() => count(redis, 'b')).toBe('UNAVAILABLE');
    const began = performance.now();
    for (let calls = 0; calls < 100; calls += 1) expect(await count(redis, 'b')).toBe('UNAVAILABLE');
    expect(performance.now() - began).toBeLessThan(1_000);
    await server.restart();
    // It is empty now, and knows no script.
    await expect.poll(() => count(redis, 'c')).toBe(1);
    expect(lines.filter((line) => line.includes('Redis cannot be reached'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('Redis answers again'))).toHaveLength(1);
  });

  it('says of an end why it came, and not why an earlier one did', async () => {
    const { redis, lines } = await open();
    await server.kill();
    await expect.poll(() => count(redis, 'b')).toBe('UNAVAILABLE');
    // Nobody listens there meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 400));
    await server.restart();
    await expect.poll(() => count(redis, 'c')).toBe(1);
    await server.ask('CLIENT KILL TYPE normal');
    const ends = () => lines.filter((line) => line.includes('Redis cannot be reached'));
    await expect.poll(() => ends().length).toBe(2);
    expect(ends()[1]).not.toContain('ECONNREFUSED');
  });

  it('runs prepared scripts in the order in which they are called, also after a reconnection', async () => {
    const { redis } = await open();
    const [first, second] = ['first', 'second'].map((word) =>
      createScript(`return redis.call('RPUSH', KEYS[1], '${word}')`),
    ) as [ReturnType<typeof createScript>, ReturnType<typeof createScript>];
    redis.prepare([first]);
    await server.kill();
    await server.restart();
    // The second is known because it was run, the first because it was prepared.
    await expect.poll(() => redis.run(second, ['warm'], []).catch(codeOf)).toBe(1);
    await Promise.all([redis.run(first, ['list'], []), redis.run(second, ['list'], [])]);
    const all = createScript("return redis.call('LRANGE', KEYS[1], 0, -1)");
    expect(await redis.run(all, ['list'], [])).toEqual(['first', 'second']);
  });

  it('waits for a slow server no longer than its time limit, and is of use again afterwards', async () => {
    const { redis } = await open();
    server.signal('SIGSTOP');
    try {
      const began = performance.now();
      expect(await count(redis, 'd')).toBe('UNAVAILABLE');
      expect(performance.now() - began).toBeLessThan(1_000);
    } finally {
      server.signal('SIGCONT');
    }
    await expect.poll(() => count(redis, 'e')).toBe(1);
  });

  it('says what is wrong, and repeats nothing of it', async () => {
    const { redis } = await open();
    const script = createScript("return redis.call('CANARY', 'sk-canary')");
    const error = await redis.run(script, ['k-canary'], ['a-canary']).catch((caught: unknown) => caught);
    expect(codeOf(error)).toBe('UNAVAILABLE');
    expect(`${error}${(error as Error).cause}`).not.toContain('canary');
  });

  it('calls a wrong password a fault of the settings', async () => {
    const { faults, lines } = await open(server.url.replace('//', '//u-canary:p-canary@'));
    expect(faults).toBe('SETTINGS_INVALID');
    expect(lines.join()).not.toContain('p-canary');
  });

  it('begins without a server, and says that there is none', async () => {
    expect((await open('redis://127.0.0.1:1')).faults).toBe('UNAVAILABLE');
  });
});

describe('the connection to a Redis Cluster', () => {
  let cluster: Awaited<ReturnType<typeof startRedisCluster>>;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster?.close());

  it('finds the node of each key, fails in time while one is down, and mends itself', async () => {
    const { redis, faults } = await open(cluster.url);
    expect(faults).toBe('none');
    const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
    const all = () => Promise.all(keys.map((one) => count(redis, one)));
    await expect.poll(all).not.toContain('UNAVAILABLE');
    const [, second] = cluster.nodes;
    await second?.kill();
    try {
      const began = performance.now();
      expect(await all()).toContain('UNAVAILABLE');
      expect(performance.now() - began).toBeLessThan(1_000);
    } finally {
      await second?.restart();
    }
    await expect.poll(all).not.toContain('UNAVAILABLE');
  });

  it('refuses keys of several slots in one script, and says so', async () => {
    const { redis } = await open(cluster.url);
    const two = createScript("return redis.call('MGET', KEYS[1], KEYS[2])");
    await expect(redis.run(two, ['a', 'b'], [])).rejects.toMatchObject({
      data: { reason: expect.stringContaining('CROSSSLOT') },
    });
    expect(await redis.run(two, ['{t}a', '{t}b'], [])).toEqual([null, null]);
  });

  it('of one server alone is a fault that is told', async () => {
    const [first] = cluster.nodes;
    const { redis } = await open(first?.url);
    const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
    const refused = await Promise.all(keys.map((one) => redis.run(COUNT, [one], []).catch(String)));
    expect(refused.join()).toContain('MOVED');
  });
});

describe('a Redis Cluster whose node fails for good', () => {
  let cluster: Awaited<ReturnType<typeof startReplicatedCluster>>;
  beforeAll(async () => {
    cluster = await startReplicatedCluster();
  }, 60_000);
  afterAll(() => cluster?.close());

  it('is counted in as before once a replica has taken its place', async () => {
    const { redis } = await open(cluster.url);
    const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
    const all = () => Promise.all(keys.map((one) => count(redis, one)));
    await expect.poll(all).not.toContain('UNAVAILABLE');
    const before = await all();
    await cluster.untilReplicated();
    await cluster.nodes[2]?.kill();
    expect(await all()).toContain('UNAVAILABLE');
    await expect.poll(all, { timeout: 20_000 }).not.toContain('UNAVAILABLE');
    const after = await all();
    for (const [index, value] of after.entries()) expect(value).toBeGreaterThan(Number(before[index]));
  }, 60_000);
});

describe('a server behind a network that swallows everything', () => {
  let proxy: Server;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    proxy = createServer((socket) => void sockets.push(socket));
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });

  it('is not waited for', async () => {
    const { port } = proxy.address() as { port: number };
    const began = performance.now();
    const { redis, faults } = await open(`redis://127.0.0.1:${port}`);
    expect(faults).toBe('UNAVAILABLE');
    expect(await count(redis)).toBe('UNAVAILABLE');
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
