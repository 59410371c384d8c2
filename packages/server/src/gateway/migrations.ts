import type { Migration } from '../platform/migrations.js';

/** The tables of this room. */
export const GATEWAY_MIGRATIONS: readonly Migration[] = [
  {
    room: 'gateway',
    number: 1,
    name: 'journal',
    sql: `
-- One row per write an agent named by a rid (SES-10), kept for 24 hours.
CREATE TABLE gateway_call (
  subject text NOT NULL,
  audience text NOT NULL,
  rid uuid NOT NULL,
  request_hash text NOT NULL,
  receipt text NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'done')),
  -- The answer as JSON; null while running, and when it is too large to keep.
  outcome text,
  outcome_hash text,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (subject, audience, rid)
);
CREATE INDEX gateway_call_created ON gateway_call (created_at);

-- The tool object a pin was made of, seen when it was in force: what a changed tool is compared with.
CREATE TABLE gateway_pinned_tool (
  pin text PRIMARY KEY,
  tool text NOT NULL,
  seen_at timestamptz NOT NULL
);`,
  },
];
