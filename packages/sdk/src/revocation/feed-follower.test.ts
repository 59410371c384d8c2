import type { FeedItem } from '@talosprotocol/contracts';
import {
  createSigner,
  portableCrypto as crypto,
  didKeyKeys,
  type FeedHead,
  isTrustError,
  signFeedEntry,
  signFeedHeartbeat,
  signFeedSnapshot,
} from '@talosprotocol/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFeedFollower, type FeedFollower } from './feed-follower.js';

const platform = createSigner(new Uint8Array(32).fill(1), crypto);
const attacker = createSigner(new Uint8Array(32).fill(2), crypto);
const lidOf = (n: number): string => `${String(n).padStart(42, 'a')}A`;
const EMPTY: FeedHead = { n: 0, hash: null };

/** A platform's feed over a `fetch` that answers as the test says. */
function createServer() {
  const state = {
    now: 1_790_000_000_000,
    signer: platform,
    head: EMPTY,
    items: [] as FeedItem[],
    entries: [] as string[],
    first: 1,
    beat: 0,
    isDown: false,
    /** Says again what it said last. */
    isStuck: false,
    said: '',
    /** By how much the follower's clock is ahead. */
    ahead: 0,
    asked: 0,
  };
  const add = (item: FeedItem): void => {
    const entry = signFeedEntry(state.head, { iat: 1_790_000_000, item }, state.signer);
    state.entries.push(entry);
    state.items.push(item);
    state.head = { n: state.head.n + 1, hash: crypto.sha256Ascii(entry) };
  };
  const heartbeat = (): string => {
    const { now: time, head, signer } = state;
    if (state.isStuck) return state.said;
    state.beat += 1;
    state.said = signFeedHeartbeat({ time, epoch: 1, beat: state.beat, n: head.n, hash: head.hash }, signer);
    return state.said;
  };
  const answer = (url: URL): Response => {
    if (state.isDown) throw new TypeError('refused');
    const { now: time, head, items, signer } = state;
    if (url.pathname.endsWith('/snapshot')) {
      const statement = signFeedSnapshot({ time, head, items }, signer, crypto);
      return Response.json({ statement, items, heartbeat: heartbeat() });
    }
    const after = Number(url.searchParams.get('after'));
    if (after + 1 < state.first) {
      const problem = {
        type: 'urn:talos:problem:NOT_FOUND',
        title: 'Not found',
        status: 404,
        code: 'NOT_FOUND',
        request_id: 'req_019abcde-0000-7000-8000-000000000000',
      };
      return Response.json(problem, { status: 404 });
    }
    return Response.json({ entries: state.entries.slice(after), heartbeat: heartbeat() });
  };
  const fetchIt = async (input: unknown): Promise<Response> => {
    state.asked += 1;
    await new Promise((resolve) => setImmediate(resolve));
    return answer(new URL(String(input)));
  };
  return { state, add, fetch: fetchIt as typeof fetch };
}

let server: ReturnType<typeof createServer>;
let follower: FeedFollower;
let faults: string[];
let revoked: string[];
let monotonic: number;

beforeEach(() => {
  server = createServer();
  faults = [];
  revoked = [];
  monotonic = 0;
  follower = createFeedFollower({
    url: 'http://127.0.0.1:1',
    keys: () => didKeyKeys(platform.did),
    crypto,
    clock: { now: () => server.state.now + server.state.ahead, monotonic: () => monotonic },
    fetch: server.fetch,
    onRevoked: (lid) => void revoked.push(lid),
    onFault: (error) => void faults.push(isTrustError(error) ? (error.data.caveat ?? error.code) : 'bug'),
  });
});
afterEach(() => follower.close());

const until = async (isDone: () => boolean): Promise<void> => {
  for (let tries = 0; tries < 2_000 && !isDone(); tries++)
    await new Promise((resolve) => setTimeout(resolve, 1));
  expect(isDone()).toBe(true);
};
const isRevoked = (n: number): boolean => follower.isRevoked(lidOf(n), 0, []) === true;

describe('a follower of a feed over HTTP', () => {
  it('REV-10 REV-11 begins with the snapshot and goes on with what is new', async () => {
    server.add({ lid: lidOf(1) });
    expect(follower.isFresh('read')).toBe(false);
    await follower.start();
    expect([isRevoked(1), isRevoked(2), follower.isFresh('write')]).toEqual([true, false, true]);
    server.add({ lid: lidOf(2) });
    await until(() => isRevoked(2));
    expect(revoked).toEqual([lidOf(1), lidOf(2)]);
    expect(faults).toEqual([]);
  });

  it('REV-9 is not fresh while the platform is away, and again when it is back', async () => {
    await follower.start();
    server.state.isDown = true;
    await until(() => faults.includes('UNAVAILABLE'));
    monotonic += 5_001;
    server.state.now += 5_001;
    expect([follower.isFresh('write'), follower.isFresh('read')]).toEqual([false, true]);
    server.state.isDown = false;
    await until(() => follower.isFresh('write'));
  });

  it('REV-8 hears nothing of another key, and keeps what is in force', async () => {
    server.add({ lid: lidOf(1) });
    await follower.start();
    server.state.signer = attacker;
    await until(() => faults.includes('forged'));
    monotonic += 5_001;
    expect([follower.isFresh('write'), isRevoked(1)]).toEqual([false, true]);
  });

  it('REV-8 refuses a feed that went back', async () => {
    server.add({ lid: lidOf(1) });
    await follower.start();
    Object.assign(server.state, { head: EMPTY, entries: [], items: [] });
    await until(() => faults.includes('rollback'));
    expect(isRevoked(1)).toBe(true);
  });

  it('REV-10 takes the snapshot when entries it needs are forgotten', async () => {
    await follower.start();
    server.state.isDown = true;
    await until(() => faults.length > 0);
    for (const n of [1, 2, 3]) server.add({ lid: lidOf(n) });
    server.state.first = 3;
    server.state.isDown = false;
    await until(() => isRevoked(3));
    expect([isRevoked(1), isRevoked(2)]).toEqual([true, true]);
  });

  it('does not start on a snapshot of another platform', async () => {
    server.state.signer = attacker;
    await expect(follower.start()).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
    expect(follower.isFresh('read')).toBe(false);
  });

  it('forgets what has expired long ago', async () => {
    server.add({ lid: lidOf(1), exp: 1_790_000_000 });
    server.add({ rule: { below: platform.did, as: 'issuer', point: null }, exp: 1_790_000_000 });
    await follower.start();
    expect(isRevoked(1)).toBe(true);
    server.state.now += 2 * 86_400_000;
    await until(() => !isRevoked(1));
  });

  it('REV-4 forgets nothing by a clock of its own that is ahead for a moment', async () => {
    server.add({ lid: lidOf(1), exp: 1_790_000_000 });
    await follower.start();
    server.state.isStuck = true;
    server.state.ahead = 2 * 86_400_000;
    server.add({ lid: lidOf(2) });
    await until(() => isRevoked(2));
    const { asked } = server.state;
    await until(() => server.state.asked > asked + 2);
    expect(isRevoked(1)).toBe(true);
  });
});
