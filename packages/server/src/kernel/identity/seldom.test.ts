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
import { createSeldomRefresh } from './seldom.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database?.close());

it('ID-14 one DID is fetched now and then only, whoever asks, and each on its own', async () => {
  let now = 0;
  const asked: string[] = [];
  const { refresh } = createSeldomRefresh(
    {
      refresh: async (did) => {
        asked.push(did);
        throw new Error('nobody answers');
      },
    },
    { monotonic: () => now },
  );
  const ask = async (did: string) => (await refresh(did).catch((error: unknown) => error)) as object;
  const limited = expect.objectContaining({ code: 'RATE_LIMITED' });
  for (let i = 0; i < 20; i++) await ask('did:web:a.example');
  expect(asked).toHaveLength(6);
  expect(await ask('did:web:a.example')).toEqual(limited);
  expect(await ask('did:web:b.example')).not.toEqual(limited);
  now += 5_000;
  expect(await ask('did:web:a.example')).not.toEqual(limited);
  expect(await ask('did:web:a.example')).toEqual(limited);
  // What was not asked for is not saved up without end.
  now += 3_600_000;
  for (let i = 0; i < 20; i++) await ask('did:web:a.example');
  expect(asked.filter((did) => did === 'did:web:a.example')).toHaveLength(13);
  const keys = createSeldomRefresh(createDidResolver({ now: () => 0 }), { monotonic: () => now });
  const { did } = createSigner(random(32), crypto);
  for (let i = 0; i < 20; i++) expect((await keys.refresh(did)).keys.did).toBe(did);
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
    expect(fetched).toBe(6);
    // An administrator does not wait.
    expect((await deactivate(world, did)).body.status).toBe('deactivated');
  } finally {
    await world.close();
  }
});
