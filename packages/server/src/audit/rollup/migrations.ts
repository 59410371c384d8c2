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
  {
    room: 'audit-rollup',
    number: 2,
    name: 'ranking',
    sql: `
-- A value has one row in a bucket: to rank values, and to read one, as few rows are looked at as can be. costs: what was paid, by
-- currency, as a string of decimal digits; null if nothing was. unit 3, four weeks, only ranks: what days say is in it, so that what
-- was pruned is too.
CREATE TABLE audit_tally_of_value (
  unit smallint NOT NULL,
  dim smallint NOT NULL,
  minute integer NOT NULL,
  kind smallint NOT NULL,
  value text NOT NULL,
  events bigint NOT NULL,
  allowed bigint NOT NULL,
  denied bigint NOT NULL,
  costs jsonb
);
INSERT INTO audit_tally_of_value
SELECT unit, dim, minute, kind, value, sum(events), sum(allowed), sum(denied),
  jsonb_object_agg(currency, amount::text) FILTER (WHERE currency <> '')
FROM (
  SELECT u.unit, t.dim, u.minute, t.kind, t.value, t.currency, sum(t.events) AS events, sum(t.allowed) AS allowed,
    sum(t.denied) AS denied, sum(t.amount) AS amount
  FROM audit_tally t CROSS JOIN LATERAL (
    SELECT t.unit, t.minute UNION ALL SELECT 3::smallint, t.minute / 40320 * 40320 WHERE t.unit = 2) u(unit, minute)
  GROUP BY 1, 2, 3, 4, 5, 6
) s GROUP BY 1, 2, 3, 4, 5;
DROP TABLE audit_tally;
ALTER TABLE audit_tally_of_value RENAME TO audit_tally;
-- One value over a time is read by the key, all values of a time by the index.
ALTER TABLE audit_tally ADD PRIMARY KEY (unit, dim, kind, value, minute);
CREATE INDEX audit_tally_minute ON audit_tally (unit, dim, minute);
ANALYZE audit_tally;`,
  },
  {
    room: 'audit-rollup',
    number: 3,
    name: 'tokens',
    sql: `
-- What models read and wrote; of what was summed before nothing is known.
ALTER TABLE audit_tally ADD COLUMN input bigint NOT NULL DEFAULT 0, ADD COLUMN output bigint NOT NULL DEFAULT 0;`,
  },
];
