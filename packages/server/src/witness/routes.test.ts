import { TrustError } from '@talosprotocol/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createListener, type Listener } from '../platform/http.js';
import { migrate } from '../platform/migrations.js';
import { clock, random } from '../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../platform/testing/database.js';
import { createTestLog } from '../platform/testing/test-log.js';
import { followedLogs } from './followed-logs.js';
import { WITNESS_MIGRATIONS } from './migrations.js';
import { createWitnessRoutes } from './routes.js';
import { cosignerOf, crypto, forkingLog } from './testing/forks.js';
import { createWitness } from './witness.js';

const ORIGIN = 'log.example/1';
const log = forkingLog(ORIGIN);

let database: TestDatabase;
let listener: Listener;
let limited: boolean;
beforeAll(async () => {
  database = await openTestDatabase();
  await migrate(database.sql, WITNESS_MIGRATIONS);
  const logs = followedLogs({ logs: [{ vkey: log.vkey }] }, crypto);
  const cosigner = cosignerOf(50);
  const shared = { clock, log: createTestLog() };
  const witness = createWitness({ ...shared, sql: database.sql, crypto, cosigner, logs: () => logs });
  const take = (): void => {
    if (limited) throw new TrustError('RATE_LIMITED', 'too many requests from this address');
  };
  listener = await createListener({
    ...shared,
    name: 'witness',
    host: '127.0.0.1',
    port: 0,
    routes: createWitnessRoutes(witness, { take }),
    guards: {},
    allowedHosts: [],
    allowedOrigins: [],
    random,
  });
});
afterAll(async () => {
  await listener?.closeGracefully(1_000);
  await database?.close();
});
beforeEach(async () => {
  limited = false;
  await database.sql.query('TRUNCATE witness_log, witness_split_view');
});

async function post(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) {
  const request = { method: 'POST', body, headers };
  const answer = await fetch(`${listener.url}/add-checkpoint`, request);
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
}

const get = async (path: string) => {
  const answer = await fetch(`${listener.url}${path}`);
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
};

describe('the routes of a witness (AUD-30, C2SP tlog-witness)', () => {
  it('answer with cosignature lines, whatever type the request says it has', async () => {
    const plain = 'text/plain; charset=utf-8';
    const line = /^\u2014 witness\.example\/w1 [A-Za-z0-9+/]+={0,2}\n$/;
    expect(await post(log.request(0, 3))).toEqual({
      status: 200,
      type: plain,
      text: expect.stringMatching(line),
    });
    for (const type of ['application/octet-stream', 'text/plain', 'application/json'])
      expect((await post(log.request(3, 3), { 'content-type': type })).status).toBe(200);
  });

  it('answer with the size to go on from, and its own type', async () => {
    await post(log.request(0, 3));
    const conflict = { status: 409, type: 'text/x.tlog.size', text: '3\n' };
    expect(await post(log.request(0, 5))).toEqual(conflict);
    // A contradiction is no size to go on from.
    const other = await post(log.request(3, 3, 'other'));
    expect([other.status, other.type]).toEqual([409, 'text/plain; charset=utf-8']);
  });

  it('answer every refusal with the status of C2SP tlog-witness', async () => {
    await post(log.request(0, 3));
    expect((await post('nonsense')).status).toBe(400);
    expect((await post(Uint8Array.of(0xff, 0xfe))).status).toBe(400);
    expect((await post('')).status).toBe(400);
    expect((await post(forkingLog(ORIGIN, 9).request(3, 5))).status).toBe(403);
    expect((await post(forkingLog('log.example/2').request(0, 5))).status).toBe(404);
    expect((await post(log.request(3, 5, 'other'))).status).toBe(422);
    expect((await post('x'.repeat(64 * 1024 + 1))).status).toBe(413);
  });

  it('are limited by address', async () => {
    limited = true;
    expect((await post(log.request(0, 3))).status).toBe(429);
    expect((await get('/logs')).status).toBe(429);
    expect((await get('/split-views?origin=x')).status).toBe(429);
    limited = false;
    expect((await get('/logs')).json).toMatchObject({ logs: [] });
  });

  it('show what was seen of each log, and what convicts it', async () => {
    await post(log.request(0, 7));
    await post(log.request(7, 7, 'other'));
    const seen = await get('/logs');
    expect(seen.json).toMatchObject({
      name: 'witness.example/w1',
      vkey: cosignerOf(50).vkey,
      logs: [
        {
          origin: ORIGIN,
          size: 7,
          root: expect.stringMatching(/^[0-9a-f]{64}$/),
          cosigned: { checkpoint: expect.stringContaining('\u2014 witness.example/w1 ') },
          splitViews: 1,
        },
      ],
    });
    const convicted = await get(`/split-views?origin=${encodeURIComponent(ORIGIN)}`);
    expect(convicted.json).toMatchObject({ splitViews: [{ format: 'talos-split-view-v1' }] });
    expect((await get('/split-views')).status).toBe(400);
    expect((await get('/split-views?origin=a&origin=b')).status).toBe(400);
    expect((await get('/logs?origin=a')).status).toBe(400);
    await post(forkingLog(ORIGIN, 9).request(0, 7));
    expect((await get('/logs')).json).toMatchObject({ logs: [{ size: 7 }] });
  });

  it('show a log of which nothing was cosigned as what it is', async () => {
    await post(log.request(3, 5));
    expect((await get('/logs')).json).toMatchObject({ logs: [{ origin: ORIGIN, size: 0, cosigned: null }] });
  });
});

describe('the logs a witness follows', () => {
  it('are known by the name of their key, or by the origin that is stated; several keys may be of one log', () => {
    const [one, two] = [forkingLog('log.example/1', 1), forkingLog('log.example/1', 2)];
    const logs = followedLogs(
      {
        logs: [
          { vkey: one.vkey },
          { vkey: two.vkey },
          { vkey: one.vkey },
          { vkey: one.vkey, origin: 'elsewhere' },
        ],
      },
      crypto,
    );
    expect([...logs].map(([origin, { keys }]) => [origin, keys.length])).toEqual([
      ['log.example/1', 2],
      ['elsewhere', 1],
    ]);
    expect(() => followedLogs({ logs: [{ vkey: cosignerOf(50).vkey }] }, crypto)).toThrow('not Ed25519');
  });
});
