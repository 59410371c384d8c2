/** A pruning under way: at most one. It is there from before its event is recorded until the last body is gone. */
export const PRUNING_MIGRATION = `
-- draft is that of the event that puts it on record, done the index below which bundles are gone.
CREATE TABLE audit_pruning (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  lo bigint NOT NULL,
  hi bigint NOT NULL,
  draft text NOT NULL,
  done bigint NOT NULL
);`;
