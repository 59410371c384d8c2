import { createSigner, TrustError } from '@talosprotocol/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createOutbox } from '../platform/outbox.js';
import { random } from '../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../platform/testing/database.js';
import { createTestLog } from '../platform/testing/test-log.js';
import { OUTBOX_TABLE } from './outbox-table.js';
import type { KernelDraft } from './ports.js';
import { deactivate, register } from './testing/identity.js';
import { crypto, GRANTS, issueTo, openWorld, type World } from './testing/kernel-world.js';

let database: TestDatabase;
let world: World;
let other: World;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database?.close());
beforeEach(async () => {
  world = await openWorld(database.sql);
  other = await openWorld(database.sql, world);
});
afterEach(() => Promise.all([world?.close(), other?.close()]));

const ADMIN = { kind: 'service', id: 'svc_01890000-0000-7000-8000-000000000001', how: 'key' } as const;
const full = () => Promise.reject(new TrustError('UNAVAILABLE', 'the log is full'));
const of = (type: string): KernelDraft[] => world.sink.drafts.filter((draft) => draft.type === type);
const waiting = async () => (await database.sql.query(`SELECT id FROM ${OUTBOX_TABLE}`)).length;

/** What a node does every few seconds. */
const drain = () => {
  const { time, sink } = world;
  const clock = { now: () => time.now };
  const record = (draft: KernelDraft) => sink.record(draft);
  const deps = { sql: database.sql, table: OUTBOX_TABLE, clock, log: createTestLog(), record };
  return createOutbox<KernelDraft>(deps).drain();
};

/** Two at a time, of what was left a while ago. */
async function drainTwice(): Promise<void> {
  world.sink.before = () => Promise.resolve();
  world.time.now += 10_001;
  await Promise.all([drain(), drain()]);
}

// The log keeps one event of an id (AUD-4, audit/service.test.ts), so nodes that agree on all of it cannot log twice.
describe('what two nodes hand in to the log', () => {
  it('is one event for a revocation that both were asked for at a time', async () => {
    const { chain } = issueTo(world);
    const { lid } = chain.leaf;
    let release = (): void => undefined;
    const both = new Promise<void>((resolve) => {
      release = resolve;
    });
    let count = 0;
    world.sink.before = () => {
      count += 1;
      if (count === 2) release();
      return both;
    };
    const answers = await Promise.all([
      world.post('/talos/v1/revocations', { lid }, world.admin),
      other.post('/talos/v1/revocations', { lid }, other.admin),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const [one, two, ...more] = of('revocation');
    expect([one, more]).toEqual([two, []]);
    expect(await waiting()).toBe(0);
  });

  it('is one event for an end that the log did not take, with who did it', async () => {
    const agent = createSigner(random(32), crypto);
    await register(world, agent);
    world.sink.before = full;
    expect((await deactivate(world, agent.did)).status).toBe(503);
    expect(await waiting()).toBe(1);
    await drainTwice();
    expect(of('identity.deactivated')).toMatchObject([
      {
        members: { did: agent.did, by: 'administrator' },
        disclosures: [{ pointer: '/actor', value: ADMIN }],
      },
    ]);
    expect(await waiting()).toBe(0);
  });
});

// AUD-87
describe('what was changed', () => {
  it('gets into the log later if it did not take it, and is not told before', async () => {
    const agent = createSigner(random(32), crypto);
    world.sink.before = full;
    expect((await register(world, agent)).status).toBe(503);
    const body = { sub: agent.did, grants: GRANTS, exp: world.seconds() + 60 };
    expect((await world.post('/talos/v1/capabilities', body, world.admin)).status).toBe(503);
    expect(world.sink.drafts).toEqual([]);
    await drainTwice();
    expect(world.sink.drafts.map(({ type }) => type).sort()).toEqual([
      'capability.issued',
      'chain',
      'identity.registered',
    ]);
    expect((await register(world, agent)).status).toBe(201);
    expect(of('identity.registered')).toHaveLength(1);
  });

  it('is not changed while the log says that it takes nothing', async () => {
    const agent = createSigner(random(32), crypto);
    world.sink.isFull = true;
    expect((await register(world, agent)).status).toBe(503);
    world.sink.isFull = false;
    expect((await world.get(`/talos/v1/identities/${agent.did}`, world.admin)).status).toBe(404);
    expect(await waiting()).toBe(0);
  });
});
