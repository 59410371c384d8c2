import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Limit } from '@talosprotocol/contracts';
import { createSigner, issueCapability, type ParsedChain } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type {
  HoldingLine,
  HoldingTask,
} from '../../packages/server/src/kernel/ledger/testing/holding-process.js';
import { kernelMigrations } from '../../packages/server/src/kernel/migrations.js';
import { migrate } from '../../packages/server/src/platform/migrations.js';
import { random } from '../../packages/server/src/platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../packages/server/src/platform/testing/database.js';
import { buildProgram } from './program.js';

const crypto = createNodeCrypto();
const organisation = createSigner(random(32), crypto);
const GRANTS = [{ scope: 'tool:files', ops: ['read' as const] }];
const ANCHOR = { iss: organisation.did, tenant: 'acme', grants: GRANTS };
const WORKERS = 8;
const HELD = { cost: 3, tokens: 7 };
const SPENT = { cost: 2, tokens: 5 };

let database: TestDatabase;
let program: Awaited<ReturnType<typeof buildProgram>>;
const started: ChildProcess[] = [];

beforeAll(async () => {
  database = await openTestDatabase();
  await migrate(database.sql, kernelMigrations);
  program = await buildProgram(
    'server/src/kernel/ledger/testing/holding-process.ts',
    'packages/server/node_modules/.cache',
  );
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
  await program?.remove();
  await database?.close();
});

function issue(limits: Limit[]): ParsedChain {
  const now = Math.floor(Date.now() / 1000);
  const options = { sub: organisation.did, aud: [organisation.did], grants: GRANTS, exp: now + 900, limits };
  return issueCapability(options, organisation, { crypto, now: () => now, randomBytes: random });
}

/** A ledger in a process of its own, and all it said. */
function startLedger({ chain }: ParsedChain) {
  const { address } = database;
  if ('url' in address) throw new Error('the embedded database has a socket');
  const task: HoldingTask = {
    address: { ...address, password: address.password.reveal() },
    chain,
    anchor: ANCHOR,
    workers: WORKERS,
    held: HELD,
    spent: SPENT,
  };
  const child = spawn(process.execPath, [program.path], { stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(child);
  const lines: HoldingLine[] = [];
  const reader = createInterface({ input: child.stdout! });
  reader.on('line', (line) => lines.push(JSON.parse(line) as HoldingLine));
  const ended = Promise.all([once(child, 'exit'), once(reader, 'close')]).then(([[code, signal]]) => ({
    code,
    signal,
  }));
  child.stdin!.end(JSON.stringify(task));
  const count = (did: HoldingLine['did']): number => lines.filter((line) => line.did === did).length;
  return { child, lines, ended, count };
}

interface Counter {
  readonly counter: string;
  readonly allowed: number;
  readonly used: number;
}

const countersOf = ({ root }: ParsedChain): Promise<Counter[]> =>
  database.sql.query<Counter>('SELECT counter, allowed, used FROM kernel_ledger WHERE root = $1', [root.lid]);

/** Runs two ledgers, kills one in the middle, and looks at the counters all the while. */
async function killOneOfTwo(chain: ParsedChain, killAfter: number) {
  const ledgers = [startLedger(chain), startLedger(chain)] as const;
  const [victim, survivor] = ledgers;
  await expect.poll(() => ledgers.every((one) => one.count('ready') === 1), { timeout: 20_000 }).toBe(true);
  for (const { child } of ledgers) child.kill('SIGUSR2');
  const over = survivor.ended.then(() => 'over' as const);
  const began = Date.now();
  let killed = false;
  const exceeded: Counter[] = [];
  for (let state: unknown; state !== 'over'; ) {
    const counters = await countersOf(chain);
    exceeded.push(...counters.filter(({ used, allowed }) => used > allowed));
    if (!killed && victim.count('hold') >= killAfter && survivor.count('hold') > 0) {
      killed = victim.child.kill('SIGKILL');
    }
    state = await Promise.race([over, Promise.resolve()]);
  }
  expect(await victim.ended).toEqual({ code: null, signal: 'SIGKILL' });
  expect(await survivor.ended).toEqual({ code: 0, signal: null });
  expect(exceeded).toEqual([]);
  const sum = (did: HoldingLine['did']): number => victim.count(did) + survivor.count(did);
  const counters = await countersOf(chain);
  const used = (kind: string): number =>
    counters.find(({ counter }) => counter === `${chain.root.lid}${kind}`)?.used ?? 0;
  return { victim, holds: sum('hold'), settled: sum('settle'), used, seconds: (Date.now() - began) / 1000 };
}

const euro = (amount: number) => ({ amount, currency: 'EUR' });

// CAP-21
describe('two ledgers in two processes, one of which is killed in the middle of holds', () => {
  it('never let in more calls than a limit allows, and strand at most one lease', async () => {
    const LIMIT = 640;
    const chain = issue([{ per: 'total', calls: LIMIT }]);
    const { holds, used } = await killOneOfTwo(chain, 30);
    // A call of the victim may have been let in, and killed before it was said.
    const bound = Math.min(256, LIMIT / 16) + WORKERS;
    expect(used('')).toBeLessThanOrEqual(LIMIT);
    expect(holds).toBeLessThanOrEqual(used(''));
    expect(used('') - holds).toBeLessThanOrEqual(bound);
    expect(holds).toBeGreaterThanOrEqual(LIMIT - bound);
  }, 60_000);

  it.each([
    ['cost', [{ per: 'total', cost: euro(900) }], ' cost:EUR', 900],
    ['tokens', [{ per: 'day', tokens: 2_000 }], ' tokens', 2_000],
  ] as const)(
    'never spend and hold more %s than a limit allows, and strand one lease and what running calls held',
    async (kind, limits, counter, limit) => {
      const chain = issue(structuredClone(limits) as unknown as Limit[]);
      const { holds, settled, used } = await killOneOfTwo(chain, 30);
      const [held, spent] = [HELD[kind], SPENT[kind]];
      expect(used(counter)).toBeLessThanOrEqual(limit);
      expect(holds).toBeGreaterThanOrEqual(settled);
      expect(used(counter)).toBeGreaterThanOrEqual(settled * spent);
      // A lease of the victim, and what its calls held when it was killed, is all that nobody can spend.
      const lease = Math.min(64 * held, limit / 16) + held;
      expect(used(counter) - settled * spent).toBeLessThanOrEqual(lease + WORKERS * held);
      // The rest was there for others to spend.
      expect(used(counter)).toBeGreaterThan(limit - held * WORKERS);
    },
    60_000,
  );

  it('let no more calls in than a rate allows in each of its windows', async () => {
    const COUNT = 40;
    const chain = issue([{ per: 'total', calls: 160, rate: { count: COUNT, seconds: 1 } }]);
    const { holds, victim, seconds, used } = await killOneOfTwo(chain, 10);
    expect(victim.count('hold')).toBeGreaterThan(0);
    expect(used(' rate:1')).toBeLessThanOrEqual(COUNT);
    expect(holds).toBeLessThanOrEqual(COUNT * (Math.floor(seconds) + 2));
    expect(holds).toBeLessThanOrEqual(160);
    expect(seconds).toBeGreaterThan(2);
  }, 60_000);
});

// CAP-21
describe('six ledgers in six processes, of which all but one are killed, each at a moment of its own', () => {
  it('never spend more than a limit allows, and leave one lease each', async () => {
    const LIMIT = 40_000;
    const chain = issue([{ per: 'total', tokens: LIMIT, cost: euro(1_000_000) }]);
    const ledgers = Array.from({ length: 6 }, () => startLedger(chain));
    await expect.poll(() => ledgers.every((one) => one.count('ready') === 1), { timeout: 30_000 }).toBe(true);
    const [survivor, ...victims] = ledgers;
    let isOver = false;
    void survivor!.ended.then(() => {
      isOver = true;
    });
    for (const { child } of ledgers) child.kill('SIGUSR2');
    const exceeded: Counter[] = [];
    while (!isOver) {
      exceeded.push(...(await countersOf(chain)).filter(({ used, allowed }) => used > allowed));
      for (const [index, { child, count }] of victims.entries())
        if (count('hold') >= 40 * (index + 1) && child.exitCode === null && child.signalCode === null)
          child.kill('SIGKILL');
    }
    for (const victim of victims) {
      victim.child.kill('SIGKILL');
      expect(await victim.ended).toMatchObject({ signal: 'SIGKILL' });
    }
    expect(exceeded).toEqual([]);
    const settled = ledgers.reduce((sum, { count }) => sum + count('settle'), 0);
    const used = (await countersOf(chain)).find(({ counter }) => counter.endsWith(' tokens'))?.used ?? 0;
    expect(used).toBeLessThanOrEqual(LIMIT);
    expect(used).toBeGreaterThanOrEqual(settled * SPENT.tokens);
    const lease = 64 * HELD.tokens + HELD.tokens;
    expect(used - settled * SPENT.tokens).toBeLessThanOrEqual(
      victims.length * (lease + WORKERS * HELD.tokens),
    );
    expect(used).toBeGreaterThan(LIMIT - HELD.tokens * WORKERS);
  }, 120_000);
});
