import type { Grant, Limit, ToolManifest } from '@talosprotocol/contracts';
import { parseBearerKey, TrustError } from '@talosprotocol/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createLedger, type Ledger } from '../../kernel/ledger/ledger.js';
import { createLedgerStore } from '../../kernel/ledger/ledger-store.js';
import { kernelMigrations } from '../../kernel/migrations.js';
import { migrate } from '../../platform/migrations.js';
import { clock } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { nastyServer } from '../mcp/upstream/testing/deps.js';
import { crypto } from '../testing/ports.js';
import { issueKey, lidOf, newRid, openWorld, type World } from '../testing/world.js';
import type { CallLedger } from './ports.js';

const PRICE = 5;
const euro = (amount: number) => ({ amount, currency: 'EUR' });
const priced = (op: 'read' | 'write'): ToolManifest => ({ op, resources: [], cost: euro(PRICE) });
const { command, args } = nastyServer('plain').run;
const servers = { nasty: { command, args: [...args], callTimeoutSeconds: 5 } };
const manifests = { nasty: { count: priced('write'), environment: priced('read'), spoof: free() } };
const GRANTS: Grant[] = [{ scope: 'tool:nasty', ops: ['read', 'write'] }];

function free(): ToolManifest {
  return { op: 'read', resources: [] };
}

let database: TestDatabase;
let ledger: Ledger;
let world: World;

beforeAll(async () => {
  database = await openTestDatabase();
  await migrate(database.sql, kernelMigrations);
  ledger = createLedger({ store: createLedgerStore(database.sql), clock });
  world = await openWorld(database, servers, manifests, watched(ledger));
});
afterEach(() => {
  delete world.audit.state.fault;
  delete world.audit.state.gate;
});
afterAll(async () => {
  await world?.close();
  await ledger?.close();
  await database?.close();
});

const message = (name: string) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: `nasty__${name}`, arguments: {} },
});

interface Answer {
  readonly result?: object;
  readonly error?: { readonly data: object };
}

async function call(key: string, name: string): Promise<Answer & { readonly status: number }> {
  const response = await fetch(world.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify(message(name)),
  });
  return { status: response.status, ...((await response.json()) as Answer) };
}

/** What is held and not settled, by the root link's `lid`. */
const open = new Map<string, number>();

/** The ledger, with an eye on what is open. */
function watched({ hold }: Ledger): CallLedger {
  return {
    hold: async (capability, cost, budgets) => {
      const held = await hold(capability, cost, budgets);
      const lid = capability.links[0]?.lid ?? '';
      const add = (units: number): unknown => open.set(lid, (open.get(lid) ?? 0) + units);
      const units = cost.cost?.amount ?? 0;
      if (held !== undefined) add(units);
      return held && { ...held, settle: (spent) => held.settle(spent).then(() => void add(-units)) };
    },
  };
}

/** What counts against a limit, and what of it is still held. */
async function spentOf(lid: string): Promise<{ used: number; held: number }> {
  const [row] = await database.sql.query<{ used: number }>(
    'SELECT used FROM kernel_ledger WHERE counter = $1',
    [`${lid} cost:EUR`],
  );
  return { used: row?.used ?? 0, held: open.get(lid) ?? 0 };
}

const holderOf = (key: string): string => parseBearerKey(key, crypto).chain.leaf.claims.sub;
const budget = (amount: number): Limit[] => [{ per: 'total', cost: euro(amount) }];

/** Waits until a record waits at the gate, so that limits were held, and lets it through. */
function closeGate() {
  let open = (): void => undefined;
  world.audit.state.gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const reached = () => expect.poll(() => world.audit.waiting.size).toBe(1);
  return { reached, open: () => open() };
}

// CAP-3, CAP-21, DEC-8
describe('a tool with a price, before a ledger in PostgreSQL', () => {
  it('is held before the call is recorded, and counted once it was made', async () => {
    const key = issueKey(GRANTS, budget(2 * PRICE));
    const gate = closeGate();
    const first = call(key, 'count');
    await gate.reached();
    expect(await spentOf(lidOf(key))).toEqual({ used: PRICE, held: PRICE });
    gate.open();
    expect(await first).toMatchObject({ result: {} });
    delete world.audit.state.gate;
    await expect.poll(() => spentOf(lidOf(key))).toEqual({ used: PRICE, held: 0 });
    expect(await call(key, 'environment')).toMatchObject({ result: { content: expect.any(Array) } });
    const refused = await call(key, 'count');
    expect(refused.error?.data).toMatchObject({
      code: 'BUDGET_EXCEEDED',
      link: 1,
      caveat: 'cost 10 EUR micro-units per total',
    });
    // What costs nothing needs nothing of what is used up.
    expect(await call(key, 'spoof')).toMatchObject({ error: { code: -32603 } });
    await expect.poll(() => spentOf(lidOf(key))).toEqual({ used: 2 * PRICE, held: 0 });
  });

  it('is given back if the record of a write fails, for then nothing was dispatched', async () => {
    const key = issueKey(GRANTS, budget(PRICE));
    const gate = closeGate();
    const failed = call(key, 'count');
    await gate.reached();
    world.audit.state.fault = new TrustError('UNAVAILABLE', 'the sink is down');
    gate.open();
    expect((await failed).status).toBe(503);
    delete world.audit.state.fault;
    delete world.audit.state.gate;
    expect(await spentOf(lidOf(key))).toEqual({ used: 0, held: 0 });
    expect((await call(key, 'count')).result).toMatchObject({
      content: [{ type: 'text', text: expect.stringMatching(/^\d+$/) }],
    });
  });

  it('stays counted if the record of a read fails, for that was dispatched meanwhile', async () => {
    const key = issueKey(GRANTS, budget(PRICE));
    const gate = closeGate();
    const failed = call(key, 'environment');
    await gate.reached();
    world.audit.state.fault = new TrustError('UNAVAILABLE', 'the sink is down');
    gate.open();
    expect((await failed).status).toBe(503);
    delete world.audit.state.fault;
    delete world.audit.state.gate;
    await expect.poll(() => spentOf(lidOf(key))).toEqual({ used: PRICE, held: 0 });
  });

  it('is refused where a limit counts another currency, and takes nothing', async () => {
    const dollars: Limit[] = [{ per: 'day', cost: { amount: 1_000, currency: 'USD' }, calls: 3 }];
    const key = issueKey(GRANTS, dollars);
    const refused = await call(key, 'count');
    expect(refused.error?.data).toMatchObject({ code: 'POLICY_DENIED', link: 1, caveat: 'cost in USD' });
    const rows = await database.sql.query('SELECT counter FROM kernel_ledger WHERE root = $1', [lidOf(key)]);
    expect(rows).toEqual([]);
    expect(await call(key, 'spoof')).toMatchObject({ error: { code: -32603 } });
  });

  it('is taken once for a rid, however often it is sent (SES-10)', async () => {
    const agent = await world.agent(GRANTS, budget(2 * PRICE));
    const rid = newRid();
    const send = async (): Promise<Answer> =>
      (await (await agent.post(message('count'), { rid })).json()) as Answer;
    const answers = [await send(), await send(), await send()];
    expect(answers[0]).toMatchObject({ result: {} });
    expect(answers[1]?.result).toEqual(answers[0]?.result);
    expect(answers[2]?.result).toEqual(answers[0]?.result);
    await expect.poll(() => spentOf(agent.lid)).toEqual({ used: PRICE, held: 0 });
  });

  it('stands in its decision and its outcome, of which an invoice is made (AUD-85)', async () => {
    const key = issueKey(GRANTS, budget(PRICE));
    await call(key, 'count');
    await call(key, 'count');
    await call(key, 'spoof');
    const of = (type: string) =>
      world.audit.events.filter((event) => event.type === type && event.principal?.sub === holderOf(key));
    await expect.poll(() => of('outcome').length).toBe(2);
    expect(of('decision').map(({ members }) => members)).toMatchObject([
      { effect: 'allow', held: euro(PRICE) },
      { effect: 'deny', code: 'BUDGET_EXCEEDED' },
      { effect: 'allow', code: null },
    ]);
    expect(of('decision').map(({ members }) => 'held' in members)).toEqual([true, false, false]);
    expect(of('outcome').map(({ members }) => ('cost' in members ? members.cost : null))).toEqual([
      euro(PRICE),
      null,
    ]);
  });

  it('stays held while nobody knows whether the log shows it as allowed', async () => {
    const key = issueKey(GRANTS, budget(PRICE));
    world.audit.state.isAnswerLost = true;
    expect((await call(key, 'count')).status).toBe(503);
    delete world.audit.state.isAnswerLost;
    expect(await spentOf(lidOf(key))).toEqual({ used: PRICE, held: PRICE });
    expect((await call(key, 'count')).error?.data).toMatchObject({ code: 'BUDGET_EXCEEDED' });
  });

  it('is never overspent by calls at the same time', async () => {
    const key = issueKey(GRANTS, budget(3 * PRICE));
    const answers = await Promise.all(Array.from({ length: 8 }, () => call(key, 'count')));
    expect(answers.filter(({ result }) => result !== undefined)).toHaveLength(3);
    await expect.poll(() => spentOf(lidOf(key))).toEqual({ used: 3 * PRICE, held: 0 });
  });
});
