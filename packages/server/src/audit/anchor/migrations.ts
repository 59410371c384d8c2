import type { Migration } from '../../platform/migrations.js';

/** The tables of chain anchors, numbered on its own. */
export const ANCHOR_MIGRATIONS: readonly Migration[] = [
  {
    room: 'anchor',
    number: 1,
    name: 'anchors',
    sql: `
-- One row an anchor: a head of the log (root in hex) at a place. state is what its kind keeps of it, such as the signed
-- transaction, written before it is sent; proof is there once it is proven. version grows with every write.
CREATE TABLE audit_anchor (
  place text NOT NULL,
  size bigint NOT NULL,
  root text NOT NULL,
  begun_ms bigint NOT NULL,
  version bigint NOT NULL,
  state text,
  proof text,
  PRIMARY KEY (place, size)
);
CREATE INDEX audit_anchor_proven ON audit_anchor (size) WHERE proof IS NOT NULL;`,
  },
  {
    room: 'anchor',
    number: 2,
    name: 'watch for others',
    sql: `
-- How far a place was searched for others who anchor the log, and what was found, as its kind writes it.
CREATE TABLE audit_anchor_watch (
  place text PRIMARY KEY,
  state text NOT NULL
);`,
  },
  {
    room: 'anchor',
    number: 3,
    name: 'confirmed',
    sql: `
-- Proofs that carry the header of a block: the others rest on the word of calendars alone. A quote inside a text is
-- escaped, so that only a member is found.
ALTER TABLE audit_anchor ADD COLUMN confirmed boolean NOT NULL
  GENERATED ALWAYS AS (coalesce(position('"header":' in proof) > 0, false)) STORED;
CREATE INDEX audit_anchor_confirmed ON audit_anchor (size) WHERE confirmed;`,
  },
  {
    room: 'anchor',
    number: 4,
    name: 'imported',
    sql: `
-- Proofs that came with an archive, and of whose blocks nobody here asked the chain yet.
ALTER TABLE audit_anchor ADD COLUMN imported boolean NOT NULL DEFAULT false;
CREATE INDEX audit_anchor_imported ON audit_anchor (place, size) WHERE imported;`,
  },
];
