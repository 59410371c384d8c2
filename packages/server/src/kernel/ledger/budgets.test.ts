import type { Limit } from '@talosprotocol/contracts';
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
import { createLedger } from './ledger.js';
import { createLedgerStore } from './ledger-store.js';
import type { BudgetMark } from './marks.js';
import type { BudgetTake } from './need.js';

/** The database's clock is never behind those of the tests. */
const LATER = "timestamptz '2200-01-01'";
const crypto = createNodeCrypto();
const organisation = createSigner(random(32), crypto);
const NOW = Date.parse('2026-11-30T12:00:00.000Z');
const grants = [{ scope: 'tool:files', ops: ['read' as const] }];

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
  await migrate(database.sql, kernelMigrations);
});
afterAll(() => database?.close());

function capability(...limits: Limit[]): VerifiedCapability {
  const seconds = Math.floor(NOW / 1000);
  const deps = { crypto, now: () => seconds, randomBytes: random };
  const more = limits.length === 0 ? {} : { limits };
  const options = { sub: organisation.did, aud: [organisation.did], grants, exp: seconds + 1e6, ...more };
  const { chain } = issueCapability(options, organisation, deps);
  const anchors = parseAnchors([{ iss: organisation.did, tenant: 'acme', grants }], crypto);
  return verifyCapabilityAsOf(chain, { time: seconds, anchors, crypto });
}

let budgets = 0;
/** A budget of tokens that nobody has counted in. */
function budgetOf(allowed: number, more: Partial<BudgetTake> = {}) {
  const budget = `b${++budgets}`;
  return (amount: number): BudgetTake => ({
    ...{ budget, subject: 'all', counter: `budget:${budget} all tokens`, kind: 'tokens', amount, allowed },
    ...{
      per: 'day',
      period: `day:${NOW / 1000 + 3600}`,
      ends: NOW / 1000 + 3600,
      zone: 'UTC',
      isHard: true,
      warnAt: [50, 100],
    },
    ...more,
  });
}

function ledgerAt() {
  const time = { now: NOW, monotonic: 0 };
  const clock = { now: () => time.now, monotonic: () => time.monotonic };
  const told: [string, number][] = [];
  const onMarks = async (_: unknown, marks: readonly BudgetMark[]): Promise<void> => {
    for (const { take, percent } of marks) told.push([take.budget, percent]);
  };
  return {
    time,
    told,
    ledger: createLedger({ store: createLedgerStore(database.sql, LATER), clock, onMarks }),
  };
}

async function usedOf({ counter }: BudgetTake): Promise<number | undefined> {
  const rows = await database.sql.query<{ used: number }>(
    'SELECT used FROM kernel_ledger WHERE counter = $1',
    [counter],
  );
  return rows[0]?.used;
}

describe('a budget in the ledger', () => {
  it('BUD-3 is taken with the limits of the links, all or nothing, and settled with them', async () => {
    const held = capability({ per: 'total', tokens: 1_000 });
    const take = budgetOf(100);
    const { ledger } = ledgerAt();
    const hold = await ledger.hold(held, { tokens: 60 }, [take(60)]);
    await expect(ledger.hold(held, { tokens: 41 }, [take(41)])).rejects.toMatchObject({
      code: 'BUDGET_EXCEEDED',
      data: {
        caveat: expect.stringMatching(/^budget b\d+: tokens 100 per day$/),
        hint: expect.stringContaining('until the next day (UTC) begins'),
      },
    });
    await hold?.settle({ tokens: 10 });
    await ledger.hold(held, { tokens: 90 }, [take(90)]);
    expect(await usedOf(take(1))).toBe(100);
    await ledger.close();
    const rows = await database.sql.query<{ used: number }>(
      'SELECT used FROM kernel_ledger WHERE counter = $1',
      [`${held.links[0]?.lid} tokens`],
    );
    expect(rows[0]?.used).toBe(100);
  });

  it('BUD-3 is one for all who are counted in it, in whatever process', async () => {
    const take = budgetOf(300);
    const ledgers = [ledgerAt().ledger, ledgerAt().ledger];
    const holds = Array.from({ length: 60 }, (_, n) =>
      ledgers[n % 2]!.hold(capability(), { tokens: 20 }, [take(20)]),
    );
    const passed = (await Promise.allSettled(holds)).filter(({ status }) => status === 'fulfilled').length;
    expect(passed).toBeLessThanOrEqual(15);
    expect(passed).toBeGreaterThan(8);
    expect(await usedOf(take(1))).toBeLessThanOrEqual(300);
  });

  it('BUD-4 that only warns counts beyond what is allowed, and refuses nothing', async () => {
    const take = budgetOf(100, { isHard: false });
    const { ledger, told } = ledgerAt();
    for (let call = 0; call < 5; call += 1) await ledger.hold(capability(), { tokens: 60 }, [take(60)]);
    expect(await usedOf(take(1))).toBe(300);
    expect(told.map(([, percent]) => percent)).toEqual([50, 100]);
    const small = budgetOf(1_600, { isHard: false });
    await ledger.hold(capability(), { tokens: 10 }, [small(10)]);
    expect(await usedOf(small(1))).toBe(100);
  });

  it('BUD-6 tells each mark once in a period, whoever passes it, and then with every call', async () => {
    const take = budgetOf(100);
    const [first, second] = [ledgerAt(), ledgerAt()];
    const held = capability();
    expect((await first.ledger.hold(held, { tokens: 40 }, [take(40)]))?.warnings).toEqual([]);
    const hold = await first.ledger.hold(held, { tokens: 20 }, [take(20)]);
    const budget = take(1).budget;
    expect(hold?.warnings).toEqual([{ budget, percent: 50 }]);
    await hold?.settle({ tokens: 0 });
    const other = await second.ledger.hold(held, { tokens: 20 }, [take(20)]);
    expect(other?.warnings).toEqual([{ budget, percent: 50 }]);
    expect([first.told, second.told]).toEqual([[[budget, 50]], []]);
    const next = (amount: number): BudgetTake => ({ ...take(amount), ends: take(1).ends + 86_400 });
    await second.ledger.hold(held, { tokens: 60 }, [next(60)]);
    expect(second.told).toEqual([[budget, 50]]);
    expect(await usedOf(take(1))).toBe(60);
  });

  it('BUD-6 tells a mark again that was only held for at first, after a while', async () => {
    const take = budgetOf(100);
    const { ledger, told } = ledgerAt();
    const cross = async (): Promise<void> => {
      const big = await ledger.hold(capability(), { tokens: 90 }, [take(90)]);
      await big?.settle({ tokens: 0 });
      const small = await ledger.hold(capability(), { tokens: 10 }, [take(10)]);
      expect(small?.warnings).toEqual([]);
      await small?.settle({ tokens: 0 });
    };
    await cross();
    await cross();
    const { budget, counter } = take(1);
    expect(told).toEqual([[budget, 50]]);
    await database.sql.query(
      "UPDATE kernel_ledger SET said_at = said_at - interval '11 minutes' WHERE counter = $1",
      [counter],
    );
    await ledger.hold(capability(), { tokens: 60 }, [take(60)]);
    await ledger.hold(capability(), { tokens: 40 }, [take(40)]);
    expect(told).toEqual([
      [budget, 50],
      [budget, 50],
      [budget, 100],
    ]);
  });

  it('BUD-6 tells nothing of a debit that came to nothing', async () => {
    const [take, full] = [budgetOf(100), budgetOf(10)];
    const { ledger, told } = ledgerAt();
    const both = [take(60), full(60)];
    await expect(ledger.hold(capability(), { tokens: 60 }, both)).rejects.toMatchObject({
      code: 'BUDGET_EXCEEDED',
    });
    expect([told, await usedOf(take(1))]).toEqual([[], undefined]);
    await ledger.hold(capability(), { tokens: 60 }, [take(60)]);
    expect(told).toEqual([[take(1).budget, 50]]);
  });

  it('is forgotten a month after its period', async () => {
    const take = budgetOf(100);
    const { ledger, time } = ledgerAt();
    await ledger.hold(capability(), { tokens: 60 }, [take(60)]);
    const tidyAfter = async (days: number): Promise<void> => {
      time.now += days * 86_400_000;
      time.monotonic += days * 86_400_000;
      // What is closed the first time is forgotten the second.
      await ledger.tidy();
      await ledger.tidy();
    };
    await tidyAfter(31);
    expect(await usedOf(take(1))).toBe(60);
    await tidyAfter(31);
    expect(await usedOf(take(1))).toBeUndefined();
  });
});
