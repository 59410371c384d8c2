import { createDidResolver, createSigner, TrustError } from '@talosprotocol/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { random } from '../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../platform/testing/database.js';
import type { Actor } from './actor.js';
import { createEvents } from './events.js';
import { createEndings } from './identity/endings.js';
import { createKernelStore } from './store.js';
import { deactivate, register } from './testing/identity.js';
import { crypto, issueTo, openWorld, type World } from './testing/kernel-world.js';

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
const idsOf = (type: string): string[] =>
  world.sink.drafts.filter((draft) => draft.type === type).map(({ id }) => id);

// The log keeps one event of an id (AUD-4, audit/service.test.ts), so nodes that agree on it cannot log twice.
describe('what two nodes hand in to the log', () => {
  it('is one event for a revocation that both were asked for at a time', async () => {
    const { chain } = issueTo(world);
    const { lid } = chain.leaf;
    let release = (): void => undefined;
    const both = new Promise<void>((resolve) => {
      release = resolve;
    });
    let waiting = 0;
    world.sink.before = () => {
      waiting += 1;
      if (waiting === 2) release();
      return both;
    };
    const answers = await Promise.all([
      world.post('/talos/v1/revocations', { lid }, world.admin),
      other.post('/talos/v1/revocations', { lid }, other.admin),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(idsOf('revocation')).toHaveLength(2);
    expect(new Set(idsOf('revocation')).size).toBe(1);
  });

  it('is one event for an end that both find unlogged, and both know who did it', async () => {
    const agent = createSigner(random(32), crypto);
    await register(world, agent);
    world.sink.before = () => Promise.reject(new TrustError('UNAVAILABLE', 'the log is full'));
    expect((await deactivate(world, agent.did)).status).toBe(503);
    world.sink.before = () => Promise.resolve();
    world.time.now += 10_001;
    const clock = { now: () => world.time.now, monotonic: () => 0 };
    const node = () => {
      const store = createKernelStore(database.sql);
      const policy = () => ({ defaultTenant: 'acme' }) as never;
      const events = createEvents({ audit: world.sink, policy, crypto, clock, random });
      const standing = { end: () => undefined, isInactive: () => false };
      const resolver = createDidResolver({ now: world.seconds });
      return createEndings({ store, events, standing, resolver, gateway: 'x', crypto, clock, random });
    };
    await Promise.all([node().settle(), node().settle()]);
    expect(idsOf('identity.deactivated').length).toBeGreaterThan(0);
    expect(new Set(idsOf('identity.deactivated')).size).toBe(1);
    const [ended] = world.sink.drafts.filter(({ type }) => type === 'identity.deactivated');
    expect(ended?.disclosures).toMatchObject([{ pointer: '/actor', value: ADMIN satisfies Actor }]);
    const [left] = await database.sql.query<{ n: number }>(
      'SELECT count(*) AS n FROM kernel_identity_change WHERE actor IS NOT NULL',
    );
    expect(left?.n).toBe(0);
  });
});
