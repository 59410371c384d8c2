import { afterAll, beforeAll, expect, it } from 'vitest';
import { createMetrics } from '../platform/metrics/metrics.js';
import { migrate } from '../platform/migrations.js';
import { clock, random } from '../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../platform/testing/database.js';
import { createTestLog } from '../platform/testing/test-log.js';
import { createBudgetAlarm } from './budget-alarm.js';
import type { BudgetMark } from './ledger/marks.js';
import { kernelMigrations } from './migrations.js';
import { ALARM_TABLE } from './outbox-table.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
  await migrate(database.sql, kernelMigrations);
});
afterAll(() => database?.close());

const MARK: BudgetMark = {
  percent: 80,
  take: {
    ...{ budget: 'b', subject: 'all', counter: 'budget:b all calls UTC', kind: 'calls', per: 'total' },
    ...{ period: 'total', ends: 0, zone: 'UTC', allowed: 5, amount: 1, isHard: true, warnAt: [80] },
  },
};

it('BUD-8 what cannot be kept for the webhook leaves the debit it comes with as it is', async () => {
  const { sql } = database;
  const lines: string[] = [];
  const webhook = { send: async () => undefined };
  const log = createTestLog(lines);
  const event = { keep: async () => undefined, deliver: async () => undefined };
  const deps = { sql, clock, random, metrics: createMetrics(), log, webhook };
  const alarm = createBudgetAlarm(deps, { budgetReached: () => event });
  await sql.query('CREATE TABLE debit (n integer)');
  await sql.query(`ALTER TABLE ${ALARM_TABLE} RENAME TO away`);
  await sql.transaction(async (tx) => {
    await tx.query('INSERT INTO debit VALUES (1)');
    await alarm.onMarks(tx, [MARK]);
    await tx.query('INSERT INTO debit VALUES (2)');
  });
  expect(await sql.query('SELECT n FROM debit ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }]);
  expect(lines.join('')).toContain('the webhook is not told of a budget');
});
