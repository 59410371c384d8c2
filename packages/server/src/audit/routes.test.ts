import { createHash } from 'node:crypto';
import { type IncomingHttpHeaders, request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { Bundle, createChecker, EventPage, Receipt, TrustFile } from '@talosprotocol/contracts';
import {
  canonicalBytes,
  canonicalize,
  createCompactTree,
  createNoteVerifier,
  createTreeHasher,
  decodeBase64url,
  encodeHex,
  parseJson,
  parseJws,
  planCover,
  verifyCheckpoint,
  verifyJwsSignature,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Listener } from '../platform/http.js';
import { ADMIN_TOKEN, openTestListener } from '../platform/testing/listener.js';
import { createAuditRoutes } from './routes.js';
import { type Audit, createAudit } from './service.js';
import { type AuditWorld, auditDeps, decision, gateway, newUuid, openAuditWorld } from './testing/room.js';

const crypto = createNodeCrypto();
const hasher = createTreeHasher(crypto.sha256);
const EVENTS = 600;

let world: AuditWorld;
let audit: Audit;
let listener: Listener;
let lastId: string;

beforeAll(async () => {
  world = await openAuditWorld();
  const deps = auditDeps(world.sql, await world.fresh());
  audit = createAudit(deps);
  await audit.start();
  const recorded = await Promise.all(Array.from({ length: EVENTS - 1 }, () => audit.record(decision())));
  lastId = recorded.at(-1)!.id;
  listener = await openTestListener({ routes: createAuditRoutes(audit) });
});
afterAll(async () => {
  await listener.closeGracefully(1_000);
  await audit.stop();
  await world.close();
});

function get(path: string, token: string | undefined = ADMIN_TOKEN): Promise<Response> {
  const headers = token === '' ? {} : { authorization: `Bearer ${token}` };
  return fetch(`${listener.url}${path}`, { headers });
}

const statusOf = async (path: string, token?: string): Promise<number> => {
  const response = await get(path, token);
  await response.arrayBuffer();
  return response.status;
};

/** `fetch` unpacks what comes in. */
function rawGet(
  url: string,
  headers: Record<string, string>,
): Promise<{ headers: IncomingHttpHeaders; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }));
    });
    sent.once('error', reject).end();
  });
}

describe('routes', () => {
  it('show nothing that discloses without the administrator token', async () => {
    const id = `rcp_${lastId.slice(4)}`;
    const closed = [
      `/talos/v1/receipts/${id}`,
      '/talos/v1/events',
      '/talos/v1/events/0',
      '/talos/v1/bundle',
      '/talos/v1/trust',
    ];
    for (const path of [...closed, '/tlog/tile/entries/000', '/tlog/tile/entries/002.p/88']) {
      expect([path, await statusOf(path, '')]).toEqual([path, 401]);
    }
    expect(await statusOf('/tlog/checkpoint', '')).toBe(200);
  });

  it('answer a receipt at once, though it was recorded a moment ago', async () => {
    const { id } = await audit.record(decision());
    const response = await get(`/talos/v1/receipts/rcp_${id.slice(4)}`);
    expect(createChecker(Receipt)(await response.json())).toBeUndefined();
    expect(await statusOf(`/talos/v1/receipts/rcp_${newUuid()}`)).toBe(404);
    expect(await statusOf('/talos/v1/receipts/nonsense')).toBe(404);
  });

  it('serve tiles for ever, and none that is not published', async () => {
    const tile = await get('/tlog/tile/0/000', '');
    expect(tile.headers.get('content-type')).toBe('application/octet-stream');
    expect(tile.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect((await tile.arrayBuffer()).byteLength).toBe(256 * 32);
    const root = await get('/tlog/tile/1/000.p/2', '');
    expect((await root.arrayBuffer()).byteLength).toBe(64);
    expect((await get('/tlog/tile/entries/001')).headers.get('cache-control')).toMatch(/^private/);
    for (const path of [
      '0/002',
      '0/002.p/255',
      '0/003',
      '7/000',
      '1/000',
      '0/000.p/0',
      '0/x000/000',
      '..%2Fcheckpoint',
      'entries/..%2F0/000',
    ]) {
      expect([path, await statusOf(`/tlog/tile/${path}`)]).not.toEqual([path, 200]);
    }
    const checkpoint = await get('/tlog/checkpoint', '');
    expect(checkpoint.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    const log = { origin: 'talos.test/log/default', keys: [createNoteVerifier(crypto, audit.vkey)] };
    expect(verifyCheckpoint(await checkpoint.text(), log).size).toBeGreaterThanOrEqual(EVENTS);
  });

  // AUD-78
  it('pack entry bundles for whoever takes that, and hashes for nobody', async () => {
    const ask = (path: string, encoding: string) =>
      rawGet(`${listener.url}/tlog/tile/${path}`, {
        'accept-encoding': encoding,
        authorization: `Bearer ${ADMIN_TOKEN}`,
      });
    const plain = await ask('entries/000', 'identity');
    expect([plain.headers['content-encoding'], plain.headers.vary]).toEqual([undefined, 'accept-encoding']);
    expect(plain.body.length).toBe(Number(plain.headers['content-length']));
    for (const encoding of ['gzip', 'br, gzip;q=0.5', 'GZIP', '*', '*;q=0, gzip']) {
      const packed = await ask('entries/000', encoding);
      expect([encoding, packed.headers['content-encoding']]).toEqual([encoding, 'gzip']);
      expect(packed.body.length).toBeLessThan(plain.body.length / 2);
      expect(gunzipSync(packed.body).equals(plain.body)).toBe(true);
    }
    for (const encoding of ['', 'br', 'gzip;q=0', '*;q=0.0', 'gzipped']) {
      expect((await ask('entries/000', encoding)).headers['content-encoding']).toBeUndefined();
    }
    expect((await ask('0/000', 'gzip')).headers['content-encoding']).toBeUndefined();
  });

  it('refuse parameters that are not theirs', async () => {
    const bad = [
      'events?limit=0',
      'events?limit=501',
      'events?limit=1e1',
      'events?limit=1&limit=2',
      'events?cursor=x',
      'events?page=2',
      'events?agent=',
      'events?agent=did:key:z6Mk',
      `events?agent=${'did:web:a'.padEnd(300, 'a')}`,
      'events?agent=%00',
      "events?tool=x'%3B%20DROP%20TABLE%20audit_event%3B--",
      'events?server=Files',
      'events?capability=1%20OR%201%3D1',
      'events?type=everything',
      'events?type=decision&type=outcome',
      'events?effect=ALLOW',
      'events?code=OK',
      'events?status[]=failed',
      'events?since=yesterday',
      'events?since=2026-02-30T00:00:00.000Z',
      'events?until=2026-01-01T00:00:00Z',
      'events?min_cost=0',
      'events?min_cost=1.5',
      'events?min_cost=9007199254740992',
      'events?currency=eur',
      'events?order=random',
      'events/-1',
      'events/0?x=1',
      'events/x',
      'bundle?from=-1',
      'bundle?from=5&to=5',
      'bundle?from=9007199254740993',
      'bundle?to=100000',
      'trust?x=1',
    ];
    for (const path of bad) expect([path, await statusOf(`/talos/v1/${path}`)]).toEqual([path, 400]);
    const page = (await (await get('/talos/v1/events?limit=2')).json()) as EventPage;
    expect(createChecker(EventPage)(page)).toBeUndefined();
    expect(await statusOf(`/talos/v1/events?cursor=${page.next}`)).toBe(200);
    const query = `server=files&tool=read&op=read&effect=allow&type=decision&order=oldest&limit=3`;
    const { events } = (await (await get(`/talos/v1/events?${query}`)).json()) as EventPage;
    expect(events.map(({ index }) => index)).toEqual([1, 2, 3]);
    expect(await (await get('/talos/v1/events/2')).json()).toEqual(events[1]);
    expect(await (await get(`/talos/v1/events/${events[1]?.event.id}`)).json()).toEqual(events[1]);
    expect(await statusOf('/talos/v1/events/100000')).toBe(404);
    expect(createChecker(TrustFile)(await (await get('/talos/v1/trust')).json())).toBeUndefined();
  });

  it.each([
    ['', 0, EVENTS],
    ['?from=100&to=101', 100, 101],
    ['?from=250&to=600', 250, 600],
  ])('export a bundle%s that holds under its own terms', async (query, from, to) => {
    const text = await (await get(`/talos/v1/bundle${query}`)).text();
    const parsed = parseJson(text, { maxBytes: 10_000_000 });
    expect(canonicalize(parsed)).toBe(text);
    expect(createChecker(Bundle)(parsed)).toBeUndefined();
    const bundle = parsed as unknown as Bundle;
    const { statement, ...rest } = bundle;
    const jws = parseJws(statement, 'talos-bundle+jwt');
    verifyJwsSignature(jws, gateway.publicKey, crypto);
    const log = { origin: 'talos.test/log/default', keys: [createNoteVerifier(crypto, audit.vkey)] };
    const { size, root } = verifyCheckpoint(bundle.checkpoint, log);
    const { iat: _, ...claims } = jws.claims;
    expect(claims).toEqual({
      iss: gateway.did,
      origin: log.origin,
      size,
      root: encodeHex(root),
      ...bundle.range,
      hash: createHash('sha256').update(canonicalize(rest)).digest('hex'),
    });
    expect(bundle.range.from).toBe(from);
    expect(bundle.range.to).toBeGreaterThanOrEqual(to);
    const inside = bundle.entries.filter(({ index }) => index >= from && index < bundle.range.to);
    expect(inside.map(({ index }) => index)).toEqual(
      Array.from({ length: bundle.range.to - from }, (_, i) => from + i),
    );
    const tree = createCompactTree(hasher);
    const graft = (end: number, hashes: readonly string[]) => {
      const cover = planCover(tree.size, end);
      expect(hashes).toHaveLength(cover.length);
      for (const [i, { level }] of cover.entries()) tree.graft(level, decodeBase64url(hashes[i]!));
    };
    for (const { before, index, event } of bundle.entries) {
      graft(index, before);
      tree.append(hasher.leaf(canonicalBytes(event)));
    }
    graft(size, bundle.rest);
    expect(tree.root()).toEqual(root);
  });

  it('export few bundles at a time', async () => {
    const statuses = await Promise.all(Array.from({ length: 6 }, () => statusOf('/talos/v1/bundle')));
    expect(statuses).toContain(200);
    expect(statuses).toContain(503);
    expect(await statusOf('/talos/v1/bundle')).toBe(200);
  });

  it('answer a page of disclosures in parts, few at a time, and cut one off that nobody reads', async () => {
    const { disclosures: list, ...page } = (await (await get('/talos/v1/disclosures?from=256')).json()) as {
      disclosures: { index: number; disclosures: unknown[] }[];
    };
    expect(page).toEqual({ from: 256, to: 512, pruned: 0 });
    expect(list.map(({ index }) => index)).toEqual(Array.from({ length: 256 }, (_, i) => 256 + i));
    expect(await (await get('/talos/v1/disclosures?from=5000')).json()).toMatchObject({ disclosures: [] });

    let isEndless = true;
    async function* endless() {
      for (;;) yield 'x'.repeat(262_144);
    }
    const disclosures: Audit['disclosures'] = (from) => (isEndless ? endless() : audit.disclosures(from));
    const impatient = await openTestListener({
      routes: createAuditRoutes({ ...audit, disclosures }, { patienceMs: 300 }),
    });
    const url = `${impatient.url}/talos/v1/disclosures`;
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const idle = Array.from({ length: 4 }, () => request(url, { headers }).on('error', () => undefined));
    await Promise.all(idle.map((one) => new Promise((begun) => one.once('response', begun).end())));
    isEndless = false;
    expect((await fetch(url, { headers })).status).toBe(503);
    await expect.poll(async () => (await fetch(url, { headers })).status, { timeout: 10_000 }).toBe(200);
    for (const one of idle) one.destroy();
    await impatient.closeGracefully(1_000);
  });

  it('cut a bundle off that nobody reads, and let the next one in', async () => {
    let ended = 0;
    let isEndless = true;
    // More than any socket holds.
    async function* endless() {
      try {
        for (;;) yield 'x'.repeat(262_144);
      } finally {
        ended += 1;
      }
    }
    const bundle: Audit['bundle'] = async (...ask) => (isEndless ? endless() : audit.bundle(...ask));
    const impatient = await openTestListener({
      routes: createAuditRoutes({ ...audit, bundle }, { patienceMs: 300 }),
    });
    const url = `${impatient.url}/talos/v1/bundle`;
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    // Nothing is read of a response that is never consumed.
    const idle = Array.from({ length: 2 }, () => request(url, { headers }).on('error', () => undefined));
    await Promise.all(idle.map((one) => new Promise((begun) => one.once('response', begun).end())));
    isEndless = false;
    expect((await fetch(url, { headers })).status).toBe(503);
    await expect.poll(async () => (await fetch(url, { headers })).status, { timeout: 10_000 }).toBe(200);
    await expect.poll(() => ended, { timeout: 10_000 }).toBe(2);
    for (const one of idle) one.destroy();
    await impatient.closeGracefully(1_000);
  });

  it('end what makes a bundle if already its first part is not read', async () => {
    let ended = 0;
    async function* long() {
      try {
        yield 'x'.repeat(64 * 1024 * 1024);
      } finally {
        ended += 1;
      }
    }
    const impatient = await openTestListener({
      routes: createAuditRoutes({ ...audit, bundle: async () => long() }, { patienceMs: 100 }),
    });
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const idle = request(`${impatient.url}/talos/v1/bundle`, { headers }).on('error', () => undefined);
    await new Promise((begun) => idle.once('response', begun).end());
    await expect.poll(() => ended, { timeout: 5_000 }).toBe(1);
    idle.destroy();
    await impatient.closeGracefully(1_000);
  });

  it('cut a bundle off when the log proves to be damaged, and answer no wrong receipt', async () => {
    const damaged = "UPDATE audit_event SET event = replace(event, '$1', '$2') WHERE idx = 7";
    await world.sql.query(damaged.replace('$1', '"allow"').replace('$2', '"deny"'));
    const [row] = await world.sql.query<{ id: string }>('SELECT id FROM audit_event WHERE idx = 7');
    expect(await statusOf(`/talos/v1/receipts/rcp_${row!.id}`)).toBe(503);
    // It begins as others do: only so it can be told from a service that is not there.
    const cut = await get('/talos/v1/bundle');
    expect(cut.status).toBe(200);
    await expect(cut.text()).rejects.toThrow();
    await world.sql.query(damaged.replace('$1', '"deny"').replace('$2', '"allow"'));
    expect(await statusOf('/talos/v1/bundle')).toBe(200);
  });
});
