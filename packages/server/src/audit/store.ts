import type { Cost } from '@talosprotocol/contracts';
import type { Queries, Sql } from '../platform/sql.js';
import { goneError } from './pruning/pruned-error.js';

/** One event as it is stored. `event` is canonical JSON, byte for byte the leaf's data. */
export interface EventRow {
  readonly idx: number;
  readonly id: string;
  readonly event: string;
  /** Null if there is nothing to disclose, or it was erased. */
  readonly disclosures: string | null;
}

/** Where the decision that a request came to, and its outcome, are. */
interface RequestRows {
  readonly decision: EventRow;
  readonly outcome: EventRow | undefined;
}

/** An allowed call that has no outcome yet, and must have one. */
export interface OwedRow {
  readonly decision: string;
  readonly request: string;
  readonly principal: string | null;
  /** What its decision holds. */
  readonly held: Cost | null;
}

/** What is read of the log, and erased. Everything that grows it is in `lead-store.ts`. */
export interface AuditStore {
  /** Leaves from `from` to `to` in order, at most `limit`; fewer if rows are missing. */
  leaves(from: number, to: number, limit: number): Promise<{ idx: number; event: string }[]>;
  rows(from: number, to: number, limit: number): Promise<EventRow[]>;
  eventById(uuid: string): Promise<EventRow | undefined>;
  request(uuid: string): Promise<RequestRows | undefined>;
  /** What is owed by runs of nodes that are not among `running`; with `own` also by this process. */
  owed(limit: number, running: readonly string[], own: boolean): Promise<OwedRow[]>;
  emitters(): Promise<string[]>;
  /** Bodies below this index are gone. */
  pruned(): Promise<number>;
  /** Where the event with this UUID stands, whether its body is there or not. */
  placeOf(uuid: string): Promise<number | undefined>;
  counts(): Promise<{ size: number; allowed: number; denied: number }>;
}

const COLUMNS = 'e.idx, e.id, e.event, e.disclosures';

const LEAVES = {
  name: 'audit_leaves',
  text: 'SELECT idx, event FROM audit_event WHERE idx >= $1 AND idx < $2 ORDER BY idx LIMIT $3',
};
const BY_ID = {
  name: 'audit_by_id',
  text: `SELECT ${COLUMNS} FROM audit_id i JOIN audit_event e USING (idx) WHERE i.id = $1`,
};
// Of a request that was made of several models (LLM-28, LLM-35), the decision behind its answer: that of which something came,
// else the last.
const DECISION = {
  name: 'audit_decision',
  text: `SELECT ${COLUMNS} FROM audit_event e
    LEFT JOIN audit_outcome o ON o.decision = e.id LEFT JOIN audit_event w ON w.idx = o.idx
    WHERE e.request = $1 ORDER BY coalesce(w.event::json->>'status' = 'completed', false) DESC, e.idx DESC LIMIT 1`,
};
const OUTCOME = {
  name: 'audit_outcome',
  text: `SELECT o.idx, e.id, e.event, e.disclosures FROM audit_outcome o LEFT JOIN audit_event e USING (idx)
    WHERE o.decision = $1`,
};

/** Builds the store over the tables of `AUDIT_MIGRATIONS`. */
export function createAuditStore(sql: Sql): AuditStore {
  return {
    leaves: (from, to, limit) => sql.query(LEAVES, [from, to, limit]),
    rows: (from, to, limit) =>
      sql.query(
        `SELECT ${COLUMNS} FROM audit_event e WHERE e.idx >= $1 AND e.idx < $2 ORDER BY e.idx LIMIT $3`,
        [from, to, limit],
      ),
    eventById: async (uuid) => (await sql.query<EventRow>(BY_ID, [uuid]))[0],
    request: (uuid) => findRequest(sql, uuid),
    owed: (limit, running, own) =>
      sql.query(
        `SELECT o.decision, o.request, o.principal, e.event::json -> 'held' AS held
         FROM audit_owed o LEFT JOIN audit_id i ON i.id = o.decision LEFT JOIN audit_event e ON e.idx = i.idx
         WHERE (o.node IS NULL AND $3) OR o.node <> ALL($2::text[]) ORDER BY o.decision LIMIT $1`,
        [limit, running, own],
      ),
    emitters: async () =>
      (await sql.query<{ did: string }>('SELECT did FROM audit_emitter ORDER BY did')).map((row) => row.did),
    pruned: () => readPruned(sql),
    placeOf: async (uuid) =>
      (await sql.query<{ idx: number }>('SELECT idx FROM audit_id WHERE id = $1', [uuid]))[0]?.idx,
    counts: async () =>
      (await sql.query<Counts>('SELECT size, allowed, denied FROM audit_log'))[0] ?? NO_COUNTS,
  };
}

interface Counts {
  readonly size: number;
  readonly allowed: number;
  readonly denied: number;
}

const NO_COUNTS: Counts = { size: 0, allowed: 0, denied: 0 };

async function readPruned(sql: Queries): Promise<number> {
  return (await sql.query<{ pruned: number }>('SELECT pruned FROM audit_log'))[0]?.pruned ?? 0;
}

/** Where an event stands whose row is not there. */
interface Gone {
  readonly idx: number;
  readonly id: null;
}

async function findRequest(sql: Queries, uuid: string): Promise<RequestRows | undefined> {
  const [decision] = await sql.query<EventRow>(DECISION, [uuid]);
  if (decision === undefined) return undefined;
  const [outcome] = await sql.query<EventRow | Gone>(OUTCOME, [decision.id]);
  // That nothing came of it would be false.
  if (outcome?.id === null) throw goneError(outcome.idx, await readPruned(sql));
  return { decision, outcome };
}
