import { type BundleFilter, Bundle as BundleSchema, createChecker } from '@talosprotocol/contracts';
import {
  type BundleReport,
  commit,
  createSigner,
  disclose,
  encodeUtf8,
  issueCapability,
  type ParsedChain,
  parseBundle,
  parseTrustFile,
  type Signer,
  signProof,
  type Trust,
  verifyBundle,
  verifyEarlier,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clock, random } from '../../platform/system.js';
import type { AuditDraft } from '../draft.js';
import { type Audit, createAudit } from '../service.js';
import {
  type AuditWorld,
  auditDeps,
  chainDraft,
  decision,
  gateway,
  newUuid,
  openAuditWorld,
  outcome,
} from '../testing/room.js';
import { type BundleAsk, readBundleAsk } from './ask.js';
import { createExportStore } from './export-store.js';
import { createExporter, type ExporterDeps } from './exporter.js';
import { planExport } from './plan.js';

const crypto = createNodeCrypto();
const organisation = createSigner(new Uint8Array(32).fill(5), crypto);
const [one, two, third] = [21, 22, 23].map((n) => createSigner(new Uint8Array(32).fill(n), crypto)) as [
  Signer,
  Signer,
  Signer,
];
const anchors = [
  {
    iss: organisation.did,
    tenant: 'default',
    grants: [{ scope: 'tool:files', ops: ['read' as const, 'write' as const] }],
  },
];

let world: AuditWorld;
let audit: Audit;
let trust: Trust;
let chains: { readonly one: ParsedChain; readonly two: ParsedChain };
/** Events of each kind, in the order of the log. */
const marks: Record<string, number> = {};
let middle = '';

function issue(to: Signer, change: object = {}): ParsedChain {
  const now = Math.floor(clock.now() / 1000);
  return issueCapability(
    {
      sub: to.did,
      aud: [gateway.did],
      grants: [{ scope: 'tool:files', ops: ['read', 'write'] }],
      exp: now + 3600,
      bearer: true,
      ...change,
    },
    organisation,
    { crypto, now: () => now, randomBytes: random },
  );
}

interface CallChanges {
  readonly tool?: string;
  readonly effect?: 'allow' | 'deny';
  readonly credential?: object;
}

function call(chain: ParsedChain, { tool = 'read', effect = 'allow', credential }: CallChanges = {}) {
  const sub = chain.leaf.claims.sub;
  const draft = decision({ cth: chain.cth, sub, effect });
  const salt = random(32);
  const items = [{ scope: `tool:files/method:${tool}`, op: 'read' }];
  const action = { ...draft.members.action, tool };
  const shown = { kind: 'bearer', cth: chain.cth, ...credential } as typeof draft.members.credential;
  const members = {
    ...draft.members,
    action,
    credential: shown,
    items: commit('/items', items, salt, crypto),
  };
  return { ...draft, members, disclosures: [disclose('/items', items, salt)] };
}

function opening(chain: ParsedChain, holder: Signer, sid: string): AuditDraft<'session.opened'> {
  const now = Math.floor(clock.now() / 1000);
  const proof = signProof(
    {
      aud: gateway.did,
      iat: now,
      jti: newUuid(),
      htm: 'POST',
      htu: 'http://127.0.0.1:8001/talos/v1/sessions',
      cth: chain.cth,
      nonce: 'A'.repeat(64),
      epk: 'A'.repeat(43),
    },
    holder,
  );
  const exp = new Date((now + 900) * 1000).toISOString();
  return {
    id: `evt_${newUuid()}`,
    type: 'session.opened',
    tenant: 'default',
    principal: { sub: holder.did },
    disclosures: [],
    members: { sid, cth: chain.cth, exp, proof },
  };
}

const plain = { tenant: 'default', principal: null, disclosures: [] } as const;
const revocation = (lid: string): AuditDraft<'revocation'> => ({
  ...plain,
  id: `evt_${newUuid()}`,
  type: 'revocation',
  members: { lid, by: 'administrator', revocation: null, chain_hash: null },
});
const ended = (did: string): AuditDraft<'identity.deactivated'> => ({
  ...plain,
  id: `evt_${newUuid()}`,
  type: 'identity.deactivated',
  members: { did, by: 'administrator', statement: null },
});

beforeAll(async () => {
  world = await openAuditWorld();
  const policy = () => ({ hash: 'ab'.repeat(32), anchors });
  audit = createAudit(auditDeps(world.sql, await world.fresh(), { policy }));
  await audit.start();
  chains = { one: issue(one, { bearer: false }), two: issue(two) };
  const sid = `ses_${'A'.repeat(38)}`;
  const inSession = (seq: number) => ({ kind: 'session', sid, seq });
  const put = async (name: string, draft: AuditDraft) => {
    const recorded = await audit.record(draft);
    marks[name] = recorded?.index ?? -1;
  };
  for (const { cth, chain } of [chains.one, chains.two]) await audit.record(chainDraft(cth, chain));
  await put('opening', opening(chains.one, one, sid));
  for (let i = 0; i < 20; i += 1) {
    const first = call(chains.one, { credential: inSession(2 * i + 1), tool: i % 4 === 0 ? 'list' : 'read' });
    await audit.record(first);
    await audit.record(call(chains.two));
    await audit.record(outcome(first));
    if (i % 5 === 0)
      await audit.record(call(chains.one, { credential: inSession(2 * i + 2), effect: 'deny' }));
    if (i === 9) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      middle = new Date(clock.now()).toISOString();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  await put('stranger revoked', revocation(`${'B'.repeat(42)}A`));
  await put('stranger ended', ended(third.did));
  trust = parseTrustFile(encodeUtf8(JSON.stringify(await audit.trust())), crypto);
});
afterAll(async () => {
  await audit.stop();
  await world.close();
});

async function bytesOf(ask: Partial<BundleAsk>): Promise<Uint8Array> {
  let text = '';
  for await (const part of await audit.bundle(ask)) text += part;
  return encodeUtf8(text);
}

async function exported(filter: BundleFilter, change: Partial<BundleAsk> = {}): Promise<BundleReport> {
  const bytes = await bytesOf({ filter, ...change });
  const { bundle } = parseBundle(bytes, crypto);
  expect(createChecker(BundleSchema)(bundle)).toBeUndefined();
  return verifyBundle(bytes, trust, crypto);
}

const asked = ({ calls }: BundleReport): number => calls.filter((one) => one.asked).length;

describe('an export (AUD-50 to AUD-58, AUD-63)', () => {
  it('of the whole log shows every event and asks the log to count nothing', async () => {
    const before = (await audit.stats()).sequenced;
    const report = await exported({});
    expect(report).toMatchObject({ from: 0, shown: before, entries: before, selection: { endings: true } });
    expect(report.counts).toMatchObject({
      allowed: 40,
      denied: 4,
      outcomes: 20,
      unchecked: 0,
      revocations: 1,
    });
    expect((await audit.stats()).sequenced).toBe(before);
  });

  it('of an agent shows all of it, what it stands on, and little else', async () => {
    const report = await exported({ agents: [one.did] });
    expect(report.selection).toMatchObject({ complete: [one.did], endings: true });
    expect(report.counts).toMatchObject({
      allowed: 20,
      denied: 4,
      outcomes: 20,
      recomputed: 20,
      unchecked: 0,
    });
    expect(asked(report)).toBe(24);
    // Its events, its chain, and where the log counts.
    expect(report.entries).toBe(1 + 20 + 20 + 4 + 1 + 1);
    expect(report.subjects).toEqual([one.did]);
  });

  it('of several agents, and of one that never did anything', async () => {
    const both = await exported({ agents: [one.did, two.did].sort() });
    expect(both.counts).toMatchObject({ allowed: 40, denied: 4 });
    const none = await exported({ agents: [third.did] });
    expect(none).toMatchObject({ shown: 0, selection: { complete: [third.did] } });
  });

  it('of a time is bounded by the events beside it, and has what it refers to from before', async () => {
    const late = await exported({ agents: [one.did], since: middle });
    const early = await exported({ agents: [one.did], until: middle });
    expect(late.counts.allowed).toBe(10);
    expect(early.counts.allowed).toBe(10);
    expect(late.from).toBe(early.to);
    expect(late.counts.unchecked).toBe(0);
    const all = await exported({ since: middle });
    expect(all.counts).toMatchObject({ allowed: 20, unchecked: 0 });
    expect(all.selection.endings).toBe(true);
    const future = new Date(clock.now() + 3_600_000).toISOString();
    expect((await exported({ agents: [one.did], until: future })).selection.filter.until).toBeUndefined();
  });

  it('of a capability is that of whoever holds it', async () => {
    const report = await exported({ capabilities: [chains.two.cth] });
    expect(report.selection.complete).toEqual([two.did]);
    expect(asked(report)).toBe(20);
    const byLink = await exported({ capabilities: [chains.one.links[0]!.lid] });
    expect(byLink.selection.complete).toEqual([one.did]);
    expect(asked(byLink)).toBe(24);
  });

  it('of a tool claims completeness only of agents that are named', async () => {
    const alone = await exported({ tools: ['files/list'] });
    expect(alone.selection.complete).toEqual([]);
    expect(alone.calls).toHaveLength(5);
    const named = await exported({ agents: [one.did], tools: ['files/list'] });
    expect(named.selection.complete).toEqual([one.did]);
    expect([asked(named), named.calls.length]).toEqual([5, 24]);
    expect(named.counts.recomputed).toBe(5);
    expect(asked(await exported({ tools: ['files'] }))).toBe(44);
    expect(asked(await exported({ agents: [one.did], effect: 'deny' }))).toBe(4);
    expect(asked(await exported({ agents: [one.did], effect: 'allow', tools: ['files/read'] }))).toBe(15);
  });

  it('discloses as much as it is told to', async () => {
    const full = await exported({ agents: [one.did], tools: ['files/list'] });
    expect(full.calls.filter(({ values }) => values.size > 0)).toHaveLength(5);
    const commitments = await exported({ agents: [one.did] }, { redaction: 'commitments' });
    expect(commitments.counts).toMatchObject({ allowed: 20, recomputed: 0 });
    expect(commitments.selection.complete).toEqual([one.did]);
    const hashes = await exported({ agents: [one.did], tools: ['files/list'] }, { redaction: 'hashes' });
    expect(hashes.calls).toHaveLength(5);
    expect(hashes.selection).toMatchObject({ complete: [], endings: true });
    expect((await exported({ agents: [one.did] }, { redaction: 'hashes' })).selection.complete).toEqual([
      one.did,
    ]);
    await expect(bytesOf({ redaction: 'hashes' })).rejects.toThrow(/nothing to leave/);
  });

  it("shows revocations of its chains and nobody else's", async () => {
    const quiet = await exported({ agents: [two.did] });
    expect(quiet.counts.revocations).toBe(0);
    const revoked = issue(two);
    await audit.record(chainDraft(revoked.cth, revoked.chain));
    await audit.record(call(revoked));
    await audit.record(revocation(revoked.leaf.lid));
    await audit.record(ended(two.did));
    const report = await exported({ agents: [two.did] });
    expect(report.counts).toMatchObject({ allowed: 21, revocations: 1 });
    // A call after that is not proven, however the log allowed it.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await audit.record(call(revoked));
    await expect(exported({ agents: [two.did] })).rejects.toThrow(/REVOKED/);
  });

  it('proves that earlier sizes are its beginning', async () => {
    const kept = audit.checkpoint();
    await audit.record(call(chains.one, { effect: 'deny', credential: { kind: 'bearer' } }));
    const report = await exported({ agents: [one.did] }, { earlier: [1, kept.size] });
    expect(verifyEarlier(report, kept.note, trust, crypto)).toBe(kept.size);
    await expect(bytesOf({ earlier: [0] })).rejects.toThrow(/earlier size/);
    await expect(bytesOf({ earlier: [10_000] })).rejects.toThrow(/earlier size/);
  });

  it('finds nothing where nothing is, and says so', async () => {
    await expect(bytesOf({ filter: { tools: ['nothing'] } })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(bytesOf({ filter: { capabilities: [`${'C'.repeat(42)}A`] } })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    const later = new Date(clock.now() + 60_000).toISOString();
    await expect(bytesOf({ filter: { since: later } })).rejects.toMatchObject({ code: 'MALFORMED' });
    await expect(bytesOf({ from: 1, filter: { since: middle } })).rejects.toThrow(/not by both/);
  });

  it('is cut off when the log proves to be damaged', async () => {
    const change = (from: string, to: string) =>
      world.sql.query(
        `UPDATE audit_event SET event = replace(event, '${from}', '${to}') WHERE idx = ${marks['opening']}`,
      );
    await change('"v":1', '"v":2');
    await expect(bytesOf({ filter: { agents: [one.did] } })).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
    await change('"v":2', '"v":1');
    expect((await exported({ agents: [one.did] })).counts.allowed).toBe(20);
  });

  it('says who asked, where the log counts', async () => {
    const by = { kind: 'service', id: 'svc_x', how: 'key' } as never;
    let text = '';
    for await (const part of await audit.bundle({ filter: { agents: [one.did] } }, by)) text += part;
    const { bundle } = parseBundle(encodeUtf8(text), crypto);
    const counted = bundle.entries.find(({ event }) => event.type === 'log.counted');
    expect(counted?.event).toHaveProperty('actor');
    expect(counted?.disclosures).toEqual([]);
  });
});

// AUD-55, AUD-56
describe('what the log counts for an export', () => {
  const ask: BundleAsk = { filter: { agents: [one.did] }, redaction: 'full', earlier: [] };
  const store = () => createExportStore(world.sql);

  it('is of the moment when all else is planned, however long that took', async () => {
    const size = marks['stranger revoked'] as number;
    const [last, later] = [size - 1, size + 1];
    const plan = await planExport({ store: store(), crypto, size: () => later }, ask, size);
    expect(plan.to).toBe(size);
    expect(plan.count).toMatchObject({ size: later, agents: [{ sub: one.did }] });
    // What was recorded while it was planned shows itself where its numbers go on, and needs no count.
    const early = marks['opening'] as number;
    const begun = await planExport({ store: store(), crypto, size: () => last }, ask, early + 1);
    expect([begun.to, begun.count]).toEqual([early + 1, undefined]);
    expect(Math.max(...begun.others)).toBeGreaterThan(early);
  });

  it('is refused where no verifier would take it, so far behind it stands', async () => {
    const { size } = audit.checkpoint();
    const reach = async () => {
      throw new Error('reached');
    };
    const exporting = (behind: number) =>
      createExporter({
        ...auditDeps(world.sql, 'unused'),
        store: store(),
        size: () => size,
        record: async ({ id }: { id: string }) => ({ id, index: size + behind }),
        reach,
      } as unknown as ExporterDeps).bundle(ask);
    await expect(exporting(65_537)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(exporting(65_536)).rejects.toThrow('reached');
  });
});

describe('what is asked for (AUD-63)', () => {
  it('is read from a query', () => {
    const query = `agent=${two.did}&agent=${one.did}&agent=${one.did}&tool=files%2Fread&effect=deny&redact=hashes&earlier=7&earlier=3&from=1&to=9`;
    expect(readBundleAsk(query)).toEqual({
      filter: { agents: [one.did, two.did].sort(), tools: ['files/read'], effect: 'deny' },
      redaction: 'hashes',
      from: 1,
      to: 9,
      earlier: [3, 7],
    });
    expect(readBundleAsk('')).toEqual({ filter: {}, redaction: 'full', earlier: [] });
  });

  it.each([
    'page=1',
    'from=1&from=2',
    'since=yesterday',
    'effect=maybe',
    'redact=all',
    'agent=nobody',
    'capability=short',
    'tool=Files',
    'earlier=x',
    'to=-1',
    Array.from({ length: 17 }, (_, i) => `tool=t${i}`).join('&'),
    Array.from({ length: 65 }, (_, i) => `earlier=${i}`).join('&'),
  ])('is refused if it is nonsense: %s', (query) => {
    expect(() => readBundleAsk(query)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  });
});
