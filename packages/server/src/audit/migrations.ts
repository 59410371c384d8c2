import type { Migration } from '../platform/migrations.js';
import { outboxMigration } from '../platform/outbox.js';
import { ANCHOR_MIGRATIONS } from './anchor/migrations.js';
import { EXPLORE_MIGRATION } from './explore-migration.js';
import { OUTBOX_TABLE } from './outbox-table.js';
import { PRUNING_MIGRATION } from './pruning/migration.js';
import { ROLLUP_MIGRATIONS } from './rollup/migrations.js';

const CLAIMS = (
  link: string,
): string => `(SELECT convert_from(decode(rpad(p, (length(p) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::json
    FROM translate(split_part(${link}, '.', 2), '-_', '+/') AS p)`;

const HOLDERS = `
-- Whom a chain is for: the holder of its last link, and the principal of its first.
ALTER TABLE audit_chain ADD COLUMN sub text, ADD COLUMN prn text;
UPDATE audit_chain c SET
  sub = ${CLAIMS("regexp_replace(e.event::json->>'chain', '^.*~', '')")} ->> 'sub',
  prn = ${CLAIMS("split_part(e.event::json->>'chain', '~', 1)")} ->> 'prn'
FROM audit_event e WHERE e.idx = c.idx;
ALTER TABLE audit_chain ALTER COLUMN sub SET NOT NULL;`;

const ERASURES = `
-- Erasures under way: 'id' is that of the event that follows, 'after' the index up to which it is done.
CREATE TABLE audit_erasure (
  id uuid PRIMARY KEY,
  selection text NOT NULL,
  actor text,
  after bigint NOT NULL,
  erased bigint NOT NULL DEFAULT 0
);
-- Up to which index disclosures were forgotten because they were old.
ALTER TABLE audit_log ADD COLUMN aged bigint NOT NULL DEFAULT -1;`;

/** The tables of this room. */
export const AUDIT_MIGRATIONS: readonly Migration[] = [
  ...ANCHOR_MIGRATIONS,
  {
    room: 'audit',
    number: 1,
    name: 'log',
    sql: `
-- The log of this database: one row. Each holder of the log counts the epoch up and names its own in every write,
-- so that a holder that lost the log without noticing writes nothing.
CREATE TABLE audit_log (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  origin text NOT NULL,
  vkey text NOT NULL,
  epoch bigint NOT NULL,
  boot bigint NOT NULL,
  size bigint NOT NULL,
  allowed bigint NOT NULL,
  denied bigint NOT NULL
);

-- The last checkpoint, in a row of its own: signing does not wait for sequencing.
CREATE TABLE audit_checkpoint (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  epoch bigint NOT NULL,
  size bigint NOT NULL,
  note text
);

-- event is the leaf's data: canonical JSON, byte for byte. The other columns only find it.
CREATE TABLE audit_event (
  idx bigint PRIMARY KEY,
  id uuid NOT NULL UNIQUE,
  type text NOT NULL,
  request uuid,
  decision uuid,
  cth text,
  event text NOT NULL
);
CREATE INDEX audit_event_request ON audit_event (request) WHERE type = 'decision';
CREATE UNIQUE INDEX audit_event_outcome ON audit_event (decision) WHERE type = 'outcome';
CREATE UNIQUE INDEX audit_event_chain ON audit_event (cth) WHERE type = 'chain';

-- What opens the commitments of an event. To erase it leaves every proof valid.
CREATE TABLE audit_disclosure (
  idx bigint PRIMARY KEY,
  disclosures text NOT NULL
);

CREATE TABLE audit_subject (
  sub text PRIMARY KEY,
  pseq bigint NOT NULL
);

CREATE TABLE audit_emitter (
  did text PRIMARY KEY,
  eseq bigint NOT NULL,
  prev text NOT NULL,
  time_ms bigint NOT NULL
);

-- Allowed writes whose outcome is not recorded yet.
CREATE TABLE audit_owed (
  decision uuid PRIMARY KEY,
  request uuid NOT NULL,
  principal text
);`,
  },
  {
    room: 'audit',
    number: 2,
    name: 'policies',
    sql: `
-- Every policy that was ever in force, by its hash: what the decisions made under it are held against.
CREATE TABLE audit_policy (
  hash text PRIMARY KEY,
  anchors text NOT NULL
);`,
  },
  {
    room: 'audit',
    number: 3,
    name: 'nodes',
    sql: `
-- The run of the node that owes the outcome; null for the process that keeps the log.
ALTER TABLE audit_owed ADD COLUMN node text;`,
  },
  { room: 'audit', number: 4, name: 'explore', sql: EXPLORE_MIGRATION },
  { room: 'audit', number: 5, name: 'holders', sql: HOLDERS },
  {
    room: 'audit',
    number: 6,
    name: 'witnesses',
    sql: `
-- The newest checkpoint that as many witnesses as must have seen, with their cosignatures.
ALTER TABLE audit_checkpoint ADD COLUMN witnessed text;`,
  },
  {
    room: 'audit',
    number: 7,
    name: 'prices',
    sql: `
-- What cost so much or more is found without the facets, of which prices have many.
CREATE INDEX audit_index_cost ON audit_index (cost, idx) WHERE cost IS NOT NULL;`,
  },
  {
    room: 'audit',
    number: 8,
    name: 'tokens',
    sql: `
-- What an outcome's model read and wrote. Of events from before nothing is said.
ALTER TABLE audit_index ADD COLUMN input bigint, ADD COLUMN output bigint;`,
  },
  {
    room: 'audit',
    number: 9,
    name: 'price-trees',
    sql: `
-- The trees say all that is asked of a price: the rows of one filter lie all over the table, and to fetch thousands of them takes longer
-- than to find them.
CREATE INDEX audit_index_facet_cost ON audit_index (facet, idx) INCLUDE (cost);
DROP INDEX audit_index_facet;
CREATE INDEX audit_index_cost_facet ON audit_index (cost, idx) INCLUDE (facet) WHERE cost IS NOT NULL;
DROP INDEX audit_index_cost;`,
  },
  {
    room: 'audit',
    number: 10,
    name: 'price-facets',
    sql: `
-- Of the facets of a tool or an agent few have a price, and fewer a high one: the others are not looked at.
CREATE INDEX audit_facet_tool_digits ON audit_facet (tool, digits) WHERE digits IS NOT NULL;
CREATE INDEX audit_facet_sub_digits ON audit_facet (sub, digits) WHERE digits IS NOT NULL;`,
  },
  {
    room: 'audit',
    number: 11,
    name: 'facet-trees',
    sql: `
-- Facets are told from one another by the trees alone: those of a code, or of a tool at a price, lie all over the table, so that to list a few
-- thousand of them was to read as many pages.
CREATE INDEX audit_facet_code_chain ON audit_facet (code) INCLUDE (chain, lid, num) WHERE code IS NOT NULL;
DROP INDEX audit_facet_code;
CREATE INDEX audit_facet_tool_price ON audit_facet (tool, digits) INCLUDE (server, currency, num) WHERE digits IS NOT NULL;
DROP INDEX audit_facet_tool_digits;`,
  },
  { room: 'audit-erasure', number: 1, name: 'erasures', sql: ERASURES },
  outboxMigration('audit-outbox', OUTBOX_TABLE),
  { room: 'audit-pruning', number: 1, name: 'pruning', sql: PRUNING_MIGRATION },
  ...ROLLUP_MIGRATIONS,
  {
    room: 'audit-denial',
    number: 1,
    name: 'counts',
    sql: `
-- Denials that were counted and are not summed up in the log yet: drafts of events, as JSON.
CREATE TABLE audit_denial (id text PRIMARY KEY, draft text NOT NULL);`,
  },
];
