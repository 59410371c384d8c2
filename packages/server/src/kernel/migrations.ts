import type { Migration } from '../platform/migrations.js';
import { outboxMigration } from '../platform/outbox.js';
import { identityMigrations } from './identity/migrations.js';
import { counterListMigrations } from './ledger/counter-list-migrations.js';
import { ledgerMigrations } from './ledger/migrations.js';
import { ALARM_TABLE, OUTBOX_TABLE } from './outbox-table.js';
import { rbacMigrations } from './rbac/migrations.js';
import { revocationMigrations } from './revocation/migrations.js';

/** The kernel's tables. An applied step is never edited. */
export const kernelMigrations: readonly Migration[] = [
  {
    room: 'kernel',
    number: 1,
    name: 'identities-capabilities-revocations-ledger-nodes',
    sql: `
CREATE TABLE kernel_identity (
  did text PRIMARY KEY,
  kind text NOT NULL,
  name text NOT NULL,
  id uuid NOT NULL UNIQUE,
  registered_at bigint NOT NULL
);
CREATE INDEX kernel_identity_page ON kernel_identity ((registered_at / 1000) DESC, id DESC);

CREATE TABLE kernel_capability (
  lid text PRIMARY KEY,
  cth text NOT NULL UNIQUE,
  chain text NOT NULL,
  sub text NOT NULL,
  exp bigint NOT NULL,
  issued_at bigint NOT NULL
);

-- 'number' grows in the order of commits: whoever adds one holds the table's advisory lock until it commits.
CREATE TABLE kernel_revocation (
  number bigint PRIMARY KEY,
  lid text NOT NULL UNIQUE,
  revoked_by text NOT NULL,
  revocation text,
  revoked_at bigint NOT NULL,
  audited boolean NOT NULL DEFAULT false
);

-- Calls debited under a link or an anchor in one period: 'calls' is the limit as last asked, 'taken' the last debit.
CREATE TABLE kernel_ledger (
  counter text NOT NULL,
  period text NOT NULL,
  root text NOT NULL,
  calls bigint NOT NULL,
  used bigint NOT NULL CHECK (used >= 0),
  taken bigint NOT NULL,
  PRIMARY KEY (counter, period)
);
CREATE INDEX kernel_ledger_root ON kernel_ledger (root);

-- Starts of a node: session ids of an earlier start are told apart (SES-8).
CREATE TABLE kernel_node (
  node bigint PRIMARY KEY,
  boot bigint NOT NULL
);
`,
  },
  {
    room: 'kernel',
    number: 2,
    name: 'nodes-are-in-the-registry',
    sql: 'DROP TABLE kernel_node;',
  },
  ...ledgerMigrations,
  ...counterListMigrations,
  ...rbacMigrations,
  ...identityMigrations,
  ...revocationMigrations,
  outboxMigration('kernel-outbox', OUTBOX_TABLE),
  outboxMigration('kernel-alarm-outbox', ALARM_TABLE),
  {
    room: 'kernel',
    number: 3,
    name: 'unlogged-events-are-in-the-outbox',
    sql: `
ALTER TABLE kernel_revocation DROP COLUMN audited, DROP COLUMN actor;
ALTER TABLE kernel_identity_change DROP COLUMN audited, DROP COLUMN actor;
`,
  },
];
