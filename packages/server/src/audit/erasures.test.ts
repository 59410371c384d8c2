import type { Principal } from '@talosprotocol/contracts';
import {
  canonicalize,
  commit,
  disclose,
  encodeUtf8,
  parseTrustFile,
  verifyBundle,
  verifyReceipt,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Queries, Sql } from '../platform/sql.js';
import { random } from '../platform/system.js';
import type { AuditDraft } from './draft.js';
import { createErasureStore } from './erasure-store.js';
import { createErasures } from './erasures.js';
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
} from './testing/room.js';

const crypto = createNodeCrypto();

let world: AuditWorld;
let audit: Audit;
let tiles: string;
const time = { now: Date.parse('2026-11-23T12:00:00.000Z') };
const clock = { now: () => time.now, monotonic: () => performance.now() };

beforeAll(async () => {
  world = await openAuditWorld();
});
afterEach(() => audit?.stop());
afterAll(() => world?.close());

async function start(changes: Changes = {}, sql: Sql = world.sql): Promise<void> {
  audit = createAudit({ ...auditDeps(sql, tiles, { clock, ...changes }) });
  await audit.start();
}

async function fresh(changes: Changes = {}): Promise<void> {
  tiles = await world.fresh();
  await start(changes);
}

const chains = { mine: chain('mine'), theirs: chain('theirs', gateway.did) };
async function record(...drafts: AuditDraft[]): Promise<void> {
  for (const draft of drafts) await audit.record(draft as never);
}

const logChains = () => record(...Object.values(chains).map(({ cth, chain: text }) => chainDraft(cth, text)));
const call = (whose: keyof typeof chains) =>
  decision({ cth: chains[whose].cth, sub: whose === 'mine' ? agent.did : gateway.did });

function sealed(pointer: string, value: object) {
  const salt = random(32);
  return [commit(pointer, value, salt, crypto), disclose(pointer, value, salt)] as const;
}

/** What somebody did on the admin surface. */
function administered(who: object, what: object): AuditDraft {
  const [actor, opensActor] = sealed('/actor', who);
  const [detail, opensDetail] = sealed('/detail', what);
  return {
    id: `evt_${newUuid()}`,
    type: 'rbac.changed',
    tenant: 'default',
    principal: null,
    members: { change: 'binding.created', target: `bind_${newUuid()}`, actor, detail },
    disclosures: [opensActor, opensDetail],
  };
}

function registered(did: string): AuditDraft {
  const salt = random(32);
  return {
    id: `evt_${newUuid()}`,
    type: 'identity.registered',
    tenant: 'default',
    principal: null,
    members: { did, kind: 'agent', name: commit('/name', 'a name', salt, crypto) },
    disclosures: [disclose('/name', 'a name', salt)],
  };
}

/** Pointers of what opens, by the id of the event; absent where nothing does. */
async function opening(): Promise<Record<string, string[]>> {
  const { events } = await audit.events({ limit: 500 });
  return Object.fromEntries(
    events
      .filter(({ disclosures }) => disclosures.length > 0)
      .map(({ event, disclosures }) => [event.id, disclosures.map(({ pointer }) => pointer)]),
  );
}

async function erasedEvents(): Promise<object[]> {
  const { events } = await audit.events({ limit: 500 });
  return events.flatMap(({ event, disclosures }) =>
    event.type === 'disclosures.erased' ? [{ ...event, disclosures }] : [],
  );
}

async function bundle(): Promise<Uint8Array> {
  let text = '';
  for await (const part of await audit.bundle()) text += part;
  return encodeUtf8(text);
}
const trust = async () => parseTrustFile(encodeUtf8(JSON.stringify(await audit.trust())), crypto);

// AUD-89
describe('erasing', () => {
  it('of one event leaves its proof, and says who did it and not what it was', async () => {
    await fresh();
    const [gone, kept] = [decision({ effect: 'deny' }), decision({ effect: 'deny' })];
    await record(gone, kept);
    const receipt = await audit.receipt(`rcp_${gone.id.slice(4)}`, 30_000);
    const answer = await audit.eraseEvent(gone.id, { ...ADMIN, subjects: [] } as Principal);
    expect(answer).toEqual({ erased: 1, event: expect.stringMatching(/^evt_/) });
    expect(Object.keys(await opening()).sort()).toEqual([kept.id, answer.event].sort());
    const [event] = await erasedEvents();
    expect(event).toMatchObject({
      id: answer.event,
      of: 'event',
      event: gone.id,
      agent: null,
      from: null,
      to: null,
      count: 1,
      disclosures: [{ pointer: '/actor', value: ADMIN }],
    });
    const after = await audit.receipt(receipt.id, 30_000);
    expect([after.event, after.disclosures]).toEqual([receipt.event, []]);
    for (const one of [receipt, after]) verifyReceipt(one, await trust(), crypto);
    // Who has an earlier receipt keeps what it opens.
    expect(verifyReceipt(receipt, await trust(), crypto).values.size).toBe(1);
    expect(verifyBundle(await bundle(), await trust(), crypto).to).toBe(4);
    expect(await audit.eraseEvent(gone.id, ADMIN)).toEqual({ erased: 0, event: null });
  });

  it('is refused for what is not there, and for who erased', async () => {
    await fresh();
    const gone = decision({ effect: 'deny' });
    await record(gone);
    const { event } = await audit.eraseEvent(gone.id, ADMIN);
    await expect(audit.eraseEvent(event!, ADMIN)).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(audit.eraseEvent(`evt_${newUuid()}`, ADMIN)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('of an agent takes all that is about it within the time, and nothing of others', async () => {
    await fresh();
    await logChains();
    const [early, first, second, late] = Array.from({ length: 4 }, () => call('mine')) as AuditDraft[];
    const [other, named, somebody] = [call('theirs'), registered(agent.did), registered(gateway.did)];
    const from = time.now + 1_000;
    await record(early!);
    time.now = from;
    await record(first!, other, named, somebody);
    time.now += 1_000;
    await record(second!);
    time.now += 1_000;
    const to = time.now;
    await record(late!);
    const window = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
    const answer = await audit.eraseOf({ agent: agent.did, ...window }, ADMIN);
    expect(answer.erased).toBe(3);
    expect(Object.keys(await opening()).sort()).toEqual(
      [early!.id, late!.id, other.id, somebody.id, answer.event].sort(),
    );
    expect(await erasedEvents()).toMatchObject([
      { of: 'agent', event: null, agent: agent.did, ...window, count: 3 },
    ]);
    expect((await audit.eraseOf({ agent: agent.did }, ADMIN)).erased).toBe(2);
  });

  it('of thousands of events is done in parts, and counted as one', async () => {
    await fresh();
    await logChains();
    await Promise.all(Array.from({ length: 1_100 }, () => audit.record(call('mine') as never)));
    time.now += 1;
    expect(await audit.eraseOf({ agent: agent.did }, ADMIN)).toMatchObject({ erased: 1_100 });
    expect(await erasedEvents()).toMatchObject([{ count: 1_100 }]);
  });

  it('of a person takes what names it, and leaves who did and what was done beside', async () => {
    await fresh();
    const [issuer, id] = ['https://id.example', 'ann'];
    const ann = { kind: 'person', id: `${issuer} ${id}`, how: 'session' };
    const byAnn = administered(ann, { role: 'auditor', subject: { kind: 'service', id: 'svc_1' } });
    const ofAnn = administered(ADMIN, { role: 'auditor', subject: { kind: 'person', issuer, id } });
    const other = administered(ADMIN, { subject: { kind: 'person', issuer: 'https://other.example', id } });
    await record(byAnn, ofAnn, other);
    time.now += 1;
    const administrator = { kind: 'person', issuer, id } as const;
    const { event, erased } = await audit.eraseOf({ administrator }, ADMIN);
    expect(erased).toBe(2);
    expect(await opening()).toEqual({
      [byAnn.id]: ['/detail'],
      [ofAnn.id]: ['/actor'],
      [other.id]: ['/actor', '/detail'],
      [event!]: ['/actor'],
    });
    const [told] = await erasedEvents();
    expect(told).toMatchObject({ of: 'administrator', agent: null, event: null, count: 2 });
    expect(JSON.stringify(told)).not.toContain('ann');
    // What is left is written as before: the bundle is canonical, and its disclosures open.
    verifyBundle(await bundle(), await trust(), crypto);
    const rows = await world.sql.query<{ disclosures: string }>(
      'SELECT disclosures FROM audit_event WHERE disclosures IS NOT NULL',
    );
    for (const { disclosures } of rows) expect(canonicalize(JSON.parse(disclosures))).toBe(disclosures);
  });

  it('of a service account takes its name', async () => {
    await fresh();
    const one = administered(ADMIN, {});
    await record(one);
    time.now += 1;
    const administrator = { kind: 'service', id: ADMIN.id } as const;
    expect((await audit.eraseOf({ administrator }, { ...ADMIN, id: 'svc_other' })).erased).toBe(1);
    expect((await opening())[one.id]).toEqual(['/detail']);
  });

  it('is not begun while the log takes no event', async () => {
    await fresh();
    const one = decision({ effect: 'deny' });
    await record(one);
    await audit.stop();
    await expect(audit.eraseEvent(one.id, ADMIN)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await start();
    expect(Object.keys(await opening())).toEqual([one.id]);
  });
});

/** A database that goes away at the n-th transaction of an erasure. */
function breakingAt(sql: Sql, state: { left: number }): Sql {
  const transaction: Sql['transaction'] = (work, isolation) =>
    sql.transaction(async (tx) => {
      const query: Queries['query'] = async (text, values) => {
        if (typeof text === 'string' && text.includes('audit_erasure')) state.left -= 1;
        if (state.left < 0) throw new Error('killed');
        return tx.query(text, values);
      };
      return work({ query });
    }, isolation);
  return { ...sql, transaction };
}

describe('an erasure that a kill ended', () => {
  it('goes on at the next start, from where it was, and is in the log once', async () => {
    tiles = await world.fresh();
    const state = { left: Number.POSITIVE_INFINITY };
    await start({}, breakingAt(world.sql, state));
    await logChains();
    await Promise.all(Array.from({ length: 1_100 }, () => audit.record(call('mine') as never)));
    time.now += 1;
    // It begins, and each part of 500 says how far it came.
    state.left = 2;
    await expect(audit.eraseOf({ agent: agent.did }, ADMIN)).rejects.toThrow('killed');
    await audit.stop();
    const open = 'SELECT 1 FROM audit_event WHERE disclosures IS NOT NULL';
    expect(await world.sql.query(open)).toHaveLength(600);
    expect(await world.sql.query('SELECT 1 FROM audit_erasure')).toHaveLength(1);
    await start();
    await expect.poll(erasedEvents, { timeout: 20_000 }).toMatchObject([{ count: 1_100 }]);
    expect(await world.sql.query('SELECT 1 FROM audit_erasure')).toHaveLength(0);
    expect(Object.keys(await opening())).toHaveLength(1);
  });

  it('leaves the others theirs if it fails again, and is tried again', async () => {
    await fresh();
    await logChains();
    await record(call('mine'));
    await audit.stop();
    const job = (id: string, selection: object) =>
      world.sql.query('INSERT INTO audit_erasure (id, selection, actor, after) VALUES ($1, $2, NULL, -1)', [
        id,
        JSON.stringify(selection),
      ]);
    await job('00000000-0000-7000-8000-000000000001', { of: 'event', event: 'no UUID' });
    await job(newUuid(), { of: 'agent', agent: agent.did, from: 0, to: time.now + 1 });
    await start();
    await expect.poll(erasedEvents, { timeout: 20_000 }).toMatchObject([{ count: 1 }]);
    const left = await world.sql.query('SELECT id FROM audit_erasure');
    expect(left).toEqual([{ id: '00000000-0000-7000-8000-000000000001' }]);
  });

  it('is one at most, if it was of what is old', async () => {
    await fresh();
    const store = createErasureStore(world.sql);
    const begin = (to: number) => store.begin({ id: newUuid(), selection: { of: 'age', to }, actor: null });
    await begin(1);
    const last = await begin(2);
    expect(await store.left()).toEqual([last]);
  });

  it('whose event was kept and not handed in is in the log after the next start', async () => {
    await fresh();
    await audit.stop();
    const [id, salt] = [newUuid(), random(32)];
    const draft: AuditDraft<'disclosures.erased'> = {
      id: `evt_${id}`,
      type: 'disclosures.erased',
      tenant: 'default',
      principal: null,
      members: {
        of: 'agent',
        event: null,
        agent: agent.did,
        from: null,
        to: null,
        count: 1,
        actor: commit('/actor', ADMIN, salt, crypto),
      },
      disclosures: [disclose('/actor', ADMIN, salt)],
    };
    await world.sql.query('INSERT INTO audit_outbox (id, drafts, kept_at) VALUES ($1, $2, 0)', [
      draft.id,
      JSON.stringify([draft]),
    ]);
    await start();
    await expect.poll(erasedEvents, { timeout: 20_000 }).toMatchObject([{ id: draft.id }]);
    await expect.poll(() => world.sql.query('SELECT 1 FROM audit_outbox')).toEqual([]);
  });
});

describe('what is old', () => {
  it('is forgotten at a start, as long as the policy says that it is kept, and not looked at again', async () => {
    await fresh();
    const [old, young] = [decision({ effect: 'deny' }), decision({ effect: 'deny' })];
    await record(old);
    time.now += 86_400_000;
    await record(young);
    await audit.stop();
    await start({ retention: () => ({ disclosuresMs: 3_600_000 }) });
    await expect
      .poll(erasedEvents, { timeout: 20_000 })
      .toMatchObject([{ of: 'age', count: 1, disclosures: [] }]);
    expect(Object.keys(await opening())).toEqual([young.id]);
    await audit.stop();
    await start({ retention: () => ({ disclosuresMs: 3_600_000 }) });
    expect(await world.sql.query('SELECT aged FROM audit_log')).toEqual([{ aged: 1 }]);
    await expect.poll(async () => world.sql.query('SELECT 1 FROM audit_erasure')).toEqual([]);
    expect(await erasedEvents()).toHaveLength(1);
  });

  // AUD-89, AUD-112
  it('is nothing that a clock made old which jumped, or is far from the last event', async () => {
    await fresh();
    const young = decision({ effect: 'deny' });
    await record(young);
    const retention = () => ({ disclosuresMs: 3_600_000 });
    const erasures = createErasures({
      ...auditDeps(world.sql, tiles, { clock, retention }),
      store: { eventById: async () => undefined },
      assertAccepting: () => undefined,
      record: (draft) => audit.record(draft as never),
    });
    const forget = (lastMs: number) => {
      const tasks = erasures.start(lastMs);
      return () => tasks.find(({ name }) => name === 'old disclosures')!.run();
    };
    const refused = { code: 'UNAVAILABLE', data: { reason: expect.stringContaining('no age is believed') } };
    const running = forget(time.now);
    await running();
    time.now += 10 * 86_400_000;
    await expect(running()).rejects.toMatchObject(refused);
    await expect(running()).rejects.toMatchObject(refused);
    await expect(forget(time.now - 8 * 86_400_000)()).rejects.toMatchObject(refused);
    expect(Object.keys(await opening())).toEqual([young.id]);
    await forget(time.now)();
    expect(await opening()).toEqual({});
    await erasures.stop();
  });
});
