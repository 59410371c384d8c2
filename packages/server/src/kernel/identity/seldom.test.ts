import {
  createDidResolver,
  createSigner,
  encodeUtf8,
  signRotation,
  webvhDocument,
} from '@talosprotocol/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { random } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { deactivate, register, stated } from '../testing/identity.js';
import { crypto, openWorld } from '../testing/kernel-world.js';
import { createSeldomLooks } from './seldom.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database?.close());

it('ID-14 one DID is fetched now and then only, whoever asks, and each on its own', async () => {
  let now = 0;
  const asked: string[] = [];
  const { look, keys } = createSeldomLooks(
    {
      refresh: async (did) => {
        asked.push(did);
        throw new Error('nobody answers');
      },
      resolve: async (did) => ({ did, keys: [] }),
    },
    { monotonic: () => now },
  );
  const ask = async (did: string) => (await look(did).catch((error: unknown) => error)) as object;
  const limited = expect.objectContaining({ code: 'RATE_LIMITED' });
  for (let i = 0; i < 20; i++) await ask('did:web:a.example');
  expect(asked).toHaveLength(6);
  expect(await ask('did:web:a.example')).toEqual(limited);
  // Who has a statement is heard all the same, by the keys of a moment ago.
  expect((await keys('did:web:a.example')).did).toBe('did:web:a.example');
  await expect(keys('did:web:b.example')).rejects.toThrow('nobody answers');
  expect(asked).toHaveLength(7);
  expect(await ask('did:web:b.example')).not.toEqual(limited);
  now += 5_000;
  expect(await ask('did:web:a.example')).not.toEqual(limited);
  expect(await ask('did:web:a.example')).toEqual(limited);
  // What was not asked for is not saved up without end.
  now += 3_600_000;
  for (let i = 0; i < 20; i++) await ask('did:web:a.example');
  expect(asked.filter((did) => did === 'did:web:a.example')).toHaveLength(13);
  const plain = createSeldomLooks(createDidResolver({ now: () => 0 }), { monotonic: () => now });
  const { did } = createSigner(random(32), crypto);
  for (let i = 0; i < 20; i++) expect((await plain.look(did)).keys.did).toBe(did);
});

// ID-14, ID-15
it('a document that is another one at each look ends sessions and is kept now and then only, by whatever statement', async () => {
  const world = await openWorld(database.sql);
  try {
    const [agent, other] = [createSigner(random(32), crypto), createSigner(random(32), crypto)];
    const did = 'did:web:restless.example';
    let fetched = 0;
    Object.assign(world.web, {
      get: () => {
        fetched += 1;
        const document = { ...webvhDocument(did, agent.publicKey), looks: fetched };
        return encodeUtf8(JSON.stringify(document));
      },
    });
    const named = { ...agent, did, kid: `${did}#key-1` };
    expect((await register(world, named)).status).toBe(201);
    fetched = 0;
    const path = `/talos/v1/identities/${encodeURIComponent(did)}`;
    const statement = signRotation({ ...stated(world), iss: did, sub: other.did }, other);
    const codes = new Set<unknown>();
    for (let i = 0; i < 8; i++) {
      codes.add((await world.post(`${path}/rotation`, {})).body.code);
      codes.add((await world.post(`${path}/rotation`, { statement, succession: statement })).body.code);
      codes.add((await deactivate(world, did, { ...other, did, kid: `${did}#key-1` })).body.code);
    }
    expect(codes).toContain('RATE_LIMITED');
    // Of the 24, six may look. Each that finds another document tells all nodes, this one too: what was kept of it may then be
    // fetched once more, for the next statement.
    expect(fetched).toBeGreaterThanOrEqual(6);
    expect(fetched).toBeLessThanOrEqual(12);
    // Nobody who goes on asking keeps its owner from ending it.
    expect((await deactivate(world, did, named)).body.status).toBe('deactivated');
  } finally {
    await world.close();
  }
});
