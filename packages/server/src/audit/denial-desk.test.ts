import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestLog } from '../platform/testing/test-log.js';
import { createDenialDesk, type DenialDesk } from './denial-desk.js';
import { createDenialDrafts } from './denial-draft.js';
import { createDenialStore, MOST_KEPT } from './denial-store.js';
import type { AuditDraft } from './draft.js';
import { DraftError } from './draft-error.js';
import { type AuditWorld, decision, newUuid, openAuditWorld } from './testing/room.js';

let world: AuditWorld;
const MINUTE = '2026-11-23T10:00:00.000Z';
const time = { now: Date.parse(MINUTE) };
const logged: AuditDraft<'denials'>[] = [];
const state: { fault?: Error } = {};
const lines: string[] = [];
const crypto = createNodeCrypto();

beforeAll(async () => {
  world = await openAuditWorld();
  await world.fresh();
});
afterEach(async () => {
  vi.useRealTimers();
  delete state.fault;
  logged.length = 0;
  lines.length = 0;
  time.now = Date.parse(MINUTE);
  await world.sql.query('TRUNCATE audit_denial');
});
afterAll(() => world?.close());

/** One run of the process; `run` tells runs from each other. */
function open(run: string): DenialDesk {
  return createDenialDesk({
    limits: { perSource: 0, perKind: 0, sources: 8 },
    now: () => time.now,
    sourceOf: (text) => text,
    isOpen: () => false,
    add: async (draft) => {
      if (state.fault !== undefined) throw state.fault;
      logged.push(draft as AuditDraft<'denials'>);
      return { id: draft.id, index: 0 };
    },
    summarize: createDenialDrafts('default', run, crypto),
    store: createDenialStore(world.sql),
    log: createTestLog(lines),
  });
}

// AUD-88
it('keeps a bounded number of summaries, says how many found no room, and goes on with those it has', async () => {
  await world.sql.query(
    `INSERT INTO audit_denial (id, draft) SELECT 'other ' || n, json_build_object('id', 'other ' || n, 'members', json_build_object('count', 1))::text FROM generate_series(1, ${MOST_KEPT - 1}) n`,
  );
  const store = createDenialStore(world.sql);
  const draft = (id: string, count: number) => ({ id, members: { count } }) as AuditDraft<'denials'>;
  expect(await store.keep([draft('evt_a', 1), draft('evt_b', 1)])).toBe(1);
  expect(await store.keep([draft('evt_a', 2), draft('evt_c', 1)])).toBe(1);
  const own = await world.sql.query<{ draft: string }>(
    `SELECT draft FROM audit_denial WHERE id LIKE 'evt_%'`,
  );
  expect(own.map((row) => JSON.parse(row.draft))).toEqual([draft('evt_a', 2)]);
  expect(await store.left()).toHaveLength(MOST_KEPT);
  state.fault = new Error('the log is full');
  const desk = open('full');
  await desk.start();
  await deny(desk);
  await desk.stop();
  expect(lines.join()).toContain('found no room to wait in');
});

const deny = (desk: DenialDesk, address = '192.0.2.1') =>
  desk.record(decision({ effect: 'deny', sub: null }), { address });
const kept = async () =>
  (await world.sql.query<{ draft: string }>('SELECT draft FROM audit_denial')).map(
    ({ draft }) => (JSON.parse(draft) as AuditDraft<'denials'>).members.count,
  );
const counts = () => logged.map(({ members }) => members.count);

/** Runs a desk until it has looked after its counts once. */
async function period(desk: DenialDesk, started = false): Promise<void> {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  if (!started) await desk.start();
  vi.advanceTimersByTime(5_000);
  vi.useRealTimers();
}

// AUD-88
describe('denials that are only counted', () => {
  it('are kept every few seconds, summed up once their minute is over, and forgotten then', async () => {
    const desk = open('one');
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await desk.start();
    await deny(desk);
    await deny(desk);
    vi.advanceTimersByTime(5_000);
    await vi.waitFor(async () => expect(await kept()).toEqual([2]));
    await deny(desk);
    vi.advanceTimersByTime(5_000);
    await vi.waitFor(async () => expect(await kept()).toEqual([3]));
    expect(counts()).toEqual([]);
    time.now += 60_000;
    vi.advanceTimersByTime(5_000);
    await vi.waitFor(async () => expect([counts(), await kept()]).toEqual([[3], []]));
    await desk.stop();
    expect(counts()).toEqual([3]);
  });

  it('of a run that was killed are summed up by the next one', async () => {
    const killed = open('two');
    await killed.start();
    await deny(killed);
    await deny(killed);
    const store = createDenialStore(world.sql);
    await period(killed, true);
    await keepNow(store);
    const next = open('three');
    await deny(next);
    await period(next);
    await vi.waitFor(() => expect(counts()).toEqual([2]));
    await next.stop();
    expect(counts()).toEqual([2, 1]);
    expect(await kept()).toEqual([]);
  });

  it('wait as long as the log takes nothing, and are not summed up twice', async () => {
    await keepNow(createDenialStore(world.sql));
    state.fault = new Error('down');
    const desk = open('four');
    await desk.start();
    await desk.stop();
    expect(await kept()).toEqual([2]);
    // The run before was killed after its summary was in the log, and before it could forget it.
    state.fault = new DraftError('CONFLICT', 'another event has this id');
    const next = open('five');
    await next.start();
    await next.stop();
    expect([await kept(), counts()]).toEqual([[], []]);
    expect(lines.join('\n')).toMatch(/"count":2,.*a summary of denials is in the log with another count/);
  });

  it('of a minute that the clock goes back to stand in an event of their own', async () => {
    const desk = open('six');
    for (const _ of [1, 2]) {
      time.now = Date.parse(MINUTE);
      await deny(desk);
      await deny(desk);
      time.now += 60_000;
      await period(desk);
      await desk.stop();
    }
    expect(counts()).toEqual([2, 2]);
    expect(new Set(logged.map(({ id }) => id)).size).toBe(2);
    expect(logged.map(({ members }) => members.minute)).toEqual([MINUTE, MINUTE]);
  });

  it('of more sources than are held wait for the next start, as they were counted at last', async () => {
    state.fault = new Error('down');
    const desk = open('seven');
    await desk.start();
    for (const minute of [0, 1]) {
      time.now = Date.parse(MINUTE) + minute * 60_000;
      for (let i = 0; i < 6; i += 1) await deny(desk, `192.0.2.${i}`);
      await deny(desk, '192.0.2.5');
    }
    await desk.stop();
    expect(lines.join('\n')).toMatch(/"count":1,.*summaries of denials wait for the next start/);
    delete state.fault;
    const next = open('eight');
    await next.start();
    await next.stop();
    // Two of the second minute have a place of their own; the other five denials are counted as one source.
    expect(counts().sort()).toEqual([1, 1, 1, 1, 1, 1, 1, 2, 5]);
    expect(await kept()).toEqual([]);
  });
});

/** What a run leaves that ends between two looks at its counts. */
async function keepNow(store: ReturnType<typeof createDenialStore>): Promise<void> {
  const members = { source: 'ab'.repeat(16), code: 'EXPIRED', minute: MINUTE, count: 2 } as const;
  const draft = { type: 'denials', tenant: 'default', principal: null, members, disclosures: [] } as const;
  await store.keep([{ ...draft, id: `evt_${newUuid()}` }]);
}
