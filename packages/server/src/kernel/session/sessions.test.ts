import {
  attenuate,
  createSigner,
  encodeUtf8,
  issueCapability,
  isTrustError,
  webvhDocument,
} from '@talosprotocol/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { random } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import type { Authenticated } from '../ports.js';
import { openSession, REQUEST, takeSession } from '../testing/agent.js';
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

const codeOf = (act: () => unknown): string => {
  try {
    act();
    return 'accepted';
  } catch (error) {
    if (isTrustError(error)) return error.code;
    throw error;
  }
};

const liveness = (caller: Authenticated, op: 'read' | 'write'): string => codeOf(() => caller.assertLive(op));

async function session() {
  const held = issueTo(world);
  const opening = await openSession(world, held);
  expect(opening.answer.status).toBe(201);
  return { ...held, session: takeSession(world, held.agent, held.chain, opening) };
}

describe('opening a session', () => {
  it('gives a session whose requests are accepted, and has it in the log before the answer (SES-3, SES-4)', async () => {
    const { agent, chain, session: opened } = await session();
    expect(opened.exp).toBe(world.seconds() + 3600);
    expect(world.sink.drafts.map((draft) => draft.type)).toEqual(['chain', 'session.opened']);
    expect(world.sink.drafts[0]?.members).toEqual({ cth: chain.cth, chain: chain.chain });
    expect(world.sink.drafts[1]).toMatchObject({
      tenant: 'acme',
      principal: { sub: agent.did },
      members: { sid: opened.sid, cth: chain.cth, exp: '2026-11-23T13:00:00.000Z' },
      // Recorded at another time, no verifier would accept the opening (AUD-22).
      notBefore: Date.parse('2026-11-23T11:59:00.000Z'),
      notAfter: Date.parse('2026-11-23T12:02:00.000Z'),
    });
    const authorization = opened.sign(REQUEST);
    world.kernel.credentials.peekSession(authorization);
    const caller = world.kernel.credentials.authenticateSession(authorization, REQUEST);
    expect(caller.capability.holder).toBe(agent.did);
    expect(caller.sessionEnds).toBe(opened.exp);
    expect(caller.credential).toMatchObject({ kind: 'session', sid: opened.sid, seq: 1, cth: chain.cth });
    expect([liveness(caller, 'read'), liveness(caller, 'write')]).toEqual(['accepted', 'accepted']);
  });

  it('logs a chain once, however many sessions it opens', async () => {
    const held = issueTo(world);
    const openings = await Promise.all([
      openSession(world, held),
      openSession(world, held),
      openSession(world, held),
    ]);
    expect(openings.map(({ answer }) => answer.status)).toEqual([201, 201, 201]);
    const types = world.sink.drafts.map((draft) => draft.type);
    expect(types.filter((type) => type === 'chain')).toHaveLength(1);
    expect(types[0]).toBe('chain');
  });

  it('ends with the link that ends first', async () => {
    const held = issueTo(world, { exp: world.seconds() + 100 });
    const opening = await openSession(world, held);
    expect(takeSession(world, held.agent, held.chain, opening).exp).toBe(world.seconds() + 100);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['another audience', { aud: createSigner(random(32), crypto).did }, 'aud'],
    ['another method', { htm: 'GET' }, 'htm'],
    ['another URL', { htu: 'http://127.0.0.1:1/talos/v1/sessions' }, 'htu'],
    ['a query the request has not', { htu: 'http://127.0.0.1/talos/v1/sessions?a=1' }, 'htu'],
    ['another chain', { cth: 'A'.repeat(43) }, 'cth'],
    ['an old proof', { iat: 1_700_000_000 }, 'iat'],
    ['a nonce of nobody', { nonce: 'A'.repeat(54) }, 'nonce'],
  ])('refuses %s', async (_, change, caveat) => {
    const { answer } = await openSession(world, issueTo(world), change);
    expect(answer).toMatchObject({ status: 401, body: { code: 'PROOF_INVALID', caveat } });
  });

  it('refuses a proof of another key, and leaves the nonce usable for its owner', async () => {
    const { chain, agent } = issueTo(world);
    const nonce = (await world.post('/talos/v1/nonces', '')).body.nonce;
    const thief = createSigner(random(32), crypto);
    const stolen = await openSession(world, { chain, agent: thief }, { nonce });
    expect(stolen.answer.body.code).toBe('PROOF_INVALID');
    expect((await openSession(world, { chain, agent }, { nonce })).answer.status).toBe(201);
    expect((await openSession(world, { chain, agent }, { nonce })).answer.body).toMatchObject({
      code: 'PROOF_INVALID',
      caveat: 'nonce',
    });
  });

  it('refuses a proof that is sent twice', async () => {
    const { chain, agent } = issueTo(world);
    const { proof } = await openSession(world, { chain, agent });
    const again = await world.post('/talos/v1/sessions', { chain: chain.chain, proof });
    expect(again.body).toMatchObject({ code: 'PROOF_INVALID', caveat: 'nonce' });
  });

  it('refuses an epk of small order', async () => {
    const { answer } = await openSession(world, issueTo(world), { epk: 'A'.repeat(43) });
    expect(answer).toMatchObject({ status: 400, body: { code: 'MALFORMED' } });
    expect(world.sink.drafts.filter((draft) => draft.type === 'session.opened')).toEqual([]);
  });

  it('names what is wrong with a chain, cheapest check first', async () => {
    const held = issueTo(world);
    const stranger = createSigner(random(32), crypto);
    const foreign = { ...held, chain: issueTo({ ...world, organisation: stranger }).chain };
    expect((await openSession(world, foreign)).answer.body).toMatchObject({
      code: 'UNTRUSTED_ISSUER',
      link: 1,
    });
    const other = issueTo(world, { aud: [stranger.did] });
    expect((await openSession(world, other)).answer.body).toMatchObject({ code: 'AUDIENCE_MISMATCH' });
    world.time.now += 3 * 3600_000;
    expect((await openSession(world, held)).answer.body).toMatchObject({ code: 'EXPIRED', link: 1 });
  });

  it('refuses a sub-agent that delegates more than it may, with the link', async () => {
    const { agent, chain, issuing } = issueTo(world, { dlg: 1 });
    const sub = createSigner(random(32), crypto);
    const longer = attenuate(chain, { sub: sub.did, grants: GRANTS, exp: 'same' }, agent, issuing);
    expect((await openSession(world, { agent: sub, chain: longer })).answer.status).toBe(201);
    const altered = longer.chain.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'));
    const { answer } = await openSession(world, { agent: sub, chain: { ...longer, chain: altered } });
    expect(answer.body).toMatchObject({ code: 'SIGNATURE_INVALID', link: 2 });
  });

  it('records a refusal with a hash of what was presented, nothing of it, and gives its receipt (AUD-5, AUD-6)', async () => {
    const { answer } = await openSession(world, issueTo(world), { htm: 'GET' });
    const [denial] = world.sink.denials;
    expect(denial).toMatchObject({
      principal: null,
      address: '127.0.0.1',
      members: {
        request: answer.headers.get('x-request-id'),
        surface: 'session',
        effect: 'deny',
        code: 'PROOF_INVALID',
        credential: { kind: 'session', token: expect.stringMatching(/^[0-9a-f]{64}$/) },
      },
    });
    expect(denial?.disclosures).toMatchObject([{ pointer: '/refusal', value: { caveat: 'htm' } }]);
    expect(answer.headers.get('x-talos-receipt')).toBe(denial?.id.replace('evt_', 'rcp_'));
  });

  it('opens nothing while the log refuses, and leaves no session behind', async () => {
    const held = issueTo(world);
    world.sink.before = () => Promise.reject(Object.assign(new Error('down')));
    const { answer } = await openSession(world, held);
    expect(answer.status).toBe(500);
    world.sink.before = () => Promise.resolve();
    expect(world.sink.drafts).toEqual([]);
    expect((await openSession(world, held)).answer.status).toBe(201);
  });

  it('does not answer before the log has it', async () => {
    let release = (): void => undefined;
    const blocked = new Promise<void>((resolve) => {
      release = resolve;
    });
    world.sink.before = () => blocked;
    let answered = false;
    const pending = openSession(world, issueTo(world)).then((opening) => {
      answered = true;
      return opening;
    });
    await world.get('/.well-known/talos.json');
    expect(answered).toBe(false);
    release();
    expect((await pending).answer.status).toBe(201);
  });

  it('refuses if a link is revoked while the log is written', async () => {
    const held = issueTo(world);
    world.sink.before = async () => {
      world.sink.before = () => Promise.resolve();
      await world.post('/talos/v1/revocations', { lid: held.chain.leaf.lid }, world.admin);
    };
    const { answer } = await openSession(world, held);
    expect(answer.body).toMatchObject({ code: 'REVOKED' });
  });
});

describe('a session', () => {
  const { credentials } = { credentials: () => world.kernel.credentials };

  it('takes each number once, in any order within its window (SES-9)', async () => {
    const { session: opened } = await session();
    const authorization = opened.sign(REQUEST, 7);
    credentials().authenticateSession(authorization, REQUEST);
    expect(codeOf(() => credentials().authenticateSession(authorization, REQUEST))).toBe('REPLAY');
    expect(codeOf(() => credentials().peekSession(authorization))).toBe('REPLAY');
    expect(codeOf(() => credentials().authenticateSession(opened.sign(REQUEST, 3), REQUEST))).toBe(
      'accepted',
    );
    expect(codeOf(() => credentials().authenticateSession(opened.sign(REQUEST, 900), REQUEST))).toBe(
      'accepted',
    );
    expect(codeOf(() => credentials().peekSession(opened.sign(REQUEST, 600)))).toBe('REPLAY');
  });

  it.each<[string, Partial<typeof REQUEST>]>([
    ['body', { body: new TextEncoder().encode('{ }') }],
    ['target', { target: '/mcp/files' }],
    ['method', { method: 'DELETE' }],
    ['header', { headers: { 'content-type': 'application/json', 'mcp-name': 'x' } }],
  ])('refuses a request with another %s, and uses no number up', async (_, change) => {
    const { session: opened } = await session();
    const authorization = opened.sign(REQUEST);
    expect(codeOf(() => credentials().authenticateSession(authorization, { ...REQUEST, ...change }))).toBe(
      'PROOF_INVALID',
    );
    expect(codeOf(() => credentials().authenticateSession(authorization, REQUEST))).toBe('accepted');
  });

  it('ends at once when a link above it is revoked (SES-12), and tells the call in flight', async () => {
    const { chain, session: opened } = await session();
    const caller = credentials().authenticateSession(opened.sign(REQUEST), REQUEST);
    const told: string[] = [];
    caller.onRevoked(() => told.push('first'));
    caller.onRevoked(() => told.push('second'))();
    await world.post('/talos/v1/revocations', { lid: chain.leaf.lid }, world.admin);
    expect(told).toEqual(['first']);
    expect(liveness(caller, 'read')).toBe('REVOKED');
    caller.onRevoked(() => told.push('late'));
    expect(told).toEqual(['first', 'late']);
    expect(codeOf(() => credentials().authenticateSession(opened.sign(REQUEST), REQUEST))).toBe(
      'SESSION_UNKNOWN',
    );
  });

  it.each(['holder', 'issuer'] as const)(
    'lasts, though the keys of its %s were fetched long ago (SES-4, ID-6)',
    async (who) => {
      const did = 'did:web:long.example';
      const url = 'https://long.example/.well-known/did.json';
      const key = createSigner(random(32), crypto);
      const named = { ...key, did, kid: `${did}#key-1` };
      const document = encodeUtf8(JSON.stringify(webvhDocument(did, key.publicKey)));
      world.web.set(url, document);
      const { agent, chain, issuing } = issueTo(world, { sub: did });
      world.policy.anchors.push({ iss: did, tenant: 'acme', grants: GRANTS });
      const claims = {
        sub: agent.did,
        aud: [world.gateway.did],
        grants: GRANTS,
        exp: world.seconds() + 7200,
      };
      const held =
        who === 'holder'
          ? { agent: named, chain }
          : { agent, chain: issueCapability(claims, named, issuing) };
      const seconds = async () => {
        const opening = await openSession(world, held);
        expect(opening.answer.status).toBe(201);
        return takeSession(world, held.agent, held.chain, opening).exp - world.seconds();
      };
      expect(await seconds()).toBe(300);
      world.time.now += 200_000;
      expect(await seconds()).toBe(100);
      // When a client opens the next one: it would end while the first call runs.
      world.time.now += 95_000;
      expect(await seconds()).toBe(300);
      // Nobody answers: what is known is used for as long as it is good.
      world.web.delete(url);
      world.time.now += 295_000;
      expect(await seconds()).toBe(5);
      world.time.now += 5_000;
      expect((await openSession(world, held)).answer.status).toBe(503);
    },
  );

  it('is ended by its owner, and by nobody else (SES-11)', async () => {
    const mine = await session();
    const other = await session();
    const target = `/talos/v1/sessions/${mine.session.sid}`;
    const request = { method: 'DELETE', target, headers: {}, body: new Uint8Array() };
    const end = (authorization?: string) =>
      fetch(`${world.listener.url}${target}`, {
        method: 'DELETE',
        ...(authorization && { headers: { authorization } }),
      });
    expect((await end()).status).toBe(401);
    const recorded = world.sink.denials.length;
    expect((await end(other.session.sign(request))).status).toBe(401);
    // A forged MAC leaves a record there as anywhere (DEC-12).
    const forged = await end(mine.session.sign({ ...request, body: new Uint8Array(1) }));
    expect([forged.status, forged.headers.get('x-talos-receipt')]).toEqual([
      401,
      expect.stringMatching(/^rcp_/),
    ]);
    // Of which credential, too (AUD-5).
    const presented = { kind: 'session', token: expect.stringMatching(/^[0-9a-f]{64}$/) };
    const action = { method: 'sessions/close' };
    expect(world.sink.denials.slice(recorded)).toMatchObject([
      { members: { action, code: 'SESSION_UNKNOWN', credential: presented } },
      { members: { action, code: 'PROOF_INVALID', credential: presented } },
    ]);
    const live = credentials().authenticateSession(mine.session.sign(REQUEST), REQUEST);
    let told = 0;
    live.onRevoked(() => (told += 1));
    expect((await end(mine.session.sign(request))).status).toBe(204);
    expect([liveness(live, 'read'), told]).toEqual(['SESSION_UNKNOWN', 1]);
    expect((await end(mine.session.sign(request))).status).toBe(401);
    expect(codeOf(() => credentials().peekSession(other.session.sign(REQUEST)))).toBe('accepted');
  });

  it('ends when its time is over', async () => {
    const { session: opened } = await session();
    const caller = credentials().authenticateSession(opened.sign(REQUEST), REQUEST);
    world.time.now += 3600_000;
    expect(liveness(caller, 'read')).toMatch(/^(SESSION_UNKNOWN|EXPIRED)$/);
    expect(codeOf(() => credentials().peekSession(opened.sign(REQUEST)))).toBe('SESSION_UNKNOWN');
  });

  it('ends when its trust anchor is changed or taken out, not when the file is merely read again', async () => {
    const { session: opened } = await session();
    world.policy.anchors.push({ ...world.policy.anchors[0]!, iss: world.gateway.did });
    const caller = credentials().authenticateSession(opened.sign(REQUEST), REQUEST);
    expect(liveness(caller, 'read')).toBe('accepted');
    world.policy.anchors[0] = {
      ...world.policy.anchors[0]!,
      grants: [{ scope: 'tool:other', ops: ['read'] }],
    };
    expect(liveness(caller, 'read')).toBe('UNTRUSTED_ISSUER');
    expect(codeOf(() => credentials().authenticateSession(opened.sign(REQUEST), REQUEST))).toBe(
      'SESSION_UNKNOWN',
    );
  });

  // DEC-13
  it('and what runs under it is told at once, and those of other anchors are not', async () => {
    const { session: opened } = await session();
    const caller = credentials().authenticateSession(opened.sign(REQUEST), REQUEST);
    const ends: string[] = [];
    caller.onRevoked(() => ends.push('ended'));
    world.kernel.policyChanged();
    world.policy.anchors.push({ ...world.policy.anchors[0]!, iss: world.gateway.did });
    world.kernel.policyChanged();
    world.policy.anchors.pop();
    world.kernel.policyChanged();
    expect(ends).toEqual([]);
    const [anchor] = world.policy.anchors.splice(0, 1);
    world.kernel.policyChanged();
    expect(ends).toEqual(['ended']);
    expect(codeOf(() => credentials().peekSession(opened.sign(REQUEST)))).toBe('SESSION_UNKNOWN');
    // The links are as good as before: with its anchor the chain opens another session.
    world.policy.anchors.push(anchor!);
    world.kernel.policyChanged();
    const again = await session();
    expect(codeOf(() => credentials().peekSession(again.session.sign(REQUEST)))).toBe('accepted');
  });

  it('is of an earlier start after a restart (SES-8)', async () => {
    const { session: opened } = await session();
    const restarted = await openWorld(database.sql, world);
    expect(codeOf(() => restarted.kernel.credentials.peekSession(opened.sign(REQUEST)))).toBe(
      'SESSION_ELSEWHERE',
    );
    await restarted.close();
  });

  it('serves nothing once revocations were not heard of for too long: writes 5 s, reads 60 s', async () => {
    const { session: opened } = await session();
    const caller = credentials().authenticateSession(opened.sign(REQUEST), REQUEST);
    world.time.monotonic += 5_001;
    expect([liveness(caller, 'read'), liveness(caller, 'write')]).toEqual(['accepted', 'UNAVAILABLE']);
    world.time.monotonic += 55_000;
    expect(liveness(caller, 'read')).toBe('UNAVAILABLE');
    expect(codeOf(() => credentials().authenticateSession(opened.sign(REQUEST), REQUEST))).toBe(
      'UNAVAILABLE',
    );
    await world.kernel.poll();
    expect(liveness(caller, 'write')).toBe('accepted');
  });

  it.each(['', 'Talos', 'Talos sid=ses_x', 'Bearer x', `Talos ${'a'.repeat(100_000)}`])(
    'refuses the authorization %.20s',
    (authorization) => {
      expect(codeOf(() => credentials().peekSession(authorization))).toBe('MALFORMED');
      expect(codeOf(() => credentials().authenticateSession(authorization, REQUEST))).toBe('MALFORMED');
    },
  );
});

describe('two platforms', () => {
  it('do not take each other for themselves', async () => {
    const other = await openWorld(database.sql, createPlatform());
    const held = issueTo(world);
    expect((await openSession(other, held)).answer.body.code).toBe('UNTRUSTED_ISSUER');
    await other.close();
  });
});
