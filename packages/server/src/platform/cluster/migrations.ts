import type { Migration } from '../migrations.js';

/** The table of the nodes. An applied step is never edited. */
export const CLUSTER_MIGRATIONS: readonly Migration[] = [
  {
    room: 'cluster',
    number: 1,
    name: 'nodes',
    sql: `
-- One row a node number. Whoever runs under a number holds its advisory lock; 'boot' counts the starts under it, so
-- that no two runs are equal, and every write of a run names both.
CREATE TABLE cluster_node (
  node integer PRIMARY KEY,
  boot bigint NOT NULL,
  gateway text NOT NULL,
  services text NOT NULL,
  url text,
  version text NOT NULL,
  started_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  ended boolean NOT NULL
);`,
  },
];
