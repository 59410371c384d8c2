import { createDidResolver, createSigner, signDeactivation, TrustError } from '@talosprotocol/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { random } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { createKernelStore } from '../store.js';
import { register, stated } from '../testing/identity.js';
import { crypto, openWorld, type World } from '../testing/kernel-world.js';
import type { Change } from './change-store.js';
import { createEndings } from './endings.js';

let database: TestDatabase;
let world: World;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database?.close());
beforeEach(async () => {
  world = await openWorld(database.sql);
});
afterEach(() => world?.close());

it('logs later what a full log did not take, once, and leaves alone what is still with its request (ID-15)', async () => {
  const agent = createSigner(random(32), crypto);
  await register(world, agent);
  const logged: Change[] = [];
  const ended: string[] = [];
  let isFull = true;
  const take = async (change: Change): Promise<void> => {
    if (isFull) throw new TrustError('UNAVAILABLE', 'the log is full');
    logged.push(change);
  };
  const endings = createEndings({
    store: createKernelStore(database.sql),
    events: { identityRotated: take, identityDeactivated: take },
    standing: { end: (did) => void ended.push(did), isInactive: (did) => ended.includes(did) },
    resolver: createDidResolver({ now: world.seconds }),
    gateway: world.gateway.did,
    crypto,
    clock: { now: () => world.time.now, monotonic: () => 0 },
    random,
  });
  const statement = signDeactivation({ ...stated(world), iss: agent.did }, agent);
  await expect(endings.deactivate(agent.did, statement)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(ended).toEqual([agent.did]);
  isFull = false;
  await endings.settle();
  expect(logged).toEqual([]);
  world.time.now += 10_001;
  await endings.settle();
  await endings.settle();
  expect(logged).toMatchObject([{ did: agent.did, type: 'deactivated', by: 'identity', statement }]);
});
