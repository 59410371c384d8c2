import type { Migration } from '../platform/migrations.js';

/** The tables of this room. */
export const WITNESS_MIGRATIONS: readonly Migration[] = [
  {
    room: 'witness',
    number: 1,
    name: 'logs',
    sql: `
-- The last checkpoint that was cosigned of each log, with our cosignature; a row without a note stands for a log of which
-- none was. time is the one that the cosignature states: it never goes back.
CREATE TABLE witness_log (
  origin text PRIMARY KEY,
  size bigint NOT NULL,
  root bytea NOT NULL,
  time bigint NOT NULL,
  note text
);

-- Proofs that a log showed two histories, which anybody can check (AUD-29).
CREATE TABLE witness_split_view (
  origin text NOT NULL,
  hash text NOT NULL,
  evidence text NOT NULL,
  PRIMARY KEY (origin, hash)
);`,
  },
];
