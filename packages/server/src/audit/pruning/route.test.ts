import { BUNDLE_TYP, type Bundle, createChecker, ProblemDetails, Pruning } from '@talosprotocol/contracts';
import {
  canonicalBytes,
  createNoteVerifier,
  parseJson,
  parseJws,
  signJws,
  verifyBundle,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { createLogClient, createLogMonitor } from '@talosprotocol/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Listener } from '../../platform/http.js';
import { ADMIN_TOKEN, openTestListener } from '../../platform/testing/listener.js';
import { createAuditRoutes } from '../routes.js';
import { type AuditWorld, gateway, openAuditWorld } from '../testing/room.js';
import { DAY, iso, type OldLog, one, openGrownLog } from './testing/old-log.js';

const crypto = createNodeCrypto();
const isProblem = createChecker(ProblemDetails);
const isPruning = createChecker(Pruning);

let world: AuditWorld;
let log: OldLog;
let listener: Listener;

beforeAll(async () => {
  world = await openAuditWorld();
  ({ log } = await openGrownLog(world));
  listener = await openTestListener({ routes: createAuditRoutes(log.audit) });
});
afterAll(async () => {
  await listener?.closeGracefully(1_000);
  await log?.stop();
  await world?.close();
});

const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' };
const get = (path: string) => fetch(`${listener.url}${path}`, { headers });
const post = (body: object, query = '') =>
  fetch(`${listener.url}/talos/v1/log/prune${query}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });

function monitorOf(from = 0) {
  const known = {
    origin: 'talos.test/log/default',
    keys: [createNoteVerifier(crypto, log.audit.vkey)],
  };
  const client = createLogClient({ url: `${listener.url}/tlog`, token: ADMIN_TOKEN, log: known, crypto });
  return {
    client,
    monitor: createLogMonitor({ client, log: known, crypto, now: Date.now, entries: { from } }),
  };
}

// AUD-112, AUD-116
describe('over HTTP', () => {
  it('a log is pruned by whoever may, and by nothing that is no such request', async () => {
    const before = iso(log.now() - 2 * DAY);
    for (const [body, query] of [
      [{}],
      [{ before: 'yesterday' }],
      [{ before, more: 1 }],
      [{ before }, '?dry_run=true'],
      [{ before: iso(log.now() + DAY) }],
    ] as const)
      expect((await post(body, query)).status).toBe(400);
    expect((await post({ before: iso(log.now()) })).status).toBe(409);
    const dry = (await (await post({ before, dry_run: true })).json()) as object;
    expect(dry).toMatchObject({ from: 0, to: 512, event: null });
    // A monitor that has read everything until now, and goes on afterwards.
    const { monitor } = monitorOf();
    expect(await monitor.check()).toEqual([]);
    expect(monitor.progress().unread).toBe(0);
    const answer = (await (await post({ before })).json()) as object;
    expect(isPruning(answer)).toBeUndefined();
    expect(answer).toMatchObject({ from: 0, to: 512 });
    await log.calls(300);
    await log.signed();
    expect(await monitor.check()).toEqual([]);
    expect(monitor.progress().unread).toBe(0);
  });

  it('entries that were pruned are gone, 410, and hashes are there', async () => {
    for (const path of ['/tlog/tile/entries/000', '/tlog/tile/entries/001', '/tlog/tile/entries/000.p/7']) {
      const gone = await get(path);
      expect([path, gone.status, gone.headers.get('cache-control')]).toEqual([path, 410, 'no-store']);
      const problem = (await gone.json()) as object;
      expect(isProblem(problem)).toBeUndefined();
      expect(problem).toMatchObject({ code: 'PRUNED', hint: expect.stringContaining('512') });
    }
    for (const path of ['/tlog/tile/entries/002', '/tlog/tile/0/000', '/tlog/tile/0/001'])
      expect([path, (await get(path)).status]).toEqual([path, 200]);
    expect((await get('/tlog/tile/entries/900')).status).toBe(404);
    expect((await get('/talos/v1/events/3')).status).toBe(410);
    expect((await get('/talos/v1/bundle?from=0')).status).toBe(410);
  });

  // AUD-97
  it('a monitor that comes later follows from where entries are left, and proves what is gone to be in the tree', async () => {
    const { client, monitor } = monitorOf(512);
    expect(await monitor.check()).toEqual([]);
    const tree = client.tree(await client.checkpoint());
    expect(await tree.leafHash(3)).toHaveLength(32);
    expect((await tree.inclusion(3)).length).toBeGreaterThan(8);
    expect(await tree.rootAt(300)).toHaveLength(32);
    expect((await tree.consistency(300)).length).toBeGreaterThan(0);
  });
});

// AUD-56, AUD-114
describe('a bundle that claims what was pruned', () => {
  /** An exporter that lies, with the keys of the log's own. */
  async function forge(change: (bundle: Bundle) => void): Promise<Uint8Array> {
    const bytes = await log.bundle({ filter: { agents: [one.did] }, from: 700 });
    const bundle = parseJson(bytes) as unknown as Bundle;
    change(bundle);
    const { statement, ...rest } = bundle;
    const { claims: said } = parseJws(statement, BUNDLE_TYP, { maxBytes: 1_000_000 });
    const { from, to } = bundle.range;
    const hash = crypto.sha256Hex(canonicalBytes(rest));
    const claims = { ...said, from, to, hash };
    const signed = signJws({ typ: BUNDLE_TYP, claims }, gateway);
    return canonicalBytes({ ...rest, statement: signed });
  }
  const verify = async (bytes: Uint8Array) => verifyBundle(bytes, await log.trust(), crypto);

  it('is proven as it was exported', async () => {
    expect((await verify(await forge(() => undefined))).from).toBe(700);
  });

  it.each([0, 256, 512])('is refused if it says that nothing is missing from %i on', async (from) => {
    const bytes = await forge((bundle) => {
      bundle.range.from = from;
    });
    await expect(verify(bytes)).rejects.toMatchObject({ code: 'PROOF_NOT_PROVEN' });
  });
});
