import {
  createSigner,
  issueCapability,
  parseAnchors,
  type VerifiedCapability,
  verifyCapabilityAsOf,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../platform/migrations.js';
import { random } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { kernelMigrations } from '../migrations.js';
import { type CounterShelf, createCounterList } from './counter-list.js';
import { createLedger } from './ledger.js';
import { createLedgerStore } from './ledger-store.js';
import type { BudgetTake } from './need.js';

const crypto = createNodeCrypto();
const NOW = Date.parse('2026-11-30T12:00:00.000Z');
const ENDS = NOW / 1000 + 3600;
const DAY = 86_400;

let database: TestDatabase;
let capability: VerifiedCapability;
beforeAll(async () => {
  database = await openTestDatabase();
  await migrate(database.sql, kernelMigrations);
  const organisation = createSigner(random(32), crypto);
  const seconds = NOW / 1000;
  const grants = [{ scope: 'tool:files', ops: ['read' as const] }];
  const options = { sub: organisation.did, aud: [organisation.did], grants, exp: seconds + 1e6 };
  const deps = { crypto, now: () => seconds, randomBytes: random };
  const { chain } = issueCapability(options, organisation, deps);
  const anchors = parseAnchors([{ iss: organisation.did, tenant: 'acme', grants }], crypto);
  capability = verifyCapabilityAsOf(chain, { time: seconds, anchors, crypto });
});
afterAll(() => database?.close());

function open() {
  const time = { now: NOW, monotonic: 0 };
  const clock = { now: () => time.now, monotonic: () => time.monotonic };
  const ledger = createLedger({ store: createLedgerStore(database.sql), clock });
  return { time, ledger, list: createCounterList({ sql: database.sql, ledger }).list };
}

let budgets = 0;
const nextBudget = (): string => `list${++budgets}`;

function take(budget: string, subject: string, amount: number, more: Partial<BudgetTake> = {}): BudgetTake {
  return {
    ...{ budget, subject, counter: `budget:${budget} ${subject} tokens UTC`, kind: 'tokens' },
    ...{ per: 'day', period: `day:${ENDS}`, ends: ENDS, zone: 'UTC', allowed: 1_000, amount },
    ...{ isHard: true, warnAt: [50, 80] },
    ...more,
  };
}

const shelf = (
  budget: string,
  subjects?: readonly string[],
  more: Partial<CounterShelf> = {},
): CounterShelf => ({
  ...{ head: `budget:${budget}`, tail: 'tokens UTC', period: `day:${ENDS}`, ends: ENDS, subjects },
  ...more,
});
const ALL = { after: undefined, count: 100 };

describe('the list of counters', () => {
  it('BUD-9 has what was debited, and what of it this process has leased', async () => {
    const { ledger, list } = open();
    const budget = nextBudget();
    const hold = await ledger.hold(capability, { tokens: 10 }, [take(budget, 'all', 10)]);
    const [held] = await list([shelf(budget, ['all'])], ALL);
    expect(held?.leased).toBeGreaterThan(0);
    expect((held?.used ?? 0) - (held?.leased ?? 0)).toBe(10);
    await hold?.settle({ tokens: 4 });
    const [settled] = await list([shelf(budget, ['all'])], ALL);
    expect((settled?.used ?? 0) - (settled?.leased ?? 0)).toBe(4);
    const [elsewhere] = await open().list([shelf(budget, ['all'])], ALL);
    expect(elsewhere).toEqual({ ...settled, leased: 0 });
    await ledger.close();
    expect(await list([shelf(budget, ['all'])], ALL)).toEqual([
      { shelf: 0, subject: 'all', used: 4, leased: 0, mark: undefined },
    ]);
  });

  it('BUD-10 has the most used first, page by page, of those counted and of those that are named', async () => {
    const { ledger, list } = open();
    const [many, few, other] = [nextBudget(), nextBudget(), nextBudget()];
    const counts = { ann: 30, 'Bob B. Jones': 50, 'x tokens UTC': 30, zoe: 10 };
    for (const [subject, amount] of Object.entries(counts)) {
      const hold = await ledger.hold(capability, { tokens: amount }, [take(many, subject, amount)]);
      await hold?.settle({ tokens: amount });
    }
    await ledger.hold(capability, { tokens: 7 }, [take(other, 'ann', 7)]);
    await ledger.close();
    const shelves = [shelf(many), shelf(few, ['red', 'blue']), shelf(many, undefined, { tail: 'calls UTC' })];
    const all = await list(shelves, ALL);
    expect(all.map(({ shelf, subject, used }) => [shelf, subject, used])).toEqual([
      [0, 'Bob B. Jones', 50],
      [0, 'ann', 30],
      [0, 'x tokens UTC', 30],
      [0, 'zoe', 10],
      [1, 'blue', 0],
      [1, 'red', 0],
    ]);
    const paged = [];
    for (let after: (typeof all)[number] | undefined; ; ) {
      const [one] = await list(shelves, { after, count: 1 });
      if (one === undefined) break;
      paged.push(one);
      after = one;
    }
    expect(paged).toEqual(all);
    expect(await list([], ALL)).toEqual([]);
  });

  it('BUD-9 begins anew with the period, and BUD-11 shows this one as it is also once a process is in the next', async () => {
    const { ledger, list, time } = open();
    const budget = nextBudget();
    await ledger.hold(capability, { tokens: 900 }, [take(budget, 'all', 900)]);
    const [today] = await list([shelf(budget)], ALL);
    expect(today).toMatchObject({ subject: 'all', mark: { percent: 80 } });
    expect(Math.abs((today?.mark?.saidMs ?? 0) - Date.now())).toBeLessThan(60_000);
    const tomorrow = { period: `day:${ENDS + DAY}`, ends: ENDS + DAY };
    expect(await list([shelf(budget, undefined, tomorrow)], ALL)).toEqual([]);
    expect(await list([shelf(budget, ['all'], tomorrow)], ALL)).toMatchObject([{ used: 0, mark: undefined }]);
    time.now = ENDS * 1000 + 1;
    const next = await ledger.hold(capability, { tokens: 5 }, [take(budget, 'all', 5, tomorrow)]);
    await next?.settle({ tokens: 5 });
    const [begun] = await list([shelf(budget, undefined, tomorrow)], ALL);
    expect(begun).toMatchObject({ mark: undefined });
    expect((begun?.used ?? 0) - (begun?.leased ?? 0)).toBe(5);
    expect(await list([shelf(budget)], ALL)).toMatchObject([{ used: 900, mark: { percent: 80 } }]);
    await ledger.close();
  });

  it('is found by an index, however many links count beside it', async () => {
    const plan = await database.sql.transaction(async (tx) => {
      await tx.query('SET LOCAL enable_seqscan = off');
      return tx.query(
        `EXPLAIN SELECT 1 FROM kernel_ledger l WHERE split_part(l.counter, ' ', 1) = 'budget:a' AND l.counter LIKE 'budget:%'`,
      );
    });
    expect(JSON.stringify(plan)).toContain('kernel_ledger_budget');
  });
});
