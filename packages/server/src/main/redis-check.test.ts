import { connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSecret } from '../platform/secret.js';
import { random } from '../platform/system.js';
import { type OwnRedis, startRedis, startRedisCluster } from '../platform/testing/redis.js';
import { createSelfSigned } from '../platform/testing/self-signed.js';
import { createTestLog } from '../platform/testing/test-log.js';
import { examineRedis } from './redis-check.js';

let server: OwnRedis;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server?.close());

const fronts: Server[] = [];
afterEach(() => {
  for (const front of fronts.splice(0)) front.close();
});

async function listen(front: Server): Promise<string> {
  fronts.push(front);
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(front.address() as { port: number }).port}`;
}

/** Nothing of what is said or logged may have the password in it. */
async function examine(url: string) {
  const lines: string[] = [];
  const check = await examineRedis(createSecret(url), random, createTestLog(lines));
  expect(JSON.stringify([check, lines])).not.toContain('canary');
  return check;
}

const as = (user: string, password = 'p-canary') => server.url.replace('//', `//${user}:${password}@`);

/** The same server, whose answers say another version. */
function olderFront(version: string): Server {
  const { port } = new URL(server.url);
  return createServer((socket: Socket) => {
    const behind = connect(Number(port), '127.0.0.1');
    for (const one of [socket, behind]) one.on('error', () => undefined);
    socket.pipe(behind);
    behind.on('data', (data) =>
      socket.write(data.toString('latin1').replace(/(redis_version:)[0-9]/, `$1${version}`), 'latin1'),
    );
    behind.on('close', () => socket.destroy());
  });
}

describe('what doctor says of Redis', () => {
  it('is that it answers and counts, which leaves nothing in it', async () => {
    const { host } = new URL(server.url);
    expect(await examine(server.url)).toEqual({
      name: 'redis',
      ok: true,
      detail: expect.stringMatching(`^${host}: version [0-9.]+ answers and counts$`),
    });
    expect(await server.ask('DBSIZE')).toBe(':0\r\n');
  });

  it('is that it lets us in with a password, and not with another one', async () => {
    await server.ask('ACL SETUSER counter on >p-canary ~talos:* +@all -info');
    expect(await examine(as('counter'))).toMatchObject({
      ok: true,
      detail: expect.stringContaining('version untold'),
    });
    expect(await examine(as('counter', 'other-canary'))).toMatchObject({
      ok: false,
      detail: expect.stringContaining('refuses us (WRONGPASS)'),
      mend: expect.stringContaining('put TALOS_REDIS_URL right'),
    });
  });

  it.each([
    ['keys', '~other:* +@all'],
    ['commands', '~talos:* +@all -evalsha -eval'],
  ])('is that its user may not count, for want of %s', async (_, rules) => {
    await server.ask(`ACL SETUSER looker reset on >p-canary ${rules}`);
    expect(await examine(as('looker'))).toMatchObject({
      ok: false,
      detail: expect.stringContaining('NOPERM'),
      mend: expect.stringContaining('EVALSHA'),
    });
  });

  it('is that it takes no writes: it is full, or a replica', async () => {
    await server.ask('CONFIG SET maxmemory 1');
    expect(await examine(server.url)).toMatchObject({
      ok: false,
      mend: expect.stringContaining('no writes'),
    });
    await server.ask('CONFIG SET maxmemory 0');
    await server.ask('REPLICAOF 127.0.0.1 1');
    expect(await examine(server.url)).toMatchObject({ ok: false, mend: expect.stringContaining('primary') });
    await server.ask('REPLICAOF NO ONE');
    expect(await examine(server.url)).toMatchObject({ ok: true });
  });

  it('is that it is too old', async () => {
    const old = await listen(olderFront('4'));
    expect(await examine(`redis://${old}`)).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/version 4\.[0-9.]+ is too old$/),
      mend: expect.stringContaining('Redis 5 or newer'),
    });
    const oldest = await listen(olderFront('5'));
    expect(await examine(`redis://${oldest}`)).toMatchObject({ ok: true });
  });

  it('is that there is none', async () => {
    expect(await examine('redis://:p-canary@127.0.0.1:1')).toEqual({
      name: 'redis',
      ok: false,
      detail: '127.0.0.1:1: Redis does not answer: connect ECONNREFUSED 127.0.0.1:1',
      mend: 'start it, or put TALOS_REDIS_URL right',
    });
  });

  it('is that its certificate is not known here, or that it speaks no TLS, or nothing else', async () => {
    const tls = await listen(createTlsServer(createSelfSigned('127.0.0.1'), () => undefined));
    expect(await examine(`rediss://:p-canary@${tls}`)).toMatchObject({
      ok: false,
      mend: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    });
    expect(await examine(server.url.replace('redis:', 'rediss:'))).toMatchObject({
      ok: false,
      mend: expect.stringContaining('redis: where it does not'),
    });
    expect(await examine(`redis://:p-canary@${tls}`)).toMatchObject({
      ok: false,
      mend: expect.stringContaining('rediss: where it speaks TLS'),
    });
  });
});

it('is the same of a Redis Cluster, of which one node alone is not enough', async () => {
  const cluster = await startRedisCluster();
  try {
    expect(await examine(cluster.url)).toMatchObject({ ok: true });
    expect(await examine(cluster.nodes[0]?.url ?? '')).toMatchObject({
      ok: false,
      mend: expect.stringContaining('redis+cluster:'),
    });
  } finally {
    await cluster.close();
  }
});
