import type { Migration } from '../../platform/migrations.js';

/** What lists of counters need of the ledger's table. An applied step is never edited. */
export const counterListMigrations: readonly Migration[] = [
  {
    room: 'kernel-counter-list',
    number: 1,
    name: 'counters-of-a-budget',
    sql: `
-- The counters of one budget, by the first word of their names. Nothing in it changes when units are counted, so that
-- debits stay within their page.
CREATE INDEX kernel_ledger_budget ON kernel_ledger (split_part(counter, ' ', 1)) WHERE counter LIKE 'budget:%';
`,
  },
];
