import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditEvent, ToolManifest } from '@talosprotocol/contracts';
import {
  type JsonObject,
  parseManifest,
  toolPin,
  verifyBundle,
  verifyReceipt,
} from '@talosprotocol/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../packages/cli/src/run.js';
import { callOnce } from '../support/mcp-clients.js';
import { openTerminal } from '../support/terminal.js';
import {
  castOf,
  crypto,
  filesystemServer,
  oddServer,
  openWorld,
  pinServers,
  scopeBelow,
  type World,
} from '../support/world.js';

const PRICE = { amount: 250_000, currency: 'EUR' };
const MANIFESTS: Readonly<Record<string, Readonly<Record<string, ToolManifest>>>> = {
  odd: {
    note: { op: 'write', resources: [], cost: PRICE },
    look: { op: 'read', resources: [], cost: { amount: 30_000, currency: 'USD' } },
  },
  files: {
    read_text_file: {
      op: 'read',
      resources: [{ ptr: '/path', kind: 'path', required: true, resolve: 'realpath' }],
    },
  },
};

let world: World;
let cast: Awaited<ReturnType<typeof castOf>>;

beforeAll(async () => {
  world = await openWorld();
  const { files, journal } = world;
  const servers = { files: filesystemServer(files.root), odd: oddServer(journal) };
  await pinServers(world, servers, MANIFESTS);
  cast = await castOf(world, files, {
    grants: [
      { scope: 'tool:odd', ops: ['read', 'write'] },
      { scope: scopeBelow('*', files.docs), ops: ['read'] },
    ],
    limits: [{ per: 'total', cost: { amount: 600_000, currency: 'EUR' } }],
  });
});
afterAll(() => world?.close());

const credential = () => ({ identity: cast.agent, chain: cast.agentChain });
const call = (name: string, args: object = {}) =>
  callOnce(world.ready.gateway, credential(), name, args as Record<string, unknown>);

async function talos(...argv: string[]) {
  const { io, out, err } = openTerminal({ env: { TALOS_DATA: world.ready.data }, cwd: world.files.root });
  const code = await run(argv, io);
  return { code, out: out(), err: err() };
}

async function events(): Promise<readonly AuditEvent[]> {
  return (await world.audit.events({ limit: 500 })).events.map(({ event }) => event);
}

// AUD-85
describe('an invoice', () => {
  it('follows from the receipts of calls, and their price from what the pin covers', async () => {
    for (const name of ['odd__note', 'odd__note']) expect((await call(name)).denial).toBeUndefined();
    expect((await call('odd__note')).denial?.code).toBe('BUDGET_EXCEEDED');
    expect((await call('odd__look')).denial?.code).toBe('POLICY_DENIED');
    expect((await call('files__read_text_file', { path: world.files.guide })).denial).toBeUndefined();
    await expect.poll(async () => (await events()).filter(({ type }) => type === 'outcome').length).toBe(3);

    const tools = (await world.gateway.tools('odd')).tools;
    const note = tools.find(({ name }) => name === 'note');
    const pin = toolPin(
      {
        server: 'odd',
        tool: note?.tool as JsonObject,
        manifest: parseManifest(MANIFESTS['odd']?.['note']),
      },
      crypto,
    );
    const trust = await world.trust();
    const bill = { note: 0 };
    for (const event of await events()) {
      if (event.type !== 'decision' || event.effect !== 'allow' || event.held === undefined) continue;
      const receipt = await world.audit.receipt(`rcp_${event.id.slice(4)}`);
      const proven = verifyReceipt(receipt, trust, crypto).event as typeof event;
      expect([proven.pin, proven.held]).toEqual([pin, PRICE]);
      bill.note += proven.held?.amount ?? 0;
    }
    expect(bill.note).toBe(500_000);
    const report = verifyBundle(await world.audit.bundle(), trust, crypto);
    expect(report.costs).toEqual([{ currency: 'EUR', spent: '500000', held: '0' }]);
  });

  it('is what the verifier of the command line says', async () => {
    const [bundle, trust] = [join(world.files.root, 'bundle.json'), join(world.files.root, 'trust.json')];
    await writeFile(bundle, await world.audit.bundle());
    await writeFile(trust, JSON.stringify(await world.audit.trust()));
    const { code, out } = await talos('audit', 'verify', bundle, '--trust', trust);
    expect(code).toBe(0);
    expect(out).toMatch(/^ {2}- The calls cost 0\.50 EUR\.$/m);
    const tail = await talos('audit', 'tail', '--limit', '50', '--audit', world.ready.audit);
    expect(tail.out).toMatch(/ outcome completed 0\.25 EUR req_\S+ by /);
    const paid = (await events()).find((event) => event.type === 'outcome' && event.cost !== undefined);
    const { request } = paid as Extract<AuditEvent, { type: 'outcome' }>;
    const why = await talos('why', request, '--kernel', world.ready.kernel);
    expect(why.out).toMatch(/^ {2}cost {5}0\.25 EUR$/m);
  });
});

// AUD-89
describe('talos audit erase', () => {
  const erase = (...argv: string[]) => talos('audit', 'erase', ...argv, '--audit', world.ready.audit);

  it('makes what an agent did unreadable, and leaves it proven', async () => {
    const opens = async () =>
      (await world.audit.events({ limit: 500 })).events.filter(
        ({ event, disclosures }) => event.principal?.sub === cast.agent.did && disclosures.length > 0,
      ).length;
    expect(await opens()).toBeGreaterThan(3);
    expect(Buffer.from(await world.audit.bundle()).includes('guide')).toBe(true);
    const { code, out } = await talos(
      ...['audit', 'erase', '--agent', cast.agent.did, '--yes', '--json', '--audit', world.ready.audit],
    );
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ ok: true, event: expect.stringMatching(/^evt_/) });
    expect(await opens()).toBe(0);
    const bytes = await world.audit.bundle();
    expect(Buffer.from(bytes).includes('guide')).toBe(false);
    const { counts } = verifyBundle(bytes, await world.trust(), crypto);
    expect(counts.allowed).toBeGreaterThan(counts.recomputed);
    const again = await talos(
      ...['audit', 'erase', '--agent', cast.agent.did, '--yes', '--audit', world.ready.audit],
    );
    expect(again.out).toContain('There was nothing to erase.');
    const call = (await events()).find((event) => event.type === 'decision' && event.effect === 'allow');
    const { request } = call as Extract<AuditEvent, { type: 'decision' }>;
    const why = await talos('why', request, '--kernel', world.ready.kernel);
    expect(why.out).toMatch(/^ {2}needed {3}erased$/m);
  });

  it('takes one event, by its id, and a service account by its own', async () => {
    const [last] = await events();
    expect(last?.type).toBe('disclosures.erased');
    const refused = await talos('audit', 'erase', '--event', last!.id, '--yes', '--audit', world.ready.audit);
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('CONFLICT')]);
    const denied = (await events()).find(({ type }) => type === 'rbac.changed');
    const { out } = await talos(
      'audit',
      'erase',
      '--event',
      denied!.id,
      '--yes',
      '--audit',
      world.ready.audit,
    );
    expect(out).toContain('1 events open no more');
    const id = `svc_01890000-0000-7000-8000-${'0'.repeat(12)}`;
    const nobody = await talos('audit', 'erase', '--service', id, '--yes', '--audit', world.ready.audit);
    expect(nobody.out).toContain('nothing to erase');
  });

  it.each([
    [['--agent', 'did:key:x'], 'did'],
    [[], 'of what?'],
    [['--agent', 'did:key:x', '--event', 'evt_1'], 'of what?'],
    [['--event', 'evt_1'], 'not an event'],
    [['--person', '1234'], '--person needs --issuer'],
    [['--service', 'ann'], 'svc_'],
    [['--agent', 'did:key:x', '--from', 'yesterday'], '--from is no time'],
  ])('refuses %j before anything is asked', async (argv, said) => {
    const { code, err } = await erase(...argv, '--yes');
    expect(code).toBe(1);
    expect(err.toLowerCase()).toContain(said.toLowerCase());
  });

  it('does nothing that was not confirmed', async () => {
    const { code, err } = await talos(
      'audit',
      'erase',
      '--agent',
      cast.agent.did,
      '--audit',
      world.ready.audit,
    );
    expect(code).toBe(1);
    expect(err).toContain('--yes');
  });
});
