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
import type { BudgetTake } from './need.js';

/** The database's clock is never behind those of the tests. */
const LATER = "timestamptz '2200-01-01'";
const crypto = createNodeCrypto();
const organisation = createSigner(random(32), crypto);
const DAY = 86_400_000;
const NOW = Date.parse('2026-11-30T12:00:00.000Z');
const grants = [{ scope: 'tool:files', ops: ['read' as const] }];
const USED_UP = { code: 'BUDGET_EXCEEDED' };

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
  await migrate(database.sql, kernelMigrations);
});
afterAll(() => database?.close());
// What is closed stays so for all tests of this database.
const reopen = () => database.sql.query(`UPDATE kernel_ledger_closed SET month = '', seconds = 0`);

function capability(...limits: Limit[]): VerifiedCapability {
  const seconds = Math.floor(NOW / 1000);
  const deps = { crypto, now: () => seconds, randomBytes: random };
  const more = limits.length === 0 ? {} : { limits };
  const options = { sub: organisation.did, aud: [organisation.did], grants, exp: seconds + 3e7, ...more };
  const { chain } = issueCapability(options, organisation, deps);
  const anchors = parseAnchors([{ iss: organisation.did, tenant: 'acme', grants }], crypto);
  return verifyCapabilityAsOf(chain, { time: seconds, anchors, crypto });
}

let budgets = 0;
/** A budget of 100 tokens a day, as the gateway counts it. */
function budgetOfDay() {
  const budget = `stepped${++budgets}`;
  return (amount: number, nowMs: number): BudgetTake => {
    const ends = (Math.floor(nowMs / DAY) + 1) * (DAY / 1000);
    return {
      ...{ budget, subject: 'all', counter: `budget:${budget} all tokens UTC`, kind: 'tokens', amount },
      ...{ per: 'day', period: `day:${ends}`, ends, zone: 'UTC', allowed: 100, isHard: true, warnAt: [] },
    };
  };
}

function ledgerAt(store = createLedgerStore(database.sql, LATER)) {
  const time = { now: NOW, monotonic: 0 };
  const clock = { now: () => time.now, monotonic: () => time.monotonic };
  const pass = (ms: number): void => {
    time.now += ms;
    time.monotonic += ms;
  };
  return { time, pass, ledger: createLedger({ store, clock }) };
}

// BUD-11
describe('a clock that is set', () => {
  it.each([1, 31, 70, 400, 30_000])(
    'ahead by %d days and back leaves the limits of links used up',
    async (days) => {
      const held = capability({ per: 'month', tokens: 100 }, { per: 'day', calls: 9 });
      const { ledger, time, pass } = ledgerAt();
      await ledger.hold(held, { tokens: 100 });
      pass(2 * 3_600_000);
      time.now += days * DAY;
      await ledger.tidy();
      await ledger.tidy();
      time.now -= days * DAY;
      await expect(ledger.hold(held, { tokens: 1 })).rejects.toMatchObject(USED_UP);
    },
  );

  it('ahead and back leaves a budget used up, also where a call was counted meanwhile', async () => {
    const take = budgetOfDay();
    const { ledger, time } = ledgerAt();
    await ledger.hold(capability(), { tokens: 100 }, [take(100, time.now)]);
    time.now += DAY;
    await ledger.hold(capability(), { tokens: 1 }, [take(1, time.now)]);
    await ledger.tidy();
    time.now -= DAY;
    await expect(ledger.hold(capability(), { tokens: 50 }, [take(50, time.now)])).rejects.toMatchObject(
      USED_UP,
    );
    // What was counted for the next day counts then.
    time.now += DAY;
    await expect(ledger.hold(capability(), { tokens: 100 }, [take(100, time.now)])).rejects.toMatchObject(
      USED_UP,
    );
    await ledger.hold(capability(), { tokens: 99 }, [take(99, time.now)]);
  });

  it('of one process of several leaves what others count as it is', async () => {
    const take = budgetOfDay();
    const [right, ahead] = [ledgerAt(), ledgerAt()];
    ahead.time.now += 3 * DAY;
    await right.ledger.hold(capability(), { tokens: 60 }, [take(60, right.time.now)]);
    await ahead.ledger.hold(capability(), { tokens: 60 }, [take(60, ahead.time.now)]);
    await expect(
      right.ledger.hold(capability(), { tokens: 60 }, [take(60, right.time.now)]),
    ).rejects.toMatchObject(USED_UP);
  });

  it('wrong for so long that days and months are forgotten opens none of them again', async () => {
    const held = capability({ per: 'month', tokens: 100 });
    const never = capability({ per: 'day', tokens: 100 });
    const take = budgetOfDay();
    const { ledger, time, pass } = ledgerAt();
    await ledger.hold(held, { tokens: 100 });
    await ledger.hold(capability(), { tokens: 10 }, [take(10, time.now)]);
    time.now += 70 * DAY;
    await ledger.tidy();
    pass(3_600_000);
    await ledger.tidy();
    await ledger.tidy();
    time.now -= 70 * DAY;
    await expect(ledger.hold(held, { tokens: 1 })).rejects.toMatchObject(USED_UP);
    // Nobody knows any more what was used of these.
    await expect(ledger.hold(never, { tokens: 1 })).rejects.toMatchObject(USED_UP);
    await expect(ledger.hold(capability(), { tokens: 1 }, [take(1, time.now)])).rejects.toMatchObject(
      USED_UP,
    );
    // What has no end is not forgotten, and not closed.
    await ledger.hold(
      capability({ per: 'total', tokens: 1 }, { per: 'total', rate: { count: 1, seconds: 60 } }),
      {
        tokens: 1,
      },
    );
    time.now += 70 * DAY;
    await ledger.hold(held, { tokens: 100 });
    await reopen();
  });

  it('ahead in one process closes nothing that by the clock of the database is open', async () => {
    const held = capability({ per: 'month', tokens: 100 });
    const take = budgetOfDay();
    const ahead = ledgerAt(createLedgerStore(database.sql, `timestamptz '${new Date(NOW).toISOString()}'`));
    ahead.time.now += 400 * DAY;
    await ahead.ledger.tidy();
    ahead.pass(3_600_000);
    await ahead.ledger.tidy();
    await ahead.ledger.tidy();
    const { ledger, time } = ledgerAt();
    await ledger.hold(held, { tokens: 100 });
    await ledger.hold(capability(), { tokens: 10 }, [take(10, time.now)]);
    expect(await database.sql.query('SELECT * FROM kernel_ledger_closed')).toEqual([
      { month: '2026-10', seconds: Date.parse('2026-10-01T00:00:00.000Z') / 1000 },
    ]);
    await reopen();
  });

  it('wrong from the start forgets nothing within an hour', async () => {
    const held = capability({ per: 'month', tokens: 100 });
    const first = ledgerAt();
    await first.ledger.hold(held, { tokens: 100 });
    const wrong = ledgerAt();
    wrong.time.now += 200 * DAY;
    wrong.pass(3_599_000);
    await wrong.ledger.tidy();
    await wrong.ledger.tidy();
    await expect(first.ledger.hold(held, { tokens: 1 })).rejects.toMatchObject(USED_UP);
  });
});
