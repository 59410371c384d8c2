import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { decodeEntryBundle, verifyBundle, verifyReceipt } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  ADMIN,
  type AuditWorld,
  type Changes,
  chainDraft,
  decision,
  newUuid,
  openAuditWorld,
  outcome,
} from '../testing/room.js';
import { openOddWitness } from '../witness/testing/odd-witness.js';
import {
  attempts,
  chains,
  DAY,
  iso,
  type OldLog,
  one,
  openGrownLog,
  openOldLog,
  revocation,
  session,
  two,
} from './testing/old-log.js';

const crypto = createNodeCrypto();

let world: AuditWorld;
let log: OldLog;

beforeAll(async () => {
  world = await openAuditWorld();
});
afterEach(() => log?.stop());
afterAll(() => world?.close());

async function grown(changes: Changes = {}, sizes: { old?: number; young?: number } = {}) {
  const made = await openGrownLog(world, changes, sizes);
  log = made.log;
  return made.first;
}

const verify = async (bytes: Uint8Array) => verifyBundle(bytes, await log.trust(), crypto);
const receiptOf = (id: string) => log.audit.receipt(`rcp_${id.slice(4)}`);
const rowsBelow = (index: number) =>
  world.sql.query<{ idx: number; type: string; disclosures: string | null }>(
    `SELECT idx, event::json->>'type' AS type, disclosures FROM audit_event WHERE idx < $1 ORDER BY idx`,
    [index],
  );
const typesBelow = async (index: number) => (await rowsBelow(index)).map(({ type }) => type);
const hasBundle = (n: number): boolean =>
  existsSync(join(log.tiles, 'tile', 'entries', String(n).padStart(3, '0')));

// AUD-110, AUD-111, AUD-113
describe('pruning', () => {
  it('removes the bodies of whole bundles and says so in the log; what was proven before stays proven', async () => {
    const first = await grown();
    const receipt = await receiptOf(first.id);
    const before = await log.bundle();
    const answer = await log.prune();
    // 603 events are old: two whole bundles. The last of them is an allowed call whose outcome is in the third.
    expect(answer).toEqual({ from: 0, to: 512, kept: 3, event: expect.stringMatching(/^evt_/) });
    expect((await log.audit.event(answer.event!)).event).toMatchObject({
      type: 'log.pruned',
      of: 'request',
      from: 0,
      to: 512,
    });
    expect(await rowsBelow(512)).toMatchObject([
      { idx: 1, type: 'chain', disclosures: null },
      { idx: 2, type: 'chain', disclosures: null },
      { idx: 511, type: 'decision', disclosures: null },
    ]);
    expect([0, 1, 2].map(hasBundle)).toEqual([false, false, true]);
    expect(verifyReceipt(receipt, await log.trust(), crypto).event.id).toBe(first.id);
    expect((await verify(before)).from).toBe(0);
    expect(await log.fsck()).toEqual({ faults: [], pruned: 512 });
  });

  // AUD-123
  it('takes the sums of minutes and hours that are over along, and leaves those of days', async () => {
    await grown();
    await log.calls(150);
    log.pass(30 * DAY);
    await log.calls(10);
    await log.signed();
    const sums = () =>
      world.sql.query<{ unit: number; minute: number }>(
        'SELECT DISTINCT unit, minute FROM audit_tally WHERE unit < 3 ORDER BY unit, minute',
      );
    // What is pruned is counted first.
    await log.audit.prune({ before: iso(log.now() - 2 * DAY), dry_run: true }, ADMIN);
    const before = await sums();
    const { to } = await log.prune();
    const [row] = await world.sql.query<{ time_ms: number }>(
      'SELECT time_ms FROM audit_index WHERE idx = $1',
      [to],
    );
    const minute = Math.floor((row?.time_ms ?? 0) / 60_000);
    const stays = before.filter(
      ({ unit, minute: at }) => unit === 2 || at >= (unit === 0 ? minute : minute - (minute % 60)),
    );
    expect(stays.length).toBeLessThan(before.length);
    expect(await sums()).toEqual(stays);
    const { counted } = await log.audit.eventStats({ bucket: 'minute' });
    expect(counted.from).toBe(to);
  });

  it('says plainly that a body is gone, of an event, a receipt and a bundle of entries', async () => {
    const { id } = await grown();
    await log.prune();
    const gone = { code: 'PRUNED', data: { reason: expect.stringContaining('below index 512') } };
    await expect(receiptOf(id)).rejects.toMatchObject(gone);
    await expect(log.audit.event(id)).rejects.toMatchObject(gone);
    await expect(log.audit.event('3')).rejects.toMatchObject(gone);
    const entries = (index: number) => log.audit.tile({ level: 'entries', index, width: 256 });
    await expect(entries(1)).rejects.toMatchObject(gone);
    expect(decodeEntryBundle((await entries(2)) as Uint8Array, 256)).toHaveLength(256);
    await expect(log.audit.tile({ level: 0, index: 0, width: 256 })).resolves.toHaveLength(8192);
    await expect(log.audit.event(`evt_${newUuid()}`)).rejects.not.toMatchObject({ code: 'PRUNED' });
  });

  it('goes on from where it ended, over starts, and subjects count on', async () => {
    await grown();
    await log.prune();
    await log.calls(150);
    log.pass(30 * DAY);
    await log.calls(10);
    await log.signed();
    const answer = await log.prune();
    expect(answer).toMatchObject({ from: 512 });
    expect(answer.to).toBeGreaterThan(1000);
    // The call that waited for its outcome does not need to stay any more, the record of the first pruning does.
    expect((await typesBelow(answer.to)).filter((type) => type !== 'decision')).toEqual([
      'chain',
      'chain',
      'log.pruned',
    ]);
    expect(await log.fsck()).toEqual({ faults: [], pruned: answer.to });
    await log.stop();
    await log.start();
    const [call] = await log.calls(1);
    // 300 + 200 + 150 + 10 calls before, with an outcome each.
    expect((await log.audit.event(call!.id)).event.principal).toMatchObject({ pseq: 1321 });
    expect((await verify(await log.bundle())).from).toBe(answer.to);
    expect(await log.fsck()).toEqual({ faults: [], pruned: answer.to });
  });

  it('takes an event that was pruned for the one that it was, and an outcome for an allowed call that waits', async () => {
    const first = await grown({}, { old: 300, young: 200 });
    const waiting = await (async () => {
      const open = decision({ op: 'write', cth: chains.one.cth, sub: one.did });
      await log.record(open);
      await log.calls(200);
      log.pass(30 * DAY);
      await log.calls(10);
      await log.signed();
      return open;
    })();
    const place = (await log.audit.event(waiting.id)).index;
    expect((await log.prune()).to).toBeGreaterThan(place);
    const { sequenced } = await log.audit.stats();
    await log.record(first);
    expect((await log.audit.stats()).sequenced).toBe(sequenced);
    await log.record(outcome(waiting));
    await log.signed();
    const report = await verify(await log.bundle());
    expect(report.to).toBe(sequenced + 1);
    expect(await log.fsck()).toMatchObject({ faults: [] });
  });

  it('is done with a dry run that says what would go, and with nothing where nothing is old', async () => {
    await grown();
    const before = iso(log.now() - 2 * DAY);
    const said = await log.audit.prune({ before, dry_run: true }, ADMIN);
    expect(said).toMatchObject({ from: 0, to: 512, event: null });
    expect(hasBundle(0)).toBe(true);
    expect(await log.audit.prune({ before: '2026-01-01T00:00:00.000Z' }, ADMIN)).toEqual({
      from: 0,
      to: 0,
      kept: 0,
      event: null,
    });
  });

  it('empties whole parts of the tables, and deletes row by row from one that somebody reads', async () => {
    await grown({ limits: { partition: 512 } });
    await log.prune();
    expect(await rowsBelow(512)).toHaveLength(3);
    await log.calls(150);
    log.pass(30 * DAY);
    await log.calls(10);
    await log.signed();
    const reader = await world.sql.openSession();
    await reader.query('BEGIN');
    await reader.query('SELECT count(*) FROM audit_event_512');
    const { to } = await log.prune();
    await reader.close();
    expect(to).toBe(1280);
    expect(await rowsBelow(512)).toHaveLength(2);
    expect((await typesBelow(1280)).filter((type) => type !== 'decision')).toHaveLength(3);
    expect(await log.fsck()).toEqual({ faults: [], pruned: 1280 });
  });

  it('keeps nothing that opens a body, also where every body stays', async () => {
    log = await openOldLog(world, { limits: { partition: 256 } } as Changes);
    const { cth, leaf } = chains.one;
    await log.record(chainDraft(cth, chains.one.chain));
    // Their outcomes are to come, so all of them are still referred to.
    const open = Array.from({ length: 600 }, () => decision({ cth, sub: leaf.claims.sub }));
    for (let at = 0; at < open.length; at += 100) await log.record(...open.slice(at, at + 100));
    log.pass(300 * DAY);
    await log.calls(10);
    await log.signed();
    expect(await log.prune()).toMatchObject({ from: 0, to: 512 });
    const rows = await rowsBelow(512);
    expect(rows.filter(({ idx }) => idx >= 256)).toHaveLength(256);
    expect(rows.filter(({ disclosures }) => disclosures !== null)).toEqual([]);
  });
});

// AUD-112
describe('what is too young', () => {
  it('is not pruned on request, whatever the clock says, nor against the policy', async () => {
    await grown({ retention: () => ({ eventsMs: 400 * DAY }) });
    await expect(log.prune(iso(log.now() + 1))).rejects.toMatchObject({ code: 'MALFORMED' });
    await expect(log.prune(iso(log.now() - 399 * DAY))).rejects.toMatchObject({
      code: 'CONFLICT',
      data: { hint: expect.stringContaining('audit.retention.events') },
    });
    // Set back, the clock makes what there is younger.
    log.jump(-300 * DAY);
    await expect(log.prune(iso(log.now() - 200 * DAY))).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await log.fsck()).toEqual({ faults: [], pruned: 0 });
  });

  it('within a day is never pruned', async () => {
    await grown();
    await expect(log.prune(iso(log.now() - DAY / 2))).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

// AUD-111
describe('what no witness has seen', () => {
  it('is not pruned while the log has some', async () => {
    const witness = await openOddWitness(61);
    witness.behave = (_, response) => void response.writeHead(503).end();
    const { vkey, url } = witness;
    let settings: { witnesses: { vkey: string; url: string }[]; quorum: number } = {
      witnesses: [{ vkey, url }],
      quorum: 1,
    };
    try {
      await grown({ witnesses: () => settings });
      expect(await log.prune()).toMatchObject({ from: 0, to: 0, event: null });
      settings = { witnesses: [], quorum: 0 };
      expect(await log.prune()).toMatchObject({ from: 0, to: 512 });
    } finally {
      await witness.close();
    }
  });
});

// AUD-110
describe('what is old', () => {
  const retention = () => ({ eventsMs: 100 * DAY });

  it('is pruned at a start if the policy says how long bodies are kept, and nobody is named', async () => {
    await grown();
    await log.stop();
    await log.start({ retention });
    await expect.poll(async () => (await log.fsck()).pruned, { timeout: 20_000 }).toBe(512);
    await expect.poll(() => hasBundle(0)).toBe(false);
    const { events } = await log.audit.events({ filter: { type: 'log.pruned' }, limit: 10 });
    expect(events).toMatchObject([{ event: { of: 'age', from: 0, to: 512 }, disclosures: [] }]);
  });

  it('is not pruned if nobody says so', async () => {
    await grown();
    await log.stop();
    await log.start();
    await expect(log.fsck()).resolves.toEqual({ faults: [], pruned: 0 });
    expect(hasBundle(0)).toBe(true);
  });

  it('is not believed to be old by a clock that leapt while nothing was recorded', async () => {
    await grown();
    await log.stop();
    log.jump(200 * DAY);
    await log.start({ retention });
    await log.calls(5);
    await log.signed();
    await expect(log.fsck()).resolves.toEqual({ faults: [], pruned: 0 });
    expect(hasBundle(0)).toBe(true);
  });
});

// AUD-114
describe('evidence of a log that was pruned', () => {
  it('begins where bodies begin, with the chains that were announced before, and verifies', async () => {
    await grown();
    await log.prune();
    const report = await verify(await log.bundle());
    expect(report.from).toBe(512);
    const later = await verify(await log.bundle({ filter: { agents: [one.did] } }));
    expect(later.from).toBe(512);
  });

  it('that reaches into what is gone is refused in plain words', async () => {
    await grown();
    await log.prune();
    for (const ask of [
      { from: 0 },
      { from: 511, to: 600 },
      { filter: { since: '2026-01-01T00:00:00.000Z' } },
    ])
      await expect(log.bundle(ask)).rejects.toMatchObject({
        code: 'PRUNED',
        data: { hint: expect.stringContaining('512') },
      });
  });

  it('of an agent of whom everything is gone is refused too', async () => {
    log = await openOldLog(world);
    for (const { cth, chain } of Object.values(chains)) await log.record(chainDraft(cth, chain));
    await log.calls(20, 'two');
    await log.calls(300);
    log.pass(30 * DAY);
    await log.calls(200);
    await log.signed();
    await log.prune();
    await expect(log.bundle({ filter: { agents: [two.did] } })).rejects.toMatchObject({ code: 'PRUNED' });
  });

  it('claims of an agent that nothing is missing only where that can be shown', async () => {
    log = await openOldLog(world);
    for (const { cth, chain } of Object.values(chains)) await log.record(chainDraft(cth, chain));
    // So that no call is parted from its outcome.
    await log.record(revocation('A'.repeat(43)));
    await log.calls(300);
    log.pass(30 * DAY);
    await log.calls(200);
    await log.calls(3, 'two');
    await log.signed();
    await log.prune();
    const claims = async (ask: Parameters<OldLog['bundle']>[0]) => {
      const bytes = await log.bundle(ask);
      await verify(bytes);
      return (JSON.parse(new TextDecoder().decode(bytes)) as { selection: { complete: string[] } }).selection
        .complete;
    };
    const agents = [one.did, two.did].sort();
    // Of one the events before were pruned; all that there is of the other is left.
    expect(await claims({ filter: { agents } })).toEqual([two.did]);
    // Later on, the one before is there.
    expect(await claims({ filter: { agents }, from: 700 })).toEqual(agents);
  });

  it('shows the session of a call that was opened in the part that is gone', async () => {
    log = await openOldLog(world);
    for (const { cth, chain } of Object.values(chains)) await log.record(chainDraft(cth, chain));
    await log.calls(250);
    const { opened, call } = session(log.now());
    await log.record(opened);
    await log.calls(10);
    await log.record(call, outcome(call));
    await log.calls(30);
    log.pass(30 * DAY);
    await log.calls(200);
    await log.signed();
    const place = (await log.audit.event(opened.id)).index;
    expect((await log.prune()).to).toBe(512);
    expect(place).toBeLessThan(512);
    expect(await typesBelow(512)).toContain('session.opened');
    for (const ask of [{}, { filter: { agents: [one.did] }, from: 520 }]) await verify(await log.bundle(ask));
    // Once its calls go too, it does.
    log.pass(30 * DAY);
    await log.calls(1);
    await log.signed();
    await log.prune();
    expect(await typesBelow(512)).not.toContain('session.opened');
  });

  it('shows the call from which another one goes on, in the part that is gone (AUD-128)', async () => {
    log = await openOldLog(world);
    for (const { cth, chain } of Object.values(chains)) await log.record(chainDraft(cth, chain));
    const { opened, call } = session(log.now());
    await log.record(opened);
    const [first, second] = attempts(call, ['a', 'b']) as [typeof call, typeof call];
    const failed = outcome(first);
    const { index } = await log.audit.event(opened.id);
    // So that the first two stand before the place where bodies will end, and the third behind it.
    await log.calls((508 - index) >> 1);
    await log.record(first);
    await log.record({ ...failed, members: { ...failed.members, status: 'failed' } });
    await log.calls(1);
    await log.record(second, outcome(second));
    log.pass(30 * DAY);
    await log.calls(200);
    await log.signed();
    expect((await log.prune()).to).toBe(512);
    const places = [await log.audit.event(first.id), await log.audit.event(second.id)];
    expect(places.map((place) => place.index < 512)).toEqual([true, false]);
    const filter = { tools: ['fake/b'] };
    for (const ask of [{}, { filter, from: 512 }]) await verify(await log.bundle(ask));
    // Once the second goes too, it does.
    log.pass(30 * DAY);
    await log.calls(100);
    await log.signed();
    await log.prune();
    expect(await typesBelow(512)).not.toContain('decision');
  });

  it('shows all that a call goes on from where only its own model is asked for, pruned or not (AUD-54)', async () => {
    log = await openOldLog(world);
    for (const { cth, chain } of Object.values(chains)) await log.record(chainDraft(cth, chain));
    const { opened, call } = session(log.now());
    await log.record(opened);
    const drafts = attempts(call, ['a', 'b', 'c', 'd']);
    const { index } = await log.audit.event(opened.id);
    await log.calls((510 - index) >> 1);
    for (const draft of drafts) {
      const ended = outcome(draft);
      const status = draft === drafts.at(-1) ? 'completed' : 'failed';
      await log.record(draft, { ...ended, members: { ...ended.members, status } });
    }
    const filter = { tools: ['fake/d'] };
    await verify(await log.bundle({ filter }));
    log.pass(30 * DAY);
    await log.calls(200);
    await log.signed();
    expect((await log.prune()).to).toBe(512);
    const places = await Promise.all(drafts.map(({ id }) => log.audit.event(id)));
    expect(places.map((place) => place.index < 512)).toEqual([true, false, false, false]);
    for (const ask of [{ filter }, { filter, from: 512 }]) await verify(await log.bundle(ask));
  });

  it('shows what a refused call goes on from, and what its chain stands on', async () => {
    log = await openOldLog(world);
    for (const { cth, chain } of Object.values(chains)) await log.record(chainDraft(cth, chain));
    const { opened, call } = session(log.now());
    await log.record(opened);
    const [first, second, last] = attempts(call, ['a', 'b', 'c']);
    if (first === undefined || second === undefined || last === undefined) throw new Error('no three');
    const members = { ...last.members, effect: 'deny', code: 'BUDGET_EXCEEDED' } as const;
    await log.record(first, second, { ...last, members });
    await log.record(revocation(chains.one.leaf.lid));
    const refused = { effect: 'deny' } as const;
    for (const filter of [refused, { tools: ['fake/c'] }, { ...refused, agents: [one.did] }])
      for (const from of [0, 4, 5]) await verify(await log.bundle({ filter, from }));
  });

  it('shows what ended a chain in the part that is gone', async () => {
    log = await openOldLog(world);
    for (const { cth, chain } of Object.values(chains)) await log.record(chainDraft(cth, chain));
    await log.record(revocation(chains.two.leaf.lid));
    await log.calls(300);
    log.pass(30 * DAY);
    await log.calls(200);
    await log.signed();
    await log.prune();
    const bytes = await log.bundle({ filter: { agents: [one.did] }, from: 700 });
    const { selection } = JSON.parse(new TextDecoder().decode(bytes)) as { selection: { endings: boolean } };
    expect(selection.endings).toBe(true);
    await verify(bytes);
    expect(await typesBelow(512)).toContain('revocation');
  });
});

// AUD-116
describe('pages of events', () => {
  it('end where bodies end, and say so', async () => {
    await grown();
    const whole = await log.audit.events({ limit: 100 });
    expect(whole.pruned).toBeUndefined();
    await log.prune();
    let cursor: string | undefined;
    const seen: number[] = [];
    do {
      const page = await log.audit.events({ limit: 100, ...(cursor === undefined ? {} : { cursor }) });
      expect(page.pruned).toBe(512);
      seen.push(...page.events.map(({ index }) => index));
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
    expect(seen.at(-1)).toBe(512);
    expect(new Set(seen).size).toBe(seen.length);
    // A cursor of before the pruning stands where it stood.
    const on = await log.audit.events({ limit: 500, order: 'oldest' });
    expect(on.events[0]?.index).toBe(512);
    const rest = await log.audit.events({ limit: 500, cursor: whole.next! });
    expect(rest.events.at(-1)?.index).toBe(512);
  });
});
