import {
  createChecker,
  type EventOf,
  EventPage,
  Receipt,
  RequestRecord,
  TrustFile,
} from '@talosprotocol/contracts';
import {
  canonicalBytes,
  createNoteVerifier,
  createTreeHasher,
  TrustError,
  verifyTlogProof,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createMetrics } from '../platform/metrics/metrics.js';
import type { Sql } from '../platform/sql.js';
import { clock } from '../platform/system.js';
import { createTestLog } from '../platform/testing/test-log.js';
import { UnsureError } from '../platform/unsure-error.js';
import type { DraftError } from './draft-error.js';
import { type Audit, createAudit } from './service.js';
import {
  ADMIN,
  type AuditWorld,
  agent,
  auditDeps,
  type Changes,
  chain,
  chainDraft,
  decision,
  gateway,
  newUuid,
  openAuditWorld,
  outcome,
} from './testing/room.js';

const crypto = createNodeCrypto();
const hasher = createTreeHasher(crypto.sha256);

let world: AuditWorld;
const open: Audit[] = [];
/** How long a checkpoint may take on a machine that is busy with other things. */
const WAIT_MS = 30_000;

beforeAll(async () => {
  world = await openAuditWorld();
});
afterEach(async () => {
  for (const audit of open.splice(0)) await audit.stop();
});
afterAll(() => world.close());

async function start(tiles: string, changes: Changes = {}): Promise<Audit> {
  const audit = createAudit(auditDeps(world.sql, tiles, changes));
  open.push(audit);
  await audit.start();
  return audit;
}

const startFresh = async (changes: Changes = {}): Promise<Audit> => start(await world.fresh(), changes);

async function eventAt(index: number): Promise<Record<string, unknown>> {
  const [row] = await world.sql.query<{ event: string }>('SELECT event FROM audit_event WHERE idx = $1', [
    index,
  ]);
  return JSON.parse(row!.event) as Record<string, unknown>;
}

/** A database that does what it is told and, once it is cut off, never says so. */
function forgetful(sql: Sql, state: { isCut: boolean }): Sql {
  const gone = () => new TrustError('UNAVAILABLE', 'the connection is gone');
  return {
    ...sql,
    openSession: async () => {
      if (state.isCut) throw gone();
      const session = await sql.openSession();
      const query: typeof session.query = async (text, values) => {
        const rows = await session.query(text, values);
        if (state.isCut && typeof text === 'object' && text.name === 'audit_append') throw gone();
        return rows as never;
      };
      return { ...session, query };
    },
  };
}

const refused = (work: Promise<unknown>) =>
  work.then(
    () => 'accepted',
    (error: { code?: string; name: string }) => error.code ?? error.name,
  );

/** Checks a receipt with nothing but the log's key. */
function verify(audit: Audit, receipt: Receipt): number {
  expect(createChecker(Receipt)(receipt)).toBeUndefined();
  const leaf = hasher.leaf(canonicalBytes(receipt.event));
  const log = { origin: 'talos.test/log/default', keys: [createNoteVerifier(crypto, audit.vkey)] };
  return verifyTlogProof(hasher, receipt.proof, leaf, log).index;
}

describe('recording', () => {
  it('opens the log, then numbers concurrent events without a gap, in order, each once', async () => {
    const audit = await startFresh();
    expect(await eventAt(0)).toMatchObject({ type: 'log.opened', boot: 1, size: 0, eseq: 1, prev: null });
    const holders = [gateway.did, agent.did];
    const chains = holders.map((sub) => chain('of', sub));
    for (const { cth, chain: text } of chains) await audit.record(chainDraft(cth, text));
    const drafts = Array.from({ length: 700 }, (_, i) =>
      decision({ cth: chains[i % 2]!.cth, sub: holders[i % 2]! }),
    );
    const recorded = await Promise.all(drafts.map((draft) => audit.record(draft)));
    expect(recorded.map(({ index }) => index)).toEqual(drafts.map((_, i) => i + 3));
    const counts = { [agent.did]: 0, [gateway.did]: 0 };
    let prev: unknown = crypto.sha256Hex(canonicalBytes(await eventAt(2)));
    for (let i = 3; i < drafts.length + 3; i += 1) {
      const event = (await eventAt(i)) as unknown as EventOf<'decision'>;
      const sub = event.principal!.sub as keyof typeof counts;
      counts[sub]! += 1;
      expect([event.id, event.eseq, event.prev, event.principal!.pseq]).toEqual([
        drafts[i - 3]!.id,
        i + 1,
        prev,
        counts[sub],
      ]);
      prev = crypto.sha256Hex(canonicalBytes(event));
    }
  });

  it('takes no draft whose time has passed or is to come, and numbers go on without it (AUD-22)', async () => {
    const stopped = { now: Date.now() };
    const clock = { now: () => stopped.now, monotonic: () => performance.now() };
    const audit = await startFresh({ clock });
    const [from, until] = [stopped.now, stopped.now + 30_000];
    const within = () => ({ ...decision(), notBefore: from, notAfter: until });
    expect((await audit.record(within())).index).toBe(1);
    stopped.now = until - 1;
    expect((await audit.record(within())).index).toBe(2);
    // The log was slow: what was in time when it was decided is not any more.
    stopped.now = until;
    const [late, other] = [audit.record(within()), audit.record(decision())];
    const reason = 'it is too late to record this so that it can be verified';
    await expect(late).rejects.toMatchObject({ code: 'UNAVAILABLE', data: { reason } });
    expect((await other).index).toBe(3);
    // The clock was set back, and the log does not run backwards: its time is that of its last event.
    stopped.now = from;
    expect(await refused(audit.record(within()))).toBe('UNAVAILABLE');
    const early = { ...decision(), notBefore: until + 1 };
    expect(await refused(audit.record(early))).toBe('UNAVAILABLE');
    expect((await audit.record(decision())).index).toBe(4);
    expect(await eventAt(4)).toMatchObject({ eseq: 5, time: new Date(until).toISOString() });
    await expect(eventAt(5)).rejects.toThrow();
  });

  it('says of what may be in the log that nobody knows, and of what is not that it is not', async () => {
    const tiles = await world.fresh();
    const state = { isCut: false };
    const audit = createAudit({
      ...auditDeps(forgetful(world.sql, state), tiles),
      limits: { retryMs: 200 },
    });
    open.push(audit);
    await audit.start();
    state.isCut = true;
    const [one, two] = [audit.record(decision()), audit.record(decision())];
    for (const lost of [one, two]) await expect(lost).rejects.toBeInstanceOf(UnsureError);
    expect(await world.sql.query('SELECT 1 FROM audit_event')).toHaveLength(3);
    const refusal = await audit.record(decision()).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'UNAVAILABLE' });
    expect(refusal).not.toBeInstanceOf(UnsureError);
    state.isCut = false;
    await expect.poll(() => refused(Promise.resolve().then(() => audit.assertReady()))).toBe('accepted');
    expect((await audit.record(decision())).index).toBe(3);
  });

  it('waits for nothing any more once the database is said to be gone, and takes nothing', async () => {
    const tiles = await world.fresh();
    const state = { isCut: false };
    // Far longer than this test may take.
    const limits = { retryMs: 300_000, intervalMs: 300_000 };
    const audit = createAudit({ ...auditDeps(forgetful(world.sql, state), tiles), limits });
    open.push(audit);
    await audit.start();
    state.isCut = true;
    const lost = refused(audit.record(decision()));
    await expect.poll(() => refused(Promise.resolve().then(() => audit.assertReady()))).toBe('UNAVAILABLE');
    audit.giveUp();
    expect(await lost).not.toBe('accepted');
    expect(await refused(audit.record(decision()))).toBe('UNAVAILABLE');
    await audit.stop();
  });

  it('records a draft that is handed in again once, also within one batch and after a restart', async () => {
    const tiles = await world.fresh();
    const audit = await start(tiles);
    const draft = decision();
    const [one, two] = await Promise.all([audit.record(draft), audit.record(draft)]);
    const three = await audit.record(draft);
    expect([two, three]).toEqual([one, one]);
    await audit.stop();
    const again = await start(tiles);
    expect(await again.record(draft)).toEqual(one);
    const beside = await Promise.all([
      again.record(decision()),
      again.record(draft),
      again.record(decision()),
    ]);
    expect(beside.map(({ index }) => index)).toEqual([3, 1, 4]);
  });

  it('keeps an address only as a keyed hash', async () => {
    const audit = await startFresh();
    await audit.record(decision());
    const event = await eventAt(1);
    expect(event['source']).toMatch(/^[0-9a-f]{32}$/);
    expect(JSON.stringify(event)).not.toContain('192.0.2.1');
  });

  it('lets no invalid event into the log, and loses no number over it', async () => {
    const audit = await startFresh();
    const good = decision();
    const bad = [
      { ...good, id: 'evt_nonsense' },
      { ...good, id: `evt_${newUuid()}`, tenant: 'another' },
      { ...good, id: `evt_${newUuid()}`, disclosures: [{ ...good.disclosures[0]!, value: 'another' }] },
      { ...good, id: `evt_${newUuid()}`, disclosures: [good.disclosures[0]!, good.disclosures[0]!] },
      { ...good, id: `evt_${newUuid()}`, members: { ...good.members, extra: 1 } },
      { ...good, id: `evt_${newUuid()}`, principal: { sub: "x'; DROP TABLE audit_event; --" } },
      decision({ cth: chain('unknown').cth }),
      outcome(decision()),
      outcome({ ...good, members: { ...good.members, request: `req_${newUuid()}` } }),
    ];
    const ends = await Promise.all(bad.map((draft) => audit.record(draft).catch((error: unknown) => error)));
    for (const end of ends) expect(end).toBeInstanceOf(TypeError);
    expect(ends.map((end) => (end as DraftError).code)).toEqual([
      'MALFORMED',
      'FORBIDDEN',
      'MALFORMED',
      'MALFORMED',
      'MALFORMED',
      'MALFORMED',
      'MALFORMED',
      'MALFORMED',
      'MALFORMED',
    ]);
    expect(await audit.record(good)).toEqual({ id: good.id, index: 1 });
  });

  it('logs a chain once, before the events that refer to it', async () => {
    const audit = await startFresh();
    const { cth, chain: text } = chain('root');
    const denied = audit.recordDenial(decision({ cth: chain('later').cth, effect: 'deny' }), {
      subject: agent.did,
    });
    expect(await refused(denied)).toBe('MALFORMED');
    await Promise.all([
      audit.record(chainDraft(cth, text)),
      audit.record(chainDraft(cth, text)),
      audit.record(decision({ cth })),
    ]);
    await audit.record(chainDraft(cth, text));
    expect(await eventAt(1)).toMatchObject({ type: 'chain', cth, principal: null });
    expect(await eventAt(2)).toMatchObject({ type: 'decision' });
    expect((await audit.stats()).sequenced).toBe(3);
  });

  it('takes an outcome of allowed decisions only', async () => {
    const tiles = await world.fresh();
    const audit = await start(tiles);
    const [allowed, denied] = [decision(), decision({ effect: 'deny' })];
    await audit.record(allowed);
    await audit.record(denied);
    await audit.stop();
    const again = await start(tiles);
    expect(await refused(again.record(outcome(denied)))).toBe('MALFORMED');
    expect((await again.record(outcome(allowed))).index).toBe(4);
  });

  it('gives a decision one outcome, whoever writes it', async () => {
    const audit = await startFresh();
    const made = decision({ op: 'write' });
    await audit.record(made);
    const first = await audit.record(outcome(made));
    expect(await audit.record(outcome(made))).toEqual(first);
  });

  it('does not run backwards when the clock is set back', async () => {
    const time = { now: Date.now() };
    const clock = { now: () => time.now, monotonic: () => performance.now() };
    const audit = await startFresh({ clock });
    const { time: before } = await eventAt(0);
    time.now -= 3_600_000;
    await audit.record(decision());
    expect((await eventAt(1))['time']).toBe(before);
  });

  it('names a clock that ran ahead and was set right, also after a restart, until it has caught up (AUD-124)', async () => {
    const tiles = await world.fresh();
    const time = { now: Date.now() };
    const clock = { now: () => time.now, monotonic: () => performance.now() };
    const lines: string[] = [];
    const metrics = createMetrics();
    const audit = await start(tiles, { clock, metrics });
    time.now += 86_400_000;
    await audit.record(decision());
    audit.assertReady();
    expect(metrics.text()).toContain('talos_audit_clock_behind_seconds 0\n');
    time.now -= 86_400_000;
    expect(metrics.text()).toContain('talos_audit_clock_behind_seconds 86400\n');
    const behind = /: the clock is 86400 s behind the newest event of the log$/;
    expect(() => audit.assertReady()).toThrow(behind);
    // What need not be verified in time is still taken.
    audit.assertAccepting('write');
    await audit.record(decision());
    const opening = { ...decision(), notBefore: time.now - 1_000, notAfter: time.now + 120_000 };
    await expect(audit.record(opening)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      data: {
        reason: expect.stringMatching(/^it is too late .* verified: the clock is 86400 s behind/),
        hint: expect.stringContaining('set the clock'),
      },
    });
    await audit.stop();
    open.splice(0);

    const again = await start(tiles, { clock, log: createTestLog(lines) });
    expect(lines.join('\n')).toContain('"msg":"the clock is behind the newest event of the log"');
    expect(() => again.assertReady()).toThrow(behind);
    time.now += 86_400_000;
    again.assertReady();
    await again.record({ ...decision(), notAfter: time.now + 120_000 });
  });
});

describe('refusing', () => {
  it('takes reads, outcomes and no writes while the disk is nearly full', async () => {
    const { TrustError } = await import('@talosprotocol/protocol');
    const disk = {
      free: async () => 0,
      assertWritable: () => Promise.reject(new TrustError('DISK_FULL', 'full')),
    };
    const metrics = createMetrics();
    const audit = await startFresh({ disk, metrics });
    expect(() => audit.assertAccepting('write')).toThrow(expect.objectContaining({ code: 'DISK_FULL' }));
    audit.assertAccepting('read');
    expect(await refused(audit.record(decision({ op: 'write' })))).toBe('DISK_FULL');
    const read = decision();
    await audit.record(read);
    await audit.record(outcome(read));
    expect(metrics.text()).toContain('talos_audit_disk_roomy 0\n');
    expect(metrics.text()).toContain('talos_audit_refused_drafts_total{code="DISK_FULL"} 1\n');
  });

  it('refuses beyond its queue, keeps room for outcomes, and loses nothing it took', async () => {
    const audit = await startFresh({ limits: { queue: 20, batch: 5 } });
    const before = decision();
    await audit.record(before);
    const taken = Array.from({ length: 20 }, () => audit.record(decision()));
    expect(() => audit.assertAccepting('read')).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
    expect(await refused(audit.record(decision()))).toBe('UNAVAILABLE');
    await audit.record(outcome(before));
    await Promise.all(taken);
    audit.assertAccepting('read');
    expect((await audit.stats()).sequenced).toBe(23);
  });

  it('accepts nothing before it started and after it stopped', async () => {
    const audit = createAudit(auditDeps(world.sql, await world.fresh()));
    expect(() => audit.assertReady()).toThrow();
    expect(await refused(audit.record(decision()))).toBe('UNAVAILABLE');
    await audit.start();
    audit.assertReady();
    const last = audit.record(decision());
    await audit.stop();
    expect((await last).index).toBe(1);
    expect(() => audit.assertReady()).toThrow();
    expect(await refused(audit.record(decision()))).toBe('UNAVAILABLE');
    const [row] = await world.sql.query('SELECT size FROM audit_checkpoint');
    expect(row).toEqual({ size: 2 });
  });
});

describe('denials', () => {
  it('are recorded up to the rate of their source, then summed up, while decisions go on', async () => {
    const metrics = createMetrics();
    const limits = { denials: { perSource: 5, perKind: 20, sources: 100 } };
    const audit = await startFresh({ limits, metrics });
    const flood = Array.from({ length: 200 }, (_, i) =>
      audit.recordDenial(decision({ effect: 'deny', sub: null }), { address: `192.0.2.${i % 10}` }),
    );
    const allowed = await audit.record(decision());
    const recorded = (await Promise.all(flood)).filter((event) => event !== undefined);
    expect(allowed.index).toBeLessThanOrEqual(21);
    expect(recorded).toHaveLength(20);
    expect(metrics.text()).toContain('talos_audit_summarised_denials_total 180\n');
    await audit.stop();
    const rows = await world.sql.query<{ event: string }>(
      "SELECT event FROM audit_event WHERE event::json->>'type' = 'denials'",
    );
    const counts = rows.map(({ event }) => (JSON.parse(event) as EventOf<'denials'>).count);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(180);
  });
});

describe('reading', () => {
  it('gives receipts that verify for every index, at every size to 70', async () => {
    const audit = await startFresh();
    const ids = [(await eventAt(0))['id'] as string];
    for (let size = 2; size <= 70; size += 1) {
      ids.push((await audit.record(decision())).id);
      const receipt = await audit.receipt(`rcp_${ids.at(-1)!.slice(4)}`, WAIT_MS);
      expect(verify(audit, receipt)).toBe(size - 1);
    }
    for (const [i, id] of ids.entries())
      expect(verify(audit, await audit.receipt(`rcp_${id.slice(4)}`, WAIT_MS))).toBe(i);
  });

  it('explains a request that was made of several targets by what it came to', async () => {
    const audit = await startFresh();
    const found = async (request: string) => (await audit.findRequest(request))?.decision.id;
    const ended = (of: ReturnType<typeof decision>, status: 'failed' | 'completed') => {
      const draft = outcome(of);
      return audit.record({ ...draft, members: { ...draft.members, status } });
    };
    const request = `req_${newUuid()}`;
    const [first, next, denied] = [
      decision({ request }),
      decision({ request }),
      decision({ request, effect: 'deny' }),
    ];
    await audit.record(first);
    await ended(first, 'failed');
    await audit.record(next);
    // That of which nothing is known yet, not the one that failed.
    expect(await found(request)).toBe(next.id);
    await audit.record(denied);
    expect(await found(request)).toBe(denied.id);
    await ended(next, 'completed');
    expect(await found(request)).toBe(next.id);
  });

  it('explains a request, pages through events, and erases what it may', async () => {
    const audit = await startFresh();
    const drafts = Array.from({ length: 7 }, () => decision({ op: 'write' }));
    for (const draft of drafts) await audit.record(draft);
    await audit.record(outcome(drafts[3]!));
    const found = await audit.findRequest(drafts[3]!.members.request);
    expect(createChecker(RequestRecord)(found)).toBeUndefined();
    expect(found).toMatchObject({ decision: { id: drafts[3]!.id }, outcome: { status: 'completed' } });
    for (const id of [`req_${newUuid()}`, 'req_1', '']) expect(await audit.findRequest(id)).toBeUndefined();

    const indexes: number[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await audit.events({ limit: 4, ...(cursor === undefined ? {} : { cursor }) });
      expect(createChecker(EventPage)(page)).toBeUndefined();
      indexes.push(...page.events.map(({ index }) => index));
      if (page.next === null) break;
      cursor = page.next;
    }
    expect(indexes).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0]);

    const receiptId = `rcp_${drafts[0]!.id.slice(4)}`;
    expect((await audit.receipt(receiptId, WAIT_MS)).disclosures).toHaveLength(1);
    await audit.eraseEvent(drafts[0]!.id, ADMIN);
    const erased = await audit.receipt(receiptId, WAIT_MS);
    expect(erased.disclosures).toEqual([]);
    expect(verify(audit, erased)).toBe(1);
    expect(createChecker(TrustFile)(await audit.trust())).toBeUndefined();
    // The checkpoint follows what is sequenced; a receipt of the last event waits for it.
    const { events: newest } = await audit.events({ limit: 1 });
    await audit.receipt(newest[0]!.receipt, WAIT_MS);
    expect(await audit.stats()).toMatchObject({
      sequenced: 10,
      size: 10,
      decisions: { allowed: 7, denied: 0 },
    });
  });

  it('has times that never run backwards, whoever records the events (AUD-66)', async () => {
    const tiles = await world.fresh();
    const ahead = { ...clock, now: () => clock.now() + 3_600_000 };
    const first = await start(tiles, { clock: ahead });
    await first.record(decision());
    await first.stop();
    const second = await start(tiles, { emitter: agent.did });
    await second.record(decision());
    const { events } = await second.events({ limit: 10, order: 'oldest' });
    const times = events.map(({ event }) => event.time);
    expect(events.map(({ event }) => event.emitter === agent.did)).toEqual([false, false, true, true]);
    expect(times).toEqual([...times].sort());
  });

  it('says that a receipt is not there', async () => {
    const audit = await startFresh();
    for (const id of [`rcp_${newUuid()}`, 'rcp_1', `evt_${newUuid()}`, '']) {
      expect(await refused(audit.receipt(id))).toBe('NOT_FOUND');
    }
  });
});
