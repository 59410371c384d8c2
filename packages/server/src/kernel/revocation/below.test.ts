import { attenuate, createSigner, signRevocation, signRevocationBelow } from '@talosprotocol/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { random } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { createKernelStore } from '../store.js';
import { openSession, REQUEST, takeSession } from '../testing/agent.js';
import { crypto, GRANTS, issueTo, openWorld, type World } from '../testing/kernel-world.js';
import { createRevoking } from './revoking.js';
import { REVOCATION_BOUNDS } from './store.js';

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
  const { agent, chain, issuing } = issueTo(world, { dlg: 3 });
  const sub = createSigner(random(32), crypto);
  const child = { sub: sub.did, grants: GRANTS, exp: 'same', dlg: 1 } as const;
  const longer = attenuate(chain, child, agent, issuing);
  return { agent, chain, sub, longer, issuing };
}
const revoke = (body: unknown, headers: Record<string, string> = {}) =>
  world.post('/talos/v1/revocations', body, headers);
const opens = async (held: Parameters<typeof openSession>[1]) => {
  const { answer } = await openSession(world, held);
  return answer.status === 201 ? 'opens' : answer.body.code;
};

describe('a revocation below a subject', () => {
  it('REV-2 refuses chains never seen before, keeps what the subject holds, and is logged', async () => {
    const { agent, chain, sub, longer, issuing } = family();
    const revocation = signRevocationBelow(
      { chain, below: agent.did, as: 'subject' },
      world.organisation,
      issuing,
    );
    const rule = { below: agent.did, as: 'subject', point: chain.leaf.lid };
    const answer = await revoke({ revocation });
    expect(answer).toMatchObject({ status: 200, body: { rule, by: 'issuer' } });
    expect(await opens({ agent, chain })).toBe('opens');
    expect(await opens({ agent: sub, chain: longer })).toBe('REVOKED');
    expect(world.sink.drafts[0]).toMatchObject({
      type: 'revocation.below',
      tenant: 'acme',
      members: { ...rule, by: 'issuer', revocation, chain_hash: chain.cth },
    });
  });

  it('ends sessions and calls that are open, deeper ones too, and no others', async () => {
    const { agent, chain, sub, longer, issuing } = family();
    const last = createSigner(random(32), crypto);
    const longest = attenuate(longer, { sub: last.did, grants: GRANTS, exp: 'same' }, sub, issuing);
    const own = takeSession(world, agent, chain, await openSession(world, { agent, chain }));
    const theirs = takeSession(
      world,
      last,
      longest,
      await openSession(world, { agent: last, chain: longest }),
    );
    const caller = world.kernel.credentials.authenticateSession(theirs.sign(REQUEST), REQUEST);
    let told = 0;
    caller.onRevoked(() => (told += 1));
    await revoke({ below: agent.did, as: 'subject', point: chain.leaf.lid }, world.admin);
    expect(told).toBe(1);
    expect(() => caller.assertLive('read')).toThrow();
    expect(() => world.kernel.credentials.peekSession(theirs.sign(REQUEST))).toThrow();
    expect(() => world.kernel.credentials.peekSession(own.sign(REQUEST))).not.toThrow();
  });

  it('REV-3 is accepted of nobody who stands below the point or beside it', async () => {
    const { agent, chain, sub, longer, issuing } = family();
    const other = family();
    const by = (signer: typeof agent, point = chain) =>
      revoke({
        revocation: signRevocationBelow({ chain: point, below: agent.did, as: 'subject' }, signer, issuing),
      });
    expect((await by(sub)).body.code).toBe('DELEGATION_INVALID');
    expect((await by(other.agent)).body.code).toBe('DELEGATION_INVALID');
    expect((await by(other.agent, longer)).body.code).toBe('DELEGATION_INVALID');
    expect(await opens({ agent: sub, chain: longer })).toBe('opens');
  });

  it('is in force after a restart, and in another process', async () => {
    const { agent, chain, sub, longer } = family();
    const other = await openWorld(database.sql, world);
    await revoke({ below: agent.did, as: 'subject', point: chain.leaf.lid }, world.admin);
    await other.kernel.poll();
    const held = { agent: sub, chain: longer };
    expect((await openSession(other, held)).answer.body.code).toBe('REVOKED');
    await other.close();
    const restarted = await openWorld(database.sql, world);
    expect((await openSession(restarted, held)).answer.body.code).toBe('REVOKED');
    await restarted.close();
  });

  it('of an issuer, by an administrator, takes its roots too', async () => {
    const { agent, chain } = family();
    const body = { below: world.organisation.did, as: 'issuer' };
    expect((await revoke(body)).body.code).toBe('UNAUTHENTICATED');
    expect((await revoke(body, world.admin)).body).toMatchObject({
      rule: { point: null },
      by: 'administrator',
    });
    expect(await opens({ agent, chain })).toBe('REVOKED');
  });

  it.each<[string, unknown]>([
    ['another role', { below: 'did:key:x', as: 'holder' }],
    ['no DID', { below: 'x', as: 'subject' }],
    ['a point that is no lid', { below: 'x', as: 'subject', point: 1 }],
    ['a lid beside it', { lid: 'A'.repeat(43), below: 'x', as: 'subject' }],
  ])('with %s is refused', async (_, body) => {
    expect((await revoke(body, world.admin)).body.code).toBe('MALFORMED');
  });
});

describe('the room for revocations', () => {
  it('REV-4 a repetition adds nothing, and neither does what lies below', async () => {
    const { agent, chain, longer, issuing } = family();
    const revocation = signRevocationBelow({ chain, below: agent.did, as: 'subject' }, agent, issuing);
    const first = await revoke({ revocation });
    world.time.now += 5_000;
    expect((await revoke({ revocation })).body).toEqual(first.body);
    const inner = signRevocationBelow({ chain: longer, below: agent.did, as: 'subject' }, agent, issuing);
    expect((await revoke({ revocation: inner })).status).toBe(200);
    expect(world.sink.drafts.filter(({ type }) => type === 'revocation.below')).toHaveLength(1);
  });

  it('REV-4 a holder cannot fill it, not even that of another branch; who issued the root goes on', async () => {
    const { agent, chain, sub, longer, issuing } = family();
    const leaf = () =>
      attenuate(
        longer,
        { sub: createSigner(random(32), crypto).did, grants: GRANTS, exp: 'same' },
        sub,
        issuing,
      );
    await database.sql.query(
      `INSERT INTO kernel_revocation (number, name, revoked_by, revoked_at, root, branch)
       SELECT 1000000 + i, 'filled ' || $1 || i, 'issuer', 0, $1, $2 FROM generate_series(1, $3) AS i`,
      [chain.leaf.lid, longer.leaf.lid, REVOCATION_BOUNDS.branch],
    );
    const byHolder = await revoke({ revocation: signRevocation({ chain: leaf() }, sub, issuing) });
    expect(byHolder).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED', link: 2 } });
    const byRoot = await revoke({
      revocation: signRevocation({ chain: leaf() }, world.organisation, issuing),
    });
    expect(byRoot.status).toBe(200);
    const beside = attenuate(chain, { sub: sub.did, grants: GRANTS, exp: 'same' }, agent, issuing);
    expect((await revoke({ revocation: signRevocation({ chain: beside }, agent, issuing) })).status).toBe(
      200,
    );
  });

  it('REV-4 forgets what has expired long ago, and only that', async () => {
    const { agent, chain, longer, issuing } = family();
    const store = createKernelStore(database.sql, "timestamptz '2200-01-01'");
    await revoke({ revocation: signRevocation({ chain: longer }, agent, issuing) });
    await revoke({ lid: `${'B'.repeat(42)}A` }, world.admin);
    const exp = chain.leaf.claims.exp;
    await store.forgetRevocations(exp);
    expect(await store.findRevocation({ lid: longer.leaf.lid })).toMatchObject({ by: 'issuer', exp });
    await store.forgetRevocations(exp + 1);
    expect(await store.findRevocation({ lid: longer.leaf.lid })).toBeUndefined();
    expect(await store.findRevocation({ lid: `${'B'.repeat(42)}A` })).toMatchObject({ exp: null });
  });

  it('REV-4 forgets nothing by a clock that is ahead for a while, or that is not that of the database', async () => {
    const { agent, chain, longer, issuing } = family();
    await revoke({ revocation: signRevocation({ chain: longer }, agent, issuing) });
    const isKept = async () =>
      (await createKernelStore(database.sql).findRevocation({ lid: longer.leaf.lid })) !== undefined;
    const { exp } = chain.leaf.claims;
    const tidying = (now: string) => {
      const time = { now: world.time.now, monotonic: 0 };
      const pass = (hours: number): void => {
        time.now += hours * 3_600_000;
        time.monotonic += hours * 3_600_000;
      };
      const forgotten: number[] = [];
      const { tidy } = createRevoking({
        store: createKernelStore(database.sql, now),
        revocations: { forget: (before: number) => forgotten.push(before) },
        clock: { now: () => time.now, monotonic: () => time.monotonic },
      } as never);
      return { time, pass, forgotten, tidy };
    };
    const LATER = "timestamptz '2200-01-01'";
    const stepped = tidying(LATER);
    stepped.pass(2);
    stepped.time.now += 400 * 86_400_000;
    await stepped.tidy();
    expect([await isKept(), stepped.forgotten]).toEqual([true, []]);
    // It could be so for longer: then other nodes, and the database, know better.
    const ahead = tidying(`to_timestamp(${exp})`);
    ahead.time.now += 400 * 86_400_000;
    await ahead.tidy();
    ahead.pass(2);
    await ahead.tidy();
    expect([await isKept(), ahead.forgotten]).toEqual([true, [exp - 86_400]]);
    const right = tidying(LATER);
    right.time.now = (exp + 86_400) * 1000;
    await right.tidy();
    right.pass(1);
    await right.tidy();
    expect([await isKept(), right.forgotten]).toEqual([false, [exp + 3_600]]);
  });
});
