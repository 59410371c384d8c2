import {
  AnchorEvidence,
  AnchorList,
  AnchorPage,
  type AnchorProof,
  type AnchorSettings,
  createChecker,
} from '@talosprotocol/contracts';
import { encodeHex } from '@talosprotocol/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Listener } from '../../platform/http.js';
import { createMetrics } from '../../platform/metrics/metrics.js';
import { createSecret } from '../../platform/secret.js';
import { ADMIN_TOKEN, openTestListener } from '../../platform/testing/listener.js';
import { createAuditRoutes } from '../routes.js';
import { type Audit, createAudit } from '../service.js';
import { type AuditWorld, auditDeps, decision, openAuditWorld } from '../testing/room.js';
import { type LocalCalendar, startLocalCalendar } from './ots/testing/local-calendar.js';

let world: AuditWorld;
let audit: Audit;
let listener: Listener;
let calendar: LocalCalendar;
const metrics = createMetrics();

beforeAll(async () => {
  [world, calendar] = await Promise.all([openAuditWorld(), startLocalCalendar()]);
  const settings: AnchorSettings[] = [
    { kind: 'opentimestamps', calendars: [calendar.url], everySeconds: 3600 },
  ];
  const anchors = {
    settings,
    key: async () => createSecret(new Uint8Array(32).fill(1)),
    limits: { otsPollMs: 20 },
  };
  const deps = auditDeps(world.sql, await world.fresh(), { chainAnchors: anchors, metrics });
  audit = createAudit(deps);
  await audit.start();
  listener = await openTestListener({ routes: createAuditRoutes(audit) });
});
afterAll(async () => {
  await listener?.closeGracefully(1_000);
  await audit?.stop();
  await Promise.all([world?.close(), calendar?.close()]);
});

async function get(path: string, token = ADMIN_TOKEN): Promise<{ status: number; body: unknown }> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${listener.url}/talos/v1/anchors${path}`, { headers });
  return { status: response.status, body: await response.json() };
}

describe('the routes of chain anchors (AUD-45)', () => {
  it('are for whoever may read the log', async () => {
    for (const path of ['', '/evidence', '/proofs']) expect((await get(path, 'x')).status).toBe(401);
  });

  it('say how far anchoring is, and answer evidence once there is some', async () => {
    expect(await get('/evidence')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    await expect
      .poll(async () => (await get('')).body)
      .toMatchObject({ anchors: [{ open: 1, proven: null }] });
    // An anchor is open before the calendar has it.
    await expect.poll(() => calendar.received.length).toBe(1);
    calendar.mine();
    await expect.poll(async () => (await get('')).body).toMatchObject({ anchors: [{ proven: { size: 1 } }] });
    await audit.record(decision());
    const list = await get('');
    expect(createChecker(AnchorList)(list.body)).toBeUndefined();
    expect(list.body).toMatchObject({
      anchors: [
        {
          place: 'opentimestamps',
          kind: 'opentimestamps',
          lag: { entries: expect.any(Number) },
          fault: null,
          alarms: [],
        },
      ],
    });
    for (const path of ['/evidence', '/evidence?size=1', '/evidence?size=1&kind=opentimestamps']) {
      const { status, body } = await get(path);
      expect([path, status, createChecker(AnchorEvidence)(body)]).toEqual([path, 200, undefined]);
      const { anchor } = body as { anchor: AnchorProof };
      expect(anchor).toMatchObject({ size: 1, kind: 'opentimestamps' });
    }
    // AUD-133
    for (const [query, count] of [
      ['', 1],
      ['?to=1', 1],
      ['?to=0', 0],
      ['?to=9&after=1&place=opentimestamps', 0],
      ['?after=1', 1],
    ] as const) {
      const { status, body } = await get(`/proofs${query}`);
      expect([query, status, createChecker(AnchorPage)(body)]).toEqual([query, 200, undefined]);
      expect([query, body]).toMatchObject([query, { anchors: { length: count }, next: null }]);
    }
    expect((await get('/evidence?size=2')).status).toBe(404);
    expect((await get('/evidence?size=1&kind=evm')).status).toBe(404);
  });

  it.each([
    '?x=1',
    '/evidence?size=0',
    '/evidence?size=01',
    '/evidence?size=9007199254740992',
    '/evidence?kind=solana',
    '/evidence?size=1&size=1',
    '/evidence?root=1',
    '/proofs?to=-1',
    '/proofs?size=1',
    '/proofs?after=01',
  ])('refuse %s', async (path) => {
    expect(await get(path)).toMatchObject({ status: 400, body: { code: 'MALFORMED' } });
  });

  it('have their lag in the metrics', async () => {
    await expect.poll(() => audit.checkpoint().size).toBe(2);
    const text = await metrics.text();
    // Nobody looked at the block of the anchor of size 1.
    expect(text).toMatch(/talos_audit_anchor_lag_entries\{[^}]*place="opentimestamps"[^}]*\} 2\b/);
    expect(text).toMatch(/talos_audit_anchor_lag_seconds\{[^}]*place="opentimestamps"[^}]*\} [0-9]/);
    expect(text).toMatch(/talos_audit_anchor_failing\{[^}]*\} 0/);
    expect(text).toMatch(/talos_audit_anchor_alarms\{[^}]*\} 0/);
    expect(text).not.toContain(encodeHex(new Uint8Array(32).fill(1)));
  });
});
