import type { Migration } from '../../platform/migrations.js';

/** What the ledger adds to its first table (`kernel_ledger`). An applied step is never edited. */
export const ledgerMigrations: readonly Migration[] = [
  {
    room: 'kernel-ledger',
    number: 1,
    name: 'units-windows-holds',
    sql: `
-- Units of any kind are counted: 'allowed' is the limit as last asked. 'ends' is 0, or the end in Unix seconds of the
-- window that a rate is counted in: with a new window the same row begins anew. 'amount' and 'largest' are what the
-- last debit asked for.
ALTER TABLE kernel_ledger RENAME COLUMN calls TO allowed;
ALTER TABLE kernel_ledger ADD COLUMN ends bigint NOT NULL DEFAULT 0;
ALTER TABLE kernel_ledger ADD COLUMN amount bigint NOT NULL DEFAULT 1;
ALTER TABLE kernel_ledger ADD COLUMN largest bigint NOT NULL DEFAULT 1;

-- What calls took that may have taken less. Removed when a call is settled; what nobody settles is spent.
CREATE TABLE kernel_hold (
  id uuid NOT NULL,
  counter text NOT NULL,
  period text NOT NULL,
  kind text NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  held_at bigint NOT NULL,
  PRIMARY KEY (id, counter, period)
);
CREATE INDEX kernel_hold_age ON kernel_hold (held_at);
`,
  },
  {
    room: 'kernel-ledger',
    number: 2,
    name: 'counters-by-branch',
    sql: `
-- The second link's lid, of counters of that link and below it; rows from before have none.
ALTER TABLE kernel_ledger ADD COLUMN branch text;
`,
  },
  {
    room: 'kernel-ledger',
    number: 3,
    name: 'holds-in-memory',
    sql: `
-- What a call holds is a part of what its process has debited: it needs no row of its own. What was held in rows stays
-- spent, as after a kill.
DROP TABLE kernel_hold;
`,
  },
  {
    room: 'kernel-ledger',
    number: 4,
    name: 'marks-of-budgets',
    sql: `
-- Per cent of a budget that were said to be used, in the period that ends at 'marked_ends'.
ALTER TABLE kernel_ledger ADD COLUMN marked smallint NOT NULL DEFAULT 0;
ALTER TABLE kernel_ledger ADD COLUMN marked_ends bigint NOT NULL DEFAULT 0;
`,
  },
  {
    room: 'kernel-ledger',
    number: 5,
    name: 'when-marks-were-said',
    sql: `
-- The mark that was said last, and when: what was only held is given back, and a mark is passed again in earnest.
ALTER TABLE kernel_ledger ADD COLUMN said smallint NOT NULL DEFAULT 0;
ALTER TABLE kernel_ledger ADD COLUMN said_at timestamptz NOT NULL DEFAULT '-infinity';
`,
  },
  {
    room: 'kernel-ledger',
    number: 6,
    name: 'closed-periods',
    sql: `
-- Days and months of budgets have a row each, like those of limits: a clock that is ahead begins another one.
UPDATE kernel_ledger SET period = period || ':' || ends WHERE period IN ('day', 'month') AND ends > 0;

-- What ended before this is closed for good: its rows may be gone. 'month' is the same moment as 'seconds'.
CREATE TABLE kernel_ledger_closed (month text NOT NULL, seconds bigint NOT NULL);
INSERT INTO kernel_ledger_closed VALUES ('', 0);
`,
  },
];
