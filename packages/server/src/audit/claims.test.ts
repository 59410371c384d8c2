import type { AuditBatch } from '@talosprotocol/contracts';
import { commit, disclose } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { random } from '../platform/system.js';
import { createTestLog } from '../platform/testing/test-log.js';
import type { AuditDraft } from './draft.js';
import { createIntake } from './intake.js';
import { type Audit, createAudit } from './service.js';
import {
  type AuditWorld,
  agent,
  auditDeps,
  chain,
  chainDraft,
  decision,
  gateway,
  newUuid,
  openAuditWorld,
  outcome,
} from './testing/room.js';

const crypto = createNodeCrypto();

let world: AuditWorld;
let audit: Audit;
let batch = 0;
let tiles: string;

beforeAll(async () => {
  world = await openAuditWorld();
});
afterEach(() => audit.stop());
afterAll(() => world?.close());

async function start(): Promise<void> {
  audit = createAudit(auditDeps(world.sql, tiles));
  await audit.start();
}

async function fresh(): Promise<void> {
  tiles = await world.fresh();
  await start();
}

type Entry = AuditBatch['entries'][number];

/** Hands drafts in as another node does, and gives what each came to: its index, or the code of its refusal. */
async function handIn(...drafts: (AuditDraft | object)[]): Promise<(string | number | undefined)[]> {
  const intake = createIntake(audit, createTestLog());
  batch += 1;
  const entries = drafts.map((draft) => ({ draft }) as Entry);
  const { results } = await intake.take('2.1', { batch, entries });
  return results.map((result) => ('event' in result ? result.event?.index : result.error.code));
}

const id = (): string => `evt_${newUuid()}`;
const own = chain('own');
const theirs = chain('theirs', gateway.did);
const chains = () => [chainDraft(own.cth, own.chain), chainDraft(theirs.cth, theirs.chain)];
const withMembers = <T extends AuditDraft>(draft: T, members: object): T => ({
  ...draft,
  members: { ...draft.members, ...members },
});
const opening = (sub: string | null, cth = own.cth): object => ({
  id: id(),
  type: 'session.opened',
  tenant: 'default',
  principal: sub === null ? null : { sub },
  members: {
    sid: `ses_${'A'.repeat(38)}`,
    cth,
    exp: '2026-11-23T12:00:00.000Z',
    proof: `e30.e30.${'A'.repeat(86)}`,
  },
  disclosures: [],
});

// AUD-86
describe('an event that a node hands in', () => {
  it('is booked on the subject of its credential, and nobody else', async () => {
    await fresh();
    expect(await handIn(...chains(), decision({ cth: own.cth }))).toEqual([1, 2, 3]);
    expect(
      await handIn(
        decision({ cth: own.cth, sub: gateway.did }),
        decision({ cth: theirs.cth, sub: agent.did, effect: 'deny' }),
        decision({ cth: own.cth, sub: null }),
        { ...decision({ cth: own.cth }), principal: { sub: agent.did, prn: 'somebody' } },
        decision({ sub: agent.did }),
        opening(gateway.did),
        opening(null),
      ),
    ).toEqual(Array(7).fill('FORBIDDEN'));
    await audit.stop();
    // After a start whom a chain is for is read from the log.
    await start();
    expect(await handIn(decision({ cth: own.cth, sub: gateway.did }), decision({ cth: own.cth }))).toEqual([
      'FORBIDDEN',
      5,
    ]);
  });

  it('is booked on nobody where nobody called', async () => {
    await fresh();
    const loaded = {
      id: id(),
      type: 'policy.loaded',
      tenant: 'default',
      members: { policy: 'ab'.repeat(32) },
      disclosures: [],
    };
    const chained = chainDraft(own.cth, own.chain);
    expect(
      await handIn(
        { ...loaded, principal: { sub: agent.did } },
        { ...chained, principal: { sub: agent.did } },
      ),
    ).toEqual(['FORBIDDEN', 'FORBIDDEN']);
    expect(await handIn({ ...loaded, principal: null }, chained)).toEqual([1, 2]);
  });

  it('is the outcome of a decision of the same subject and request', async () => {
    await fresh();
    const mine = decision({ cth: own.cth });
    const other = decision({ cth: theirs.cth, sub: gateway.did });
    expect(await handIn(...chains(), mine, other)).toEqual([1, 2, 3, 4]);
    const forged = (): AuditDraft[] => [
      { ...outcome(mine), principal: { sub: gateway.did } },
      { ...outcome(mine), principal: null },
      withMembers(outcome(mine), { request: other.members.request }),
      withMembers(outcome(mine), { decision: other.id }),
    ];
    expect(await handIn(...forged())).toEqual(Array(4).fill('FORBIDDEN'));
    expect(await handIn(withMembers(outcome(mine), { decision: id() }))).toEqual(['MALFORMED']);
    await audit.stop();
    await start();
    expect(await handIn(...forged(), outcome(mine))).toEqual([...Array(4).fill('FORBIDDEN'), 6]);
  });

  it('is the same as what has its id already', async () => {
    await fresh();
    const mine = decision({ cth: own.cth });
    expect(await handIn(...chains(), mine)).toEqual([1, 2, 3]);
    const others = () => [
      withMembers(mine, { effect: 'deny', code: 'REVOKED', pin: null }),
      { ...decision({ cth: theirs.cth, sub: gateway.did }), id: mine.id },
      { ...chainDraft(own.cth, own.chain), id: mine.id },
      { ...outcome(mine), id: mine.id },
    ];
    expect(await handIn(...others())).toEqual(Array(4).fill('CONFLICT'));
    expect(await handIn(mine)).toEqual([3]);
    const twice = decision({ effect: 'deny' });
    const another = { ...decision({ effect: 'deny' }), id: twice.id };
    expect(await handIn(twice, another, twice)).toEqual([4, 'CONFLICT', 4]);
    const late = { ...outcome(mine), members: { ...outcome(mine).members, status: 'lost' } };
    expect(await handIn(outcome(mine), late)).toEqual([5, 5]);
    await audit.stop();
    await start();
    expect(await handIn(...others(), mine)).toEqual([...Array(4).fill('CONFLICT'), 3]);
  });

  it('names a chain by what it hashes to', async () => {
    await fresh();
    expect(
      await handIn(
        chainDraft(own.cth, theirs.chain),
        chainDraft(own.cth, `${own.chain.slice(0, -8)}AAAAAAAA`),
        chainDraft(own.cth, 'e30.e30.e30'),
      ),
    ).toEqual(Array(3).fill('MALFORMED'));
    expect(await handIn(decision({ cth: own.cth }), ...chains())).toEqual(['MALFORMED', 1, 2]);
  });

  it('says nothing of what the log says: emitter, origin, number, time, source', async () => {
    await fresh();
    const names = {
      v: 2,
      id: id(),
      time: '2026-11-23T12:00:00.000Z',
      type: 'outcome',
      origin: 'talos.test/log/other',
      tenant: 'default',
      emitter: agent.did,
      eseq: 7,
      prev: null,
      principal: { sub: agent.did, pseq: 1 },
      source: '0'.repeat(32),
    };
    const drafts = Object.entries(names).map(([name, value]) => withMembers(decision(), { [name]: value }));
    expect(await handIn(...drafts)).toEqual(drafts.map(() => 'FORBIDDEN'));
    expect(await handIn({ ...decision(), tenant: 'other' })).toEqual(['FORBIDDEN']);
    expect((await audit.stats()).sequenced).toBe(1);
  });

  it('has the size and the form of an event', async () => {
    await fresh();
    const [value, salt] = ['x'.repeat(262_144), random(32)];
    const long = [disclose('/refusal', value, salt)];
    const opened = withMembers(decision(), { refusal: commit('/refusal', value, salt, crypto) });
    const disclosures = Array(33).fill(decision().disclosures[0]);
    expect(await handIn({ ...opened, disclosures: long }, { ...decision(), disclosures })).toEqual([
      'TOO_LARGE',
      'TOO_LARGE',
    ]);
    expect(
      await handIn(
        withMembers(decision(), { action: { method: 'x'.repeat(129) } }),
        withMembers(decision(), { items: ['plain'] }),
        withMembers(decision(), { items: null }),
        { ...opened, disclosures: [disclose('/refusal', 'short', salt)] },
        { ...decision(), type: 'decision.made' },
        { ...decision(), type: 'constructor' },
      ),
    ).toEqual(Array(6).fill('MALFORMED'));
    expect((await audit.stats()).sequenced).toBe(1);
  });

  it('is no decision that no verifier takes, with which nothing would be proven any more', async () => {
    await fresh();
    const mine = () => decision({ cth: own.cth });
    expect(await handIn(...chains(), mine())).toEqual([1, 2, 3]);
    const never = [
      decision(),
      withMembers(mine(), { code: 'EXPIRED' }),
      withMembers(mine(), { surface: 'session' }),
      withMembers(mine(), { pin: null }),
      withMembers(mine(), { action: { ...mine().members.action, model: 'gpt-4o' } }),
      withMembers(mine(), { action: { method: 'tools/call', server: 'files', op: 'read' } }),
      withMembers(mine(), { action: { method: 'tools/call', tool: 'read', op: 'read' } }),
      withMembers(mine(), { surface: 'llm', pin: null, action: { method: 'responses', model: 'gpt-4o' } }),
      withMembers(decision({ effect: 'deny' }), { code: null }),
      withMembers(decision({ effect: 'deny' }), { code: 'FORBIDDEN' }),
      withMembers(decision({ effect: 'deny' }), { pin: 'cd'.repeat(32) }),
      withMembers(decision({ effect: 'deny' }), { forwarded_hash: { $c: 'cd'.repeat(32) } }),
      withMembers(decision({ effect: 'deny' }), { held: { amount: 1, currency: 'EUR' } }),
    ];
    expect(await handIn(...never)).toEqual(never.map(() => 'MALFORMED'));
    expect(await handIn(mine())).toEqual([4]);
  });

  // AUD-22, AUD-86
  it('is nothing else either that no verifier takes, whatever stands before it', async () => {
    await fresh();
    const mine = decision({ cth: own.cth });
    expect(await handIn(...chains(), mine)).toEqual([1, 2, 3]);
    const of = (type: string, members: object): object => ({
      id: id(),
      type,
      tenant: 'default',
      principal: null,
      members,
      disclosures: [],
    });
    const actor = { $c: 'cd'.repeat(32) };
    const revoked = { lid: own.cth, by: 'administrator', revocation: null, chain_hash: null };
    const below = { below: agent.did, as: 'subject', point: null, by: 'administrator', revocation: null };
    const rotated = { did: agent.did, successor: null, version: null, statement: null };
    const ended = { did: agent.did, by: 'log', statement: null };
    const statement = `e30.e30.${'A'.repeat(86)}`;
    const never = [
      of('revocation', { ...revoked, by: 'issuer' }),
      of('revocation', { ...revoked, chain_hash: own.cth }),
      of('revocation', { ...revoked, by: 'subject', chain_hash: own.cth, actor }),
      of('revocation.below', { ...below, by: 'issuer', chain_hash: own.cth }),
      of('revocation.below', { ...below, chain_hash: own.cth }),
      of('identity.rotated', { ...rotated, successor: gateway.did }),
      of('identity.rotated', { ...rotated, successor: gateway.did, statement }),
      of('identity.deactivated', { ...ended, by: 'identity' }),
      of('identity.deactivated', { ...ended, by: 'identity', statement }),
      of('identity.deactivated', { ...ended, actor }),
      ...['session', 'proof', 'signature'].map((kind) =>
        withMembers(decision({ cth: own.cth }), { credential: { kind, cth: own.cth } }),
      ),
    ];
    expect(await handIn(...never)).toEqual(never.map(() => 'MALFORMED'));
    const told = [[], 'read', [{ scope: 'tool:files/method:write', op: 'read' }]].map((items) => {
      const salt = random(32);
      const disclosures = [disclose('/items', items, salt)];
      const members = { items: commit('/items', items, salt, crypto) };
      return { ...withMembers(decision({ cth: own.cth }), members), disclosures };
    });
    expect(await handIn(...told)).toEqual(told.map(() => 'MALFORMED'));
    expect(
      await handIn(
        of('revocation', { ...revoked, actor }),
        of('revocation.below', { ...below, chain_hash: null, actor }),
        of('identity.rotated', rotated),
        of('identity.deactivated', ended),
      ),
    ).toEqual([4, 5, 6, 7]);
  });

  // AUD-86, AUD-126
  it('is no outcome whose cost no verifier takes, with which nothing would be proven any more', async () => {
    await fresh();
    const mine = decision({ cth: own.cth });
    expect(await handIn(...chains(), mine)).toEqual([1, 2, 3]);
    const euro = (amount: number) => ({ amount, currency: 'EUR' });
    const usage = { input: 5, output: 0 };
    const rates = { currency: 'EUR', input: 1_000_000, output: 0 };
    const never = [{ usage }, { usage, rates, excess: euro(5) }, { rates }, { excess: euro(5) }];
    const told = await handIn(...never.map((spent) => withMembers(outcome(mine), spent)));
    expect(told).toEqual(never.map(() => 'MALFORMED'));
    expect(await handIn(outcome(mine))).toEqual([4]);
  });

  // AUD-22, AUD-86
  it('is no outcome of more than its decision held, whether that is remembered or read', async () => {
    await fresh();
    const euro = (amount: number) => ({ amount, currency: 'EUR' });
    const free = decision({ cth: own.cth });
    const paid = withMembers(decision({ cth: own.cth }), { held: euro(7) });
    expect(await handIn(...chains(), free, paid)).toEqual([1, 2, 3, 4]);
    const never = [
      withMembers(outcome(free), { cost: euro(5) }),
      withMembers(outcome(paid), { cost: euro(8) }),
      withMembers(outcome(paid), { cost: { amount: 7, currency: 'USD' } }),
    ];
    expect(await handIn(...never)).toEqual(never.map(() => 'MALFORMED'));
    await audit.stop();
    // After a start what a decision held is read from the log.
    await start();
    expect(await handIn(...never)).toEqual(never.map(() => 'MALFORMED'));
    expect(await handIn(withMembers(outcome(paid), { cost: euro(7) }))).toEqual([expect.any(Number)]);
  });
});
