import { IncomingMessage, ServerResponse } from 'node:http';
import { connect, Socket } from 'node:net';
import { createChecker, EventRecord, StreamEnd } from '@talosprotocol/contracts';
import { commit, disclose, TrustError } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Listener } from '../../platform/http.js';
import { ADMIN_TOKEN, openTestListener } from '../../platform/testing/listener.js';
import type { AuditDraft } from '../draft.js';
import { type Audit, createAudit } from '../service.js';
import {
  type AuditWorld,
  auditDeps,
  type Changes,
  chain,
  chainDraft,
  decision,
  gateway,
  openAuditWorld,
} from '../testing/room.js';
import { createStreamRoutes } from './stream-routes.js';
import type { StreamLimits } from './streams.js';

const crypto = createNodeCrypto();

let world: AuditWorld;
const open: Place[] = [];

interface Place {
  readonly audit: Audit;
  readonly listener: Listener;
  readonly state: { mayRead: boolean };
  stop(): Promise<void>;
}

beforeAll(async () => {
  world = await openAuditWorld();
});
afterEach(async () => {
  for (const place of open.splice(0)) await place.stop();
});
afterAll(() => world.close());

async function start(
  tiles: string,
  streams: Partial<StreamLimits> = {},
  changes: Changes = {},
): Promise<Place> {
  const deps = auditDeps(world.sql, tiles, {
    ...changes,
    limits: { streams: { pauseMs: 10, recheckMs: 100, ...streams } },
  });
  const audit = createAudit(deps);
  await audit.start();
  const state = { mayRead: true };
  const authorize = async (): Promise<void> => {
    if (!state.mayRead) throw new TrustError('FORBIDDEN', 'audit:read is not permitted');
  };
  const listener = await openTestListener({ routes: createStreamRoutes(audit.streams, authorize) });
  let isStopped = false;
  const stop = async (): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    audit.streams.close();
    await listener.closeGracefully(10_000);
    await audit.stop();
  };
  const place = { audit, listener, state, stop };
  open.push(place);
  return place;
}

interface Message {
  readonly id?: number;
  readonly event?: string;
  readonly data?: string;
}

interface Reader {
  readonly status: number;
  /** The next messages that say something, so many of them; fewer if the stream ends before. */
  take(count: number): Promise<Message[]>;
  /** The next message, also one that only has an id. */
  next(): Promise<Message | undefined>;
  close(): void;
}

async function read(place: Place, query = '', headers: Record<string, string> = {}): Promise<Reader> {
  const stop = new AbortController();
  const response = await fetch(`${place.listener.url}/talos/v1/events/stream${query}`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, ...headers },
    signal: stop.signal,
  });
  const messages = response.ok && response.body !== null ? parse(response.body) : undefined;
  if (messages === undefined) await response.arrayBuffer();
  return {
    status: response.status,
    take: async (count) => {
      const taken: Message[] = [];
      while (messages !== undefined && taken.length < count) {
        const { done, value } = await messages.next();
        if (done === true) break;
        if (value.data !== undefined) taken.push(value);
      }
      return taken;
    },
    next: async () => (await messages?.next())?.value,
    close: () => stop.abort(),
  };
}

async function* parse(body: ReadableStream<Uint8Array>): AsyncGenerator<Message> {
  let text = '';
  for await (const chunk of body) {
    text += Buffer.from(chunk).toString('utf8');
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text
        .slice(0, end)
        .split('\n')
        .map((line) => /^(id|event|data): (.*)$/s.exec(line));
      text = text.slice(end + 2);
      const found = Object.fromEntries(lines.flatMap((line) => (line === null ? [] : [[line[1], line[2]]])));
      if (Object.keys(found).length > 0)
        yield { ...found, ...(found['id'] === undefined ? {} : { id: Number(found['id']) }) };
    }
  }
}

const idsOf = (messages: readonly Message[]) => messages.map(({ id }) => id);
const ofGateway = chain('gateway', gateway.did);

const record = (audit: Audit, count: number) =>
  Promise.all(Array.from({ length: count }, () => audit.record(decision())));
const recordOfGateway = (audit: Audit, count: number) =>
  Promise.all(
    Array.from({ length: count }, () => audit.record(decision({ sub: gateway.did, cth: ofGateway.cth }))),
  );

function endOf(message: Message | undefined): StreamEnd {
  expect(message?.event).toBe('end');
  const end = JSON.parse(message?.data ?? '{}') as StreamEnd;
  expect(createChecker(StreamEnd)(end)).toBeUndefined();
  return end;
}

describe('a stream of events (AUD-68)', () => {
  it('begins where it is told, or now, and goes on with what fits as it is recorded', async () => {
    const place = await start(await world.fresh());
    await record(place.audit, 4);
    await place.audit.record(chainDraft(ofGateway.cth, ofGateway.chain));
    const whole = await read(place, '?from=0');
    const live = await read(place, `?agent=${gateway.did}&effect=allow`);
    const seen = await whole.take(6);
    expect(idsOf(seen)).toEqual([0, 1, 2, 3, 4, 5]);
    for (const { data } of seen) expect(createChecker(EventRecord)(JSON.parse(data ?? ''))).toBeUndefined();
    await record(place.audit, 3);
    await recordOfGateway(place.audit, 2);
    expect(idsOf(await whole.take(5))).toEqual([6, 7, 8, 9, 10]);
    expect(idsOf(await live.take(2))).toEqual([9, 10]);
    for (const reader of [whole, live]) reader.close();
  });

  it('goes on after the event its reader saw last, also over a restart, without gap or repeat', async () => {
    const tiles = await world.fresh();
    const first = await start(tiles);
    const reader = await read(first, '?from=0');
    await record(first.audit, 250);
    const seen = idsOf(await reader.take(120));
    const coming = reader.take(1_000);
    await first.stop();
    const rest = await coming;
    // What was on its way still came; then the stream said why it ended.
    seen.push(...idsOf(rest.slice(0, -1)));
    expect(endOf(rest.at(-1))).toMatchObject({ code: 'UNAVAILABLE' });
    const second = await start(tiles);
    const again = await read(second, '?from=0', { 'last-event-id': String(seen.at(-1)) });
    await record(second.audit, 40);
    while (seen.length < 292) seen.push(...idsOf(await again.take(1)));
    expect(seen).toEqual(Array.from({ length: 292 }, (_, index) => index));
    again.close();
  });

  it('tells now and then how far it looked, so that whoever comes again need not start at the last that fitted', async () => {
    const place = await start(await world.fresh(), { heartbeatMs: 50 });
    const reader = await read(place, `?agent=${gateway.did}&from=0`);
    await place.audit.record(chainDraft(ofGateway.cth, ofGateway.chain));
    await record(place.audit, 8);
    for (let id: number | undefined; id !== 9; ) {
      const message = await reader.next();
      expect(message?.data).toBeUndefined();
      id = message?.id;
    }
    const again = await read(place, `?agent=${gateway.did}`, { 'last-event-id': '9' });
    await recordOfGateway(place.audit, 1);
    expect(await again.next()).toEqual({ id: 9 });
    expect(idsOf(await again.take(1))).toEqual([10]);
    for (const one of [reader, again]) one.close();
  });

  it('ends, and says so, once its caller may not read any more, also while nothing happens', async () => {
    const place = await start(await world.fresh());
    const [idle, busy] = [await read(place), await read(place, '?from=0')];
    expect(await busy.take(1)).toHaveLength(1);
    place.state.mayRead = false;
    const [end] = await idle.take(1);
    expect(endOf(end)).toMatchObject({ code: 'FORBIDDEN' });
    const { index } = await place.audit.record(decision());
    const rest = await busy.take(10);
    expect(endOf(rest.at(-1)).code).toBe('FORBIDDEN');
    expect(idsOf(rest)).not.toContain(index);
    expect(await idle.take(1)).toEqual([]);
  });

  it('ends like that also for a reader that takes its time over what was read before', async () => {
    const place = await start(await world.fresh());
    await Promise.all(Array.from({ length: 400 }, () => place.audit.record(large())));
    const socket = await openSilent(place, '/talos/v1/events/stream?from=0');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    place.state.mayRead = false;
    const text = await drain(socket);
    expect(text).toContain('event: end\ndata: {"code":"FORBIDDEN"');
    expect(text.split('\ndata: {"index"').length).toBeLessThan(400);
  }, 120_000);

  it('is one of few: one more is refused until another ends', async () => {
    const place = await start(await world.fresh(), { streams: 2 });
    const readers = [await read(place), await read(place)];
    expect((await read(place)).status).toBe(503);
    readers[0]?.close();
    await expect.poll(async () => (await read(place)).status).toBe(200);
    readers[1]?.close();
  });

  it('leaves its place also where it could not begin', async () => {
    const { audit } = await start(await world.fresh(), { streams: 1 });
    const request = new IncomingMessage(new Socket());
    const begin = () => {
      const response = new ServerResponse(request);
      // Somebody answered already.
      response.writeHead(200);
      response.flushHeaders();
      const { signal } = new AbortController();
      return audit.streams
        .serve({ request, response, filter: {}, from: undefined, signal, authorize: async () => undefined })
        .catch((error: { code?: string }) => error.code);
    };
    for (const _ of [1, 2, 3]) expect(await begin()).toBe('ERR_HTTP_HEADERS_SENT');
  });

  it('drops a reader that does not read, keeps little for it, and leaves the reason', async () => {
    const place = await start(await world.fresh(), { patienceMs: 300, streams: 1 });
    await Promise.all(Array.from({ length: 400 }, () => place.audit.record(large())));
    const before = process.memoryUsage().rss;
    const socket = await openSilent(place, '/talos/v1/events/stream?from=0');
    // Its place is free again.
    await expect.poll(async () => (await read(place)).status, { timeout: 10_000 }).toBe(200);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
    const text = await drain(socket);
    expect(text).toContain('event: end\ndata: {"code":"TIMEOUT"');
    expect(text.split('\ndata: {"index"').length).toBeLessThan(400);
  }, 120_000);

  it('refuses a beginning that is none', async () => {
    const place = await start(await world.fresh());
    for (const query of [
      '?from=-1',
      '?from=2',
      '?from=1&from=1',
      '?since=2026-01-01T00:00:00.000Z',
      '?order=oldest',
      '?agent=x',
    ])
      expect([query, (await read(place, query)).status]).toEqual([query, 400]);
    for (const id of ['x', '-1', '1', '00', '9'.repeat(17)])
      expect([id, (await read(place, '', { 'last-event-id': id })).status]).toEqual([id, 400]);
    expect((await read(place, '', { authorization: 'Bearer x' })).status).toBe(401);
    place.audit.streams.close();
    expect((await read(place)).status).toBe(503);
  });

  it('waits for a log that cannot be read for a moment, and ends when that does not pass', async () => {
    const state = { fails: false };
    const transaction: typeof world.sql.transaction = (work, isolation) =>
      state.fails && isolation !== undefined
        ? Promise.reject(new TrustError('UNAVAILABLE', 'the database is away'))
        : world.sql.transaction(work, isolation);
    const tiles = await world.fresh();
    const place = await start(tiles, { patienceMs: 500 }, { sql: { ...world.sql, transaction } } as Changes);
    const reader = await read(place, '?from=0');
    expect(idsOf(await reader.take(1))).toEqual([0]);
    state.fails = true;
    await record(place.audit, 1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    state.fails = false;
    expect(idsOf(await reader.take(1))).toEqual([1]);
    state.fails = true;
    await record(place.audit, 1);
    expect(endOf((await reader.take(1))[0])).toMatchObject({
      code: 'UNAVAILABLE',
      reason: 'the database is away',
    });
  });
});

/** A decision that discloses 30 kB. */
function large(): AuditDraft<'decision'> {
  const draft = decision();
  const salt = new Uint8Array(32).fill(5);
  const items = Array.from({ length: 500 }, (_, i) => ({
    scope: `tool:files/method:read/resource:/${i}`,
    op: 'read',
  }));
  const members = { ...draft.members, items: commit('/items', items, salt, crypto) };
  return { ...draft, disclosures: [disclose('/items', items, salt)], members };
}

/** A client that asks and reads nothing. */
function openSilent(place: Place, path: string): Promise<Socket> {
  const { port } = new URL(place.listener.url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.pause();
      const lines = [
        `GET ${path} HTTP/1.1`,
        `host: 127.0.0.1:${port}`,
        `authorization: Bearer ${ADMIN_TOKEN}`,
        'connection: close',
      ];
      socket.write(`${lines.join('\r\n')}\r\n\r\n`);
      resolve(socket);
    });
  });
}

function drain(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('utf8')));
    socket.on('error', () => undefined);
    socket.resume();
  });
}
