import type { Migration } from '../../platform/migrations.js';

/** The tables of identities, beside `kernel_identity` of the kernel's first step. An applied step is never edited. */
export const identityMigrations: readonly Migration[] = [
  {
    room: 'kernel-identity',
    number: 1,
    name: 'standing-and-history',
    sql: `
-- Who registered before a proof was asked for has none.
ALTER TABLE kernel_identity
  ADD COLUMN proof text,
  ADD COLUMN status text NOT NULL DEFAULT 'active',
  ADD COLUMN ended_at bigint,
  ADD COLUMN successor text;

-- 'number' grows in the order of commits: whoever adds one holds the table's advisory lock until it commits.
-- 'content', 'witness': the document or log that came into use, and the log's witness proofs.
CREATE TABLE kernel_identity_change (
  number bigint PRIMARY KEY,
  did text NOT NULL,
  type text NOT NULL,
  at bigint NOT NULL,
  version text,
  successor text,
  predecessor text,
  ended_by text,
  statement text,
  content bytea,
  witness bytea,
  audited boolean NOT NULL DEFAULT false
);
CREATE INDEX kernel_identity_change_did ON kernel_identity_change (did, number);
CREATE INDEX kernel_identity_change_ended ON kernel_identity_change (number) WHERE type IN ('rotated', 'deactivated');
CREATE INDEX kernel_identity_change_unaudited ON kernel_identity_change (number) WHERE NOT audited;
`,
  },
  {
    room: 'kernel-identity',
    number: 2,
    name: 'who-deactivated',
    sql: `
-- Which administrator ended an identity, as JSON; forgotten once the event is in the log.
ALTER TABLE kernel_identity_change ADD COLUMN actor text;
`,
  },
  {
    room: 'kernel-identity',
    number: 3,
    name: 'versions-of-logs-that-were-seen',
    sql: `
-- The newest version any process saw of the log of a did:webvh: one that lacks it is refused. Never taken back.
CREATE TABLE kernel_webvh_mark (
  did text PRIMARY KEY,
  number bigint NOT NULL,
  version_id text NOT NULL
);
`,
  },
];
