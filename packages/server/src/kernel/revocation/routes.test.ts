import { inflateSync } from 'node:zlib';
import type { FeedPage, FeedSnapshot } from '@talosprotocol/contracts';
import {
  createFeedReader,
  createSigner,
  decodeStatusList,
  didKeyKeys,
  type FeedReader,
  parseFeedSnapshot,
  parseStatusListToken,
} from '@talosprotocol/protocol';
import { createFeedFollower } from '@talosprotocol/sdk';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { random } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { deactivate, register } from '../testing/identity.js';
import { crypto, GRANTS, openWorld, type World } from '../testing/kernel-world.js';

let database: TestDatabase;
let world: World;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database?.close());
beforeEach(async () => {
  world = await openWorld(database.sql);
});
afterEach(() => world?.close());

const lidOf = (n: number): string => `${String(n).padStart(42, 'a')}A`;
const revoke = (body: unknown) => world.post('/talos/v1/revocations', body, world.admin);
const issue = async (sub = createSigner(random(32), crypto).did) => {
  const body = { sub, grants: GRANTS, exp: world.seconds() + 3600 };
  const { body: issued } = await world.post('/talos/v1/capabilities', body, world.admin);
  return issued as { lid: string; chain: string };
};
const readerOf = (applied: unknown[]): FeedReader =>
  createFeedReader({
    keys: () => didKeyKeys(world.organisation.did),
    crypto,
    clock: { now: () => world.time.now, monotonic: () => world.time.monotonic },
    apply: (item) => void applied.push(item),
  });

describe('the feed over HTTP', () => {
  it('REV-6 REV-10 gives signed entries in order, and a heartbeat, to anybody', async () => {
    for (const n of [1, 2, 3]) await revoke({ lid: lidOf(n + (world.time.now % 97)) });
    await world.kernel.poll();
    const { body } = await world.get('/talos/v1/revocations/feed?after=0');
    const { entries, heartbeat } = body as FeedPage;
    const applied: unknown[] = [];
    const reader = readerOf(applied);
    for (const entry of entries) reader.takeEntry(entry);
    expect(applied).toHaveLength(3);
    expect(reader.takeHeartbeat(heartbeat ?? '')).toBe('heard');
    expect(reader.isFresh('write')).toBe(true);
  });

  it('REV-10 waits for what is new, and answers when it comes', async () => {
    const waiting = world.get('/talos/v1/revocations/feed?after=0');
    await revoke({ lid: lidOf(7_001) });
    const { body } = await waiting;
    expect(body.entries.length + (body.heartbeat === null ? 0 : 1)).toBeGreaterThan(0);
    expect((await world.get('/talos/v1/revocations/feed?after=0')).body.entries).toHaveLength(1);
  });

  it('REV-11 gives a signed snapshot of all in force, also of an organisation before', async () => {
    await revoke({ lid: lidOf(7_002) });
    await revoke({ below: world.gateway.did, as: 'subject' });
    await world.kernel.poll();
    const snapshot = (await world.get('/talos/v1/revocations/snapshot')).body as FeedSnapshot;
    const claims = parseFeedSnapshot(snapshot, didKeyKeys(world.organisation.did), crypto);
    expect(claims.n).toBe(2);
    expect(snapshot.items).toContainEqual({ lid: lidOf(7_002) });
    expect(snapshot.items).toContainEqual({
      rule: { below: world.gateway.did, as: 'subject', point: null },
    });
  });

  it('REV-10 says where to begin when entries are forgotten', async () => {
    await revoke({ lid: lidOf(7_003) });
    await revoke({ lid: lidOf(7_004) });
    await database.sql.query('DELETE FROM kernel_revocation_feed WHERE iss = $1 AND n = 1', [
      world.organisation.did,
    ]);
    await world.kernel.poll();
    const { status, body } = await world.get('/talos/v1/revocations/feed?after=0');
    expect([status, body.code]).toEqual([404, 'NOT_FOUND']);
    expect(body.hint).toContain('snapshot');
  });

  it('is followed by a process without the database', async () => {
    const follower = createFeedFollower({
      url: world.listener.url,
      keys: () => didKeyKeys(world.organisation.did),
      crypto,
      clock: { now: () => world.time.now, monotonic: () => world.time.monotonic },
    });
    await revoke({ lid: lidOf(7_005) });
    await follower.start();
    expect(follower.isRevoked(lidOf(7_005), 0, [])).toBe(true);
    const answered = await revoke({ lid: lidOf(7_006) });
    expect(answered.status).toBe(200);
    await expect.poll(() => follower.isRevoked(lidOf(7_006), 0, []), { timeout: 1_000 }).toBe(true);
    await expect.poll(() => follower.isFresh('write'), { timeout: 3_000 }).toBe(true);
    await follower.close();
  });

  it.each([
    'feed',
    'feed?after=',
    'feed?after=-1',
    'feed?after=1.5',
    'feed?after=1&after=2',
    'feed?x=1',
    'snapshot?x=1',
  ])('refuses %s', async (path) => {
    expect((await world.get(`/talos/v1/revocations/${path}`)).body.code).toBe('MALFORMED');
  });

  it('is behind the limiter per address', async () => {
    world.flood.on = true;
    for (const path of ['revocations/feed?after=0', 'revocations/snapshot', 'status-lists/0'])
      expect((await world.get(`/talos/v1/${path}`)).body.code).toBe('RATE_LIMITED');
  });
});

describe('status lists', () => {
  const read = async (uri: string) => {
    const response = await fetch(uri);
    const expected = { keys: didKeyKeys(world.organisation.did), uri, now: world.seconds() };
    const claims = parseStatusListToken(await response.text(), expected, crypto);
    const inflate = (bytes: Uint8Array, maxOutputLength: number) =>
      new Uint8Array(inflateSync(bytes, { maxOutputLength }));
    return { response, claims, list: decodeStatusList(claims.status_list, inflate) };
  };
  const statusOf = async (lid: string) => (await world.get(`/talos/v1/capabilities/${lid}/status`)).body;

  it('REV-13 REV-14 say of each issued link whether it is revoked', async () => {
    const [kept, lost] = [await issue(), await issue()];
    await revoke({ lid: lost.lid });
    const [a, b] = [await statusOf(kept.lid), await statusOf(lost.lid)];
    expect(a).toMatchObject({ lid: kept.lid, state: 'valid' });
    expect(b).toMatchObject({ state: 'revoked', by: 'administrator', revoked: '2026-11-23T12:00:00.000Z' });
    expect(a.status_list.idx).not.toBe(b.status_list.idx);
    const { response, claims, list } = await read(b.status_list.uri);
    expect([list.get(a.status_list.idx), list.get(b.status_list.idx)]).toEqual([0, 1]);
    expect(list.size).toBe(65_536);
    expect(claims).toMatchObject({ iss: world.organisation.did, ttl: 60 });
    expect(response.headers.get('content-type')).toBe('application/statuslist+jwt');
    expect(response.headers.get('cache-control')).toBe('public, max-age=60');
  });

  it('REV-14 know nothing of links of others, unless they are revoked here', async () => {
    expect(await statusOf(lidOf(1_234_567))).toEqual({ lid: lidOf(1_234_567), state: 'unknown' });
    await revoke({ lid: lidOf(7_007) });
    expect(await statusOf(lidOf(7_007))).toMatchObject({ state: 'revoked', by: 'administrator' });
    expect((await statusOf('x')).code).toBe('MALFORMED');
  });

  it('are all revoked when the issuer is', async () => {
    const { lid } = await issue();
    await revoke({ below: world.organisation.did, as: 'issuer' });
    const { state, status_list } = await statusOf(lid);
    expect(state).toBe('revoked');
    expect((await read(status_list.uri)).list.get(status_list.idx)).toBe(1);
  });

  it('say revoked of a link whose holder has ended, as every node decides (ID-15)', async () => {
    const agent = createSigner(random(32), crypto);
    await register(world, agent);
    const [ended, other] = [await issue(agent.did), await issue()];
    expect((await statusOf(ended.lid)).state).toBe('valid');
    expect((await deactivate(world, agent.did)).status).toBe(200);
    const { state, status_list } = await statusOf(ended.lid);
    const { list } = await read(status_list.uri);
    const after = await statusOf(other.lid);
    expect([state, after.state]).toEqual(['revoked', 'valid']);
    expect([list.get(status_list.idx), list.get(after.status_list.idx)]).toEqual([1, 0]);
  });

  it.each(['99999', 'x', '-1', '01'])('refuse the list %s', async (id) => {
    const { body } = await world.get(`/talos/v1/status-lists/${id}`);
    expect(['NOT_FOUND', 'MALFORMED']).toContain(body.code);
  });
});
