import { attenuate, createSigner, signRevocation } from '@talosprotocol/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { random } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { createKernelStore } from '../store.js';
import { openSession, REQUEST, takeSession } from '../testing/agent.js';
import { crypto, GRANTS, issueTo, openWorld, type World } from '../testing/kernel-world.js';

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

function family() {
  const { agent, chain, issuing } = issueTo(world, { dlg: 1 });
  const sub = createSigner(random(32), crypto);
  const longer = attenuate(chain, { sub: sub.did, grants: GRANTS, exp: 'same' }, agent, issuing);
  return { agent, chain, sub, longer, issuing };
}
const revoke = (body: unknown, headers: Record<string, string> = {}) =>
  world.post('/talos/v1/revocations', body, headers);
const opens = async (held: Parameters<typeof openSession>[1]) => {
  const { answer } = await openSession(world, held);
  return answer.status === 201 ? 'opens' : answer.body.code;
};

describe('a signed revocation', () => {
  it.each(['issuer', 'ancestor', 'subject'] as const)(
    'of the %s is in force when it is answered',
    async (by) => {
      const { agent, chain, sub, longer, issuing } = family();
      const signer = { issuer: agent, ancestor: world.organisation, subject: sub }[by];
      const revocation = signRevocation({ chain: longer }, signer, issuing);
      const answer = await revoke({ revocation });
      expect(answer).toMatchObject({
        status: 200,
        body: { lid: longer.leaf.lid, by, revoked: '2026-11-23T12:00:00.000Z' },
      });
      expect(await opens({ agent: sub, chain: longer })).toBe('REVOKED');
      expect(await opens({ agent, chain })).toBe('opens');
      expect(world.sink.drafts[0]).toMatchObject({
        type: 'revocation',
        tenant: 'acme',
        principal: null,
        members: { lid: longer.leaf.lid, by, revocation, chain_hash: longer.cth },
        notBefore: Date.parse('2026-11-23T11:59:30.000Z'),
      });
    },
  );

  it('reaches everything below the link, sessions that are open too', async () => {
    const { agent, chain, sub, longer, issuing } = family();
    const session = takeSession(world, sub, longer, await openSession(world, { agent: sub, chain: longer }));
    await revoke({ revocation: signRevocation({ chain }, agent, issuing) });
    expect(() => world.kernel.credentials.peekSession(session.sign(REQUEST))).toThrow();
    expect(await opens({ agent: sub, chain: longer })).toBe('REVOKED');
  });

  it('below a link that is revoked already adds nothing: it is refused for ever as it is', async () => {
    const { agent, chain, sub, longer, issuing } = family();
    await revoke({ revocation: signRevocation({ chain }, agent, issuing) });
    const answer = await revoke({ revocation: signRevocation({ chain: longer }, agent, issuing) });
    expect(answer).toMatchObject({ status: 200, body: { lid: longer.leaf.lid, by: 'issuer' } });
    expect(await opens({ agent: sub, chain: longer })).toBe('REVOKED');
    expect(await createKernelStore(database.sql).findRevocation({ lid: longer.leaf.lid })).toBeUndefined();
    expect(world.sink.drafts.filter((draft) => draft.type === 'revocation')).toHaveLength(1);
  });

  it('of anybody else is refused', async () => {
    const { chain, sub, longer, issuing } = family();
    const stranger = createSigner(random(32), crypto);
    const byStranger = await revoke({ revocation: signRevocation({ chain: longer }, stranger, issuing) });
    expect(byStranger.body.code).toBe('DELEGATION_INVALID');
    const fromBelow = await revoke({ revocation: signRevocation({ chain }, sub, issuing) });
    expect(fromBelow.body.code).toBe('DELEGATION_INVALID');
    const altered = signRevocation({ chain: longer }, sub, issuing).replace(/.$/, (c) =>
      c === 'A' ? 'Q' : 'A',
    );
    expect((await revoke({ revocation: altered })).body.code).toBe('SIGNATURE_INVALID');
    expect(await opens({ agent: sub, chain: longer })).toBe('opens');
  });

  it('of a chain nobody here trusts fills no list', async () => {
    const stranger = createSigner(random(32), crypto);
    const { chain, issuing } = issueTo({ ...world, organisation: stranger });
    const answer = await revoke({ revocation: signRevocation({ chain }, stranger, issuing) });
    expect(answer.body.code).toBe('UNTRUSTED_ISSUER');
  });
});

describe('an administrator', () => {
  it('revokes any link by its id; the first to revoke is remembered', async () => {
    const { agent, chain, issuing } = family();
    expect((await revoke({ lid: chain.leaf.lid }, world.admin)).body).toMatchObject({ by: 'administrator' });
    world.time.now += 5_000;
    const again = await revoke({ revocation: signRevocation({ chain }, agent, issuing) });
    expect(again.body).toMatchObject({ by: 'administrator', revoked: '2026-11-23T12:00:00.000Z' });
    expect(world.sink.drafts.filter((draft) => draft.type === 'revocation')).toHaveLength(1);
  });

  it.each<[string, unknown, Record<string, string>, string]>([
    ['no token', { lid: 'A'.repeat(43) }, {}, 'UNAUTHENTICATED'],
    ['a wrong token', { lid: 'A'.repeat(43) }, { authorization: 'Bearer x' }, 'UNAUTHENTICATED'],
    [
      'a lid that is none',
      { lid: 'x' },
      { authorization: `Bearer tal_admin_${'a'.repeat(43)}` },
      'MALFORMED',
    ],
    ['both forms', { lid: 'A'.repeat(43), revocation: 'a.b.c' }, {}, 'MALFORMED'],
    ['neither', {}, {}, 'MALFORMED'],
    ['an unknown member', { lid: 'A'.repeat(43), x: 1 }, {}, 'MALFORMED'],
    ['rubbish', { revocation: 'a.b.c' }, {}, 'MALFORMED'],
  ])('with %s is refused', async (_, body, headers, code) => {
    expect((await revoke(body, headers)).body.code).toBe(code);
  });
});

describe('a revocation', () => {
  it('is in force after a restart, before anything is served', async () => {
    const { agent, chain } = family();
    await revoke({ lid: chain.leaf.lid }, world.admin);
    const restarted = await openWorld(database.sql, world);
    const { answer } = await openSession(restarted, { agent, chain });
    expect(answer.body).toMatchObject({ code: 'REVOKED', link: 1 });
    await restarted.close();
  });

  it('of another process on the same database ends sessions here', async () => {
    const { agent, chain } = family();
    const session = takeSession(world, agent, chain, await openSession(world, { agent, chain }));
    const other = await openWorld(database.sql, world);
    await other.post('/talos/v1/revocations', { lid: chain.leaf.lid }, world.admin);
    await world.kernel.poll();
    expect(() => world.kernel.credentials.peekSession(session.sign(REQUEST))).toThrow();
    await other.close();
  });

  it('stays in force if the log refuses it, and gets into the log when asked again', async () => {
    const { agent, chain } = family();
    world.sink.before = () => Promise.reject(new Error('down'));
    expect((await revoke({ lid: chain.leaf.lid }, world.admin)).status).toBe(500);
    world.sink.before = () => Promise.resolve();
    expect(await opens({ agent, chain })).toBe('REVOKED');
    expect(world.sink.drafts).toEqual([]);
    expect((await revoke({ lid: chain.leaf.lid }, world.admin)).status).toBe(200);
    expect(world.sink.drafts).toMatchObject([{ type: 'revocation', members: { lid: chain.leaf.lid } }]);
  });

  it('is seen by every process, in whatever order many of them revoke at once', async () => {
    const other = await openWorld(database.sql, world);
    const families = Array.from({ length: 24 }, family);
    const [stop, polling] = pollUntilStopped(world);
    await Promise.all(
      families.map(({ chain }, index) =>
        (index % 2 === 0 ? world : other).post('/talos/v1/revocations', { lid: chain.leaf.lid }, world.admin),
      ),
    );
    stop();
    await polling;
    await world.kernel.poll();
    for (const { agent, chain } of families) expect(await opens({ agent, chain })).toBe('REVOKED');
    await other.close();
  });
});

function pollUntilStopped({ kernel }: World): [() => void, Promise<void>] {
  let running = true;
  const loop = async (): Promise<void> => {
    while (running) await kernel.poll();
  };
  const polling = loop();
  return [
    () => {
      running = false;
    },
    polling,
  ];
}
