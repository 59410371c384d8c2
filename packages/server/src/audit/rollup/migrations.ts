import type { Migration } from '../../platform/migrations.js';

/** Sums of the log over time (AUD-120 to AUD-123), which follow from `audit_index` and can be made again from it. */
export const ROLLUP_MIGRATIONS: readonly Migration[] = [
  {
    room: 'audit-rollup',
    number: 1,
    name: 'tallies',
    sql: `
-- How far events are counted: from index began up to, not including, counted. Moves with the sums, in one transaction.
CREATE TABLE audit_rollup (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  began bigint NOT NULL,
  counted bigint NOT NULL
);

-- One sum. unit and dim are numbers of rollup/units.ts, minute is where the bucket begins, in minutes since 1970.
-- kind: 0 events without such a member, 1 of this value, 2 of values that came when there were too many.
CREATE TABLE audit_tally (
  unit smallint NOT NULL,
  dim smallint NOT NULL,
  minute integer NOT NULL,
  kind smallint NOT NULL,
  value text NOT NULL,
  currency text NOT NULL,
  events bigint NOT NULL,
  allowed bigint NOT NULL,
  denied bigint NOT NULL,
  amount numeric NOT NULL,
  PRIMARY KEY (unit, dim, minute, kind, value, currency)
);`,
  },
];
