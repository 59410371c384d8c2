import {
  createSigner,
  createWebvhLog,
  deactivateWebvhLog,
  encodeUtf8,
  type Signer,
  signRotation,
  updateWebvhLog,
  webvhDocument,
  webvhLogUrl,
} from '@talosprotocol/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { random } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { openSession, REQUEST, takeSession } from '../testing/agent.js';
import { deactivate, look, register, registrationOf, rotate, stated } from '../testing/identity.js';
import { createPlatform, crypto, GRANTS, issueTo, openWorld, type World } from '../testing/kernel-world.js';

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

const newSigner = (): Signer => createSigner(random(32), crypto);
const drafts = (type: string) => world.sink.drafts.filter((draft) => draft.type === type);
const opens = async (held: Parameters<typeof openSession>[1]) => (await openSession(world, held)).answer;

/** An identity of a host of its own: a log, and the key in its document. */
function publishWebvh(host: string) {
  const update = newSigner();
  const key = newSigner();
  const ctx = (ago: number) => ({ now: world.time.now - ago, crypto });
  const document = (did: string) => webvhDocument(did, key.publicKey);
  let log = createWebvhLog({ location: host, document }, update, ctx(60_000));
  const did = (JSON.parse(Buffer.from(log).toString()) as { state: { id: string } }).state.id;
  const publish = (): void => void world.web.set(webvhLogUrl(did), log);
  publish();
  return {
    did,
    signer: { ...key, did, kid: `${did}#key-1` },
    rotate: (next: Signer) => {
      log = updateWebvhLog(log, { document: webvhDocument(did, next.publicKey) }, update, ctx(1_000));
      publish();
      return { ...next, did, kid: `${did}#key-1` };
    },
    end: () => {
      log = deactivateWebvhLog(log, update, ctx(0));
      publish();
    },
  };
}

describe('registration (ID-13)', () => {
  it('takes who proves control of the key, and tells so', async () => {
    const signer = newSigner();
    const answer = await register(world, signer);
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ did: signer.did, proven: true, status: 'active' });
    expect(drafts('identity.registered')).toHaveLength(1);
    const { changes } = (await look(world, signer.did, 'history')).body;
    expect(changes).toMatchObject([{ type: 'registered', statement: expect.stringContaining('.') }]);
  });

  it.each<[string, (signer: Signer) => Promise<object>, string]>([
    ['no proof', async (signer) => ({ did: signer.did, kind: 'agent', name: 'a' }), 'MALFORMED'],
    [
      'the proof of another',
      async (signer) => ({ ...(await registrationOf(world, newSigner())), did: signer.did }),
      'PROOF_INVALID',
    ],
    [
      'a proof of another name',
      async (signer) => ({ ...(await registrationOf(world, signer)), name: 'Root' }),
      'PROOF_INVALID',
    ],
    [
      'a proof for another gateway',
      (signer) => registrationOf(world, signer, {}, { aud: newSigner().did }),
      'PROOF_INVALID',
    ],
    [
      'a nonce nobody gave',
      (signer) => registrationOf(world, signer, {}, { nonce: 'A'.repeat(54) }),
      'PROOF_INVALID',
    ],
    [
      'an old proof',
      (signer) => registrationOf(world, signer, {}, { iat: world.seconds() - 61 }),
      'PROOF_INVALID',
    ],
  ])('refuses %s, and registers nothing', async (_, request, code) => {
    const signer = newSigner();
    const answer = await world.post('/talos/v1/identities', await request(signer), world.admin);
    expect(answer.body).toMatchObject({ code });
    expect((await world.get(`/talos/v1/identities/${signer.did}`, world.admin)).status).toBe(404);
    expect(drafts('identity.registered')).toHaveLength(0);
  });

  it('takes a proof once', async () => {
    const request = await registrationOf(world, newSigner());
    expect((await world.post('/talos/v1/identities', request, world.admin)).status).toBe(201);
    expect((await world.post('/talos/v1/identities', request, world.admin)).body.code).toBe('PROOF_INVALID');
  });

  it('takes a did:webvh by an authentication key of its document', async () => {
    const org = publishWebvh('org.example');
    expect((await register(world, org.signer, { kind: 'organisation' })).status).toBe(201);
    const { changes } = (await look(world, org.did, 'history')).body;
    expect(changes).toMatchObject([{ type: 'registered', version: expect.stringMatching(/^1-Qm/) }]);
    const stranger = { ...newSigner(), did: org.did, kid: `${org.did}#key-1` };
    expect((await register(world, stranger)).body.code).toBe('PROOF_INVALID');
  });
});

describe('an identity that ended (ID-15)', () => {
  it('by its own statement: nothing of it is accepted any more, within the second', async () => {
    const { agent, chain } = issueTo(world);
    await register(world, agent);
    const opening = await openSession(world, { agent, chain });
    const session = takeSession(world, agent, chain, opening);
    const live = world.kernel.credentials.authenticateSession(session.sign(REQUEST), REQUEST);
    let ended = 0;
    live.onRevoked(() => ended++);
    expect((await deactivate(world, agent.did, agent)).body).toMatchObject({ status: 'deactivated' });
    expect(ended).toBe(1);
    expect(() => live.assertLive('read')).toThrow(expect.objectContaining({ code: 'REVOKED' }));
    expect(() => world.kernel.credentials.authenticateSession(session.sign(REQUEST), REQUEST)).toThrow();
    expect((await opens({ agent, chain })).body.code).toBe('REVOKED');
    expect(drafts('identity.deactivated')).toMatchObject([{ members: { did: agent.did, by: 'identity' } }]);
  });

  it('as the holder in the middle ends every chain through it, and nothing beside it', async () => {
    const { agent, chain } = issueTo(world);
    const { agent: other, chain: beside } = issueTo(world);
    await register(world, agent);
    await deactivate(world, agent.did);
    const { body } = await opens({ agent, chain });
    expect(body).toMatchObject({ code: 'REVOKED', hint: expect.stringContaining(agent.did) });
    expect((await opens({ agent: other, chain: beside })).status).toBe(201);
  });

  it('as the root ends everything', async () => {
    const { agent, chain } = issueTo(world);
    await register(world, world.organisation, { kind: 'organisation' });
    expect((await opens({ agent, chain })).status).toBe(201);
    await deactivate(world, world.organisation.did);
    const { body } = await opens({ agent, chain });
    expect(body).toMatchObject({
      code: 'REVOKED',
      link: 1,
      hint: expect.stringContaining(world.organisation.did),
    });
    const issue = { sub: newSigner().did, grants: GRANTS, exp: world.seconds() + 60 };
    expect((await world.post('/talos/v1/capabilities', issue, world.admin)).body.code).toBe('REVOKED');
  });

  it('is not issued to', async () => {
    const agent = newSigner();
    await register(world, agent);
    await deactivate(world, agent.did);
    const issue = { sub: agent.did, grants: GRANTS, exp: world.seconds() + 60 };
    const answer = await world.post('/talos/v1/capabilities', issue, world.admin);
    expect(answer.body).toMatchObject({ code: 'REVOKED', hint: expect.any(String) });
  });

  it('stays ended: after a restart, and when it registers again', async () => {
    const { agent, chain } = issueTo(world);
    await register(world, agent);
    await deactivate(world, agent.did, agent);
    expect((await register(world, agent)).body.code).toBe('CONFLICT');
    const { organisation, gateway, policy } = world;
    const again = await openWorld(database.sql, {
      ...createPlatform(),
      organisation,
      gateway,
      policy,
      boots: { last: 9 },
    });
    try {
      expect((await openSession(again, { agent, chain })).answer.body.code).toBe('REVOKED');
    } finally {
      await again.close();
    }
  });

  it.each([
    ['at once', async () => undefined],
    ['when that polls, if nobody told it', async (other: World) => other.kernel.poll()],
  ])('is heard of by another node %s', async (_, hear) => {
    const { agent, chain } = issueTo(world);
    await register(world, agent);
    const { organisation, gateway, policy } = world;
    const other = await openWorld(database.sql, {
      ...createPlatform(),
      organisation,
      gateway,
      policy,
      boots: { last: 19 },
    });
    try {
      expect((await openSession(other, { agent, chain })).answer.status).toBe(201);
      await deactivate(world, agent.did, agent);
      await hear(other);
      const answer = async () => (await openSession(other, { agent, chain })).answer.body?.code;
      await expect.poll(answer).toBe('REVOKED');
    } finally {
      await other.close();
    }
  });

  it('is ended by nobody else', async () => {
    const agent = newSigner();
    await register(world, agent);
    const other = newSigner();
    const statement = await deactivate(world, agent.did, other);
    expect(statement.body.code).toBe('PROOF_INVALID');
    const path = `/talos/v1/identities/${agent.did}/deactivation`;
    expect((await world.post(path, {})).status).toBe(401);
    expect((await world.post(path, { statement: 'x', more: 1 }, world.admin)).body.code).toBe('MALFORMED');
    expect((await world.get(`/talos/v1/identities/${agent.did}`, world.admin)).body.status).toBe('active');
    expect((await deactivate(world, other.did)).status).toBe(404);
  });

  it('is logged later when the log is full, and in force at once', async () => {
    const { agent, chain } = issueTo(world);
    await register(world, agent);
    world.sink.before = () => Promise.reject(new Error('full'));
    expect((await deactivate(world, agent.did, agent)).status).toBe(500);
    expect((await opens({ agent, chain })).status).not.toBe(201);
    world.sink.before = () => Promise.resolve();
    expect((await opens({ agent, chain })).body.code).toBe('REVOKED');
    expect((await deactivate(world, agent.did, agent)).body.status).toBe('deactivated');
  });
});

describe('rotation (ID-14)', () => {
  it('hands name and kind over to another did:key, and keeps what happened (ID-16)', async () => {
    const { agent, chain } = issueTo(world);
    const next = newSigner();
    await register(world, agent, { name: 'Reader' });
    const answer = await rotate(world, agent, next);
    expect(answer.body).toMatchObject({ status: 'rotated', successor: next.did });
    expect((await world.get(`/talos/v1/identities/${next.did}`, world.admin)).body).toMatchObject({
      name: 'Reader',
      status: 'active',
      proven: true,
    });
    expect((await opens({ agent, chain })).body.code).toBe('REVOKED');
    expect((await rotate(world, agent, next)).body.status).toBe('rotated');
    expect((await look(world, next.did, 'history')).body.changes).toMatchObject([
      { type: 'succeeded', predecessor: agent.did },
    ]);
    expect((await look(world, agent.did, 'history')).body.changes).toMatchObject([
      { type: 'registered' },
      { type: 'rotated', successor: next.did },
    ]);
    expect(drafts('identity.rotated')).toMatchObject([{ members: { did: agent.did, successor: next.did } }]);
  });

  it('refuses a successor that did not agree, is taken, or has ended, and one that has ended itself', async () => {
    const [agent, next, taken] = [newSigner(), newSigner(), newSigner()];
    await register(world, agent);
    await register(world, taken);
    const path = `/talos/v1/identities/${agent.did}/rotation`;
    const statement = signRotation({ ...stated(world), iss: agent.did, sub: next.did }, agent);
    expect((await world.post(path, { statement })).body.code).toBe('MALFORMED');
    expect((await world.post(path, { statement, succession: statement })).body.code).toBe('MALFORMED');
    expect((await world.post(path, {})).body.code).toBe('MALFORMED');
    expect((await world.post(path, { more: 1 })).body.code).toBe('MALFORMED');
    expect((await rotate(world, agent, taken)).body.code).toBe('CONFLICT');
    await deactivate(world, taken.did);
    expect((await rotate(world, agent, taken)).body.code).toBe('CONFLICT');
    await deactivate(world, agent.did);
    expect((await rotate(world, agent, next)).body.code).toBe('CONFLICT');
    expect((await rotate(world, newSigner(), next)).status).toBe(404);
  });

  it('of a did:webvh uses the new entry at once, and keeps the former for audit (ID-12)', async () => {
    const org = publishWebvh('rot.example');
    await register(world, org.signer, { kind: 'organisation' });
    const next = org.rotate(newSigner());
    const answer = await world.post(`/talos/v1/identities/${encodeURIComponent(org.did)}/rotation`, {});
    expect(answer.body).toMatchObject({ status: 'active' });
    await world.post(`/talos/v1/identities/${encodeURIComponent(org.did)}/rotation`, {});
    const { changes } = (await look(world, org.did, 'history')).body;
    expect(changes.map(({ type, version }: { type: string; version: string }) => [type, version[0]])).toEqual(
      [
        ['registered', '1'],
        ['rotated', '2'],
      ],
    );
    expect((await deactivate(world, org.did, org.signer)).body.code).toBe('PROOF_INVALID');
    const at = (ms: number) => look(world, org.did, `keys?at=${new Date(world.time.now - ms).toISOString()}`);
    const [before, after] = [await at(30_000), await at(0)];
    expect(before.body.formerKeys[0].formerMultikey).not.toBe(after.body.formerKeys[0].formerMultikey);
    expect(before.body.version).toMatch(/^1-/);
    expect((await at(120_000)).body.code).toBe('NOT_FOUND');
    expect((await look(world, org.did, 'keys')).body.code).toBe('MALFORMED');
    expect((await deactivate(world, org.did, next)).body.status).toBe('deactivated');
  });

  it('finds a did:webvh that ended itself', async () => {
    const org = publishWebvh('end.example');
    await register(world, org.signer, { kind: 'organisation' });
    org.end();
    const answer = await world.post(`/talos/v1/identities/${encodeURIComponent(org.did)}/rotation`, {});
    expect(answer.body).toMatchObject({ status: 'deactivated' });
    expect(drafts('identity.deactivated')).toMatchObject([{ members: { by: 'log', statement: null } }]);
  });

  it('of a did:web ends the sessions of its former key; elsewhere they end with what is known of the key (ID-6)', async () => {
    const did = 'did:web:holder.example';
    const key = newSigner();
    const publish = (signer: Signer) =>
      world.web.set(
        'https://holder.example/.well-known/did.json',
        encodeUtf8(JSON.stringify(webvhDocument(did, signer.publicKey))),
      );
    publish(key);
    const agent = { ...key, did, kid: `${did}#key-1` };
    const { chain } = issueTo(world, { sub: did });
    await register(world, agent);
    const session = takeSession(world, agent, chain, await openSession(world, { agent, chain }));
    expect(session.exp).toBeLessThanOrEqual(world.seconds() + 300);
    const call = () => world.kernel.credentials.authenticateSession(session.sign(REQUEST), REQUEST);
    let told = 0;
    call().onRevoked(() => (told += 1));
    const path = `/talos/v1/identities/${encodeURIComponent(did)}/rotation`;
    // Nothing new is published: whoever asks ends nothing.
    await world.post(path, {});
    expect([call().capability.holder, told]).toEqual([did, 0]);
    const next = newSigner();
    publish(next);
    await world.post(path, {});
    expect(told).toBe(1);
    expect(call).toThrow(expect.objectContaining({ code: 'SESSION_UNKNOWN' }));
    expect((await opens({ agent, chain })).body.code).toBe('PROOF_INVALID');
    expect((await opens({ agent: { ...next, did, kid: `${did}#key-1` }, chain })).status).toBe(201);
  });

  it('of a did:web is heard of by another node, where the sessions may be, and ends nothing there twice (ID-14)', async () => {
    const did = 'did:web:far.example';
    const path = `/talos/v1/identities/${encodeURIComponent(did)}/rotation`;
    const [key, next] = [newSigner(), newSigner()];
    const named = (signer: Signer) => ({ ...signer, did, kid: `${did}#key-1` });
    const publish = (signer: Signer) =>
      world.web.set(
        'https://far.example/.well-known/did.json',
        encodeUtf8(JSON.stringify(webvhDocument(did, signer.publicKey))),
      );
    publish(key);
    const { chain } = issueTo(world, { sub: did });
    await register(world, named(key));
    const { organisation, gateway, policy, web } = world;
    const boots = { last: 29 };
    const other = await openWorld(database.sql, {
      ...createPlatform(),
      organisation,
      gateway,
      policy,
      web,
      boots,
    });
    try {
      const open = async (signer: Signer) => {
        const agent = named(signer);
        const opening = await openSession(other, { agent, chain });
        if (opening.answer.status !== 201) return opening.answer.body.code as string;
        const session = takeSession(other, agent, chain, opening);
        let told = 0;
        other.kernel.credentials.authenticateSession(session.sign(REQUEST), REQUEST).onRevoked(() => told++);
        return { told: () => told };
      };
      const former = (await open(key)) as { told: () => number };
      publish(next);
      expect((await world.post(path, {})).status).toBe(200);
      await expect.poll(former.told).toBe(1);
      expect(await open(key)).toBe('PROOF_INVALID');
      const current = (await open(next)) as { told: () => number };
      expect((await other.post(path, {})).status).toBe(200);
      expect(current.told()).toBe(0);
    } finally {
      await other.close();
    }
  });

  it('of a did:web keeps each document, and answers by it (ID-12)', async () => {
    const did = 'did:web:doc.example';
    const url = 'https://doc.example/.well-known/did.json';
    const key = newSigner();
    const publish = (signer: Signer) =>
      world.web.set(url, encodeUtf8(JSON.stringify(webvhDocument(did, signer.publicKey))));
    publish(key);
    await register(world, { ...key, did, kid: `${did}#key-1` }, { kind: 'organisation' });
    const first = new Date(world.time.now).toISOString();
    world.time.now += 10_000;
    publish(newSigner());
    await world.post(`/talos/v1/identities/${encodeURIComponent(did)}/rotation`, {});
    const second = new Date(world.time.now).toISOString();
    const keyAt = async (at: string) =>
      (await look(world, did, `keys?at=${at}`)).body.formerKeys[0].formerMultikey;
    expect(await keyAt(first)).toBe(key.did.slice('did:key:'.length));
    expect(await keyAt(second)).not.toBe(await keyAt(first));
    world.web.delete(url);
    expect((await world.post(`/talos/v1/identities/${encodeURIComponent(did)}/rotation`, {})).status).toBe(
      503,
    );
  });
});
