import type { Queries, Sql } from '../platform/sql.js';

/** Whose disclosures are erased; times in Unix milliseconds, `to` excluded. */
export type Selection =
  | { readonly of: 'event'; readonly event: string }
  | { readonly of: 'agent'; readonly agent: string; readonly from: number; readonly to: number }
  /** What names one who administered: each text, or the first alone, stands in it as JSON. */
  | {
      readonly of: 'administrator';
      readonly whole: string;
      readonly parts: readonly [string, string];
      readonly from: number;
      readonly to: number;
    }
  | { readonly of: 'age'; readonly to: number };

/** An erasure under way: what was erased below `after` is erased for good, whenever the process ends. */
export interface ErasureJob {
  /** UUID of its event. */
  readonly id: string;
  readonly selection: Selection;
  /** JSON. */
  readonly actor: string | null;
  readonly after: number;
  readonly erased: number;
}

/** The SQL of erasure (AUD-89). */
export interface ErasureStore {
  begin(job: Pick<ErasureJob, 'id' | 'selection' | 'actor'>): Promise<ErasureJob>;
  /** Those that a process left when it ended, oldest first. */
  left(): Promise<ErasureJob[]>;
  /** Erases the next ones and says how far it came; with `isDone` the job is over, and what `keep` keeps is kept with the
   *  last of it. */
  advance(job: ErasureJob, keep: (tx: Queries, job: ErasureJob) => Promise<void>): Promise<Advance>;
  /** Lets PostgreSQL use the room of what was erased for something else. */
  vacuum(): Promise<void>;
}

interface Advance {
  readonly job: ErasureJob;
  readonly isDone: boolean;
}

/** Events of one transaction. */
const CHUNK = 500;

/** Events that say who administered, besides refusals on the admin surface. Who erased stays known until that is old. */
const ADMINISTRATION = [
  ...['identity.registered', 'identity.deactivated', 'capability.issued', 'revocation', 'revocation.below'],
  ...['log.counted', 'policy.loaded', 'rbac.changed'],
];

export function createErasureStore(sql: Sql): ErasureStore {
  return {
    begin: async ({ id, selection, actor }) => {
      const after = selection.of === 'age' ? await agedUntil(sql) : -1;
      await sql.query('INSERT INTO audit_erasure (id, selection, actor, after) VALUES ($1, $2, $3, $4)', [
        id,
        JSON.stringify(selection),
        actor,
        after,
      ]);
      return { id, selection, actor, after, erased: 0 };
    },
    left: async () => {
      const rows = await sql.query<Omit<ErasureJob, 'selection'> & { selection: string }>(
        'SELECT id, selection, actor, after, erased FROM audit_erasure ORDER BY id',
      );
      return rows.map((row) => ({ ...row, selection: JSON.parse(row.selection) as Selection }));
    },
    advance: (job, keep) =>
      sql.transaction(async (tx) => {
        const found = await find(tx, job);
        const last = found.at(-1)?.idx ?? job.after;
        const erased = await erase(tx, job, found);
        const next = { ...job, after: last, erased: job.erased + erased };
        const isDone = found.length < CHUNK;
        if (isDone) await finish(tx, next, keep);
        else
          await tx.query('UPDATE audit_erasure SET after = $2, erased = $3 WHERE id = $1', [
            job.id,
            next.after,
            next.erased,
          ]);
        return { job: next, isDone };
      }),
    vacuum: () => sql.session(async (session) => void (await session.query('VACUUM audit_event'))),
  };
}

async function agedUntil(sql: Queries): Promise<number> {
  const [row] = await sql.query<{ aged: number }>('SELECT aged FROM audit_log');
  return row?.aged ?? -1;
}

/** Of two processes that end the same job one finds it. */
async function finish(
  tx: Queries,
  job: ErasureJob,
  keep: (tx: Queries, job: ErasureJob) => Promise<void>,
): Promise<void> {
  if (job.selection.of === 'age')
    await tx.query('UPDATE audit_log SET aged = greatest(aged, $1)', [job.after]);
  const ended = await tx.query('DELETE FROM audit_erasure WHERE id = $1 RETURNING id', [job.id]);
  if (ended.length > 0) await keep(tx, job);
}

interface Found {
  readonly idx: number;
}

/** The next events to look at. */
function find(tx: Queries, { selection, after }: ErasureJob): Promise<Found[]> {
  if (selection.of === 'event')
    return tx.query('SELECT idx FROM audit_id WHERE id = $1 AND idx > $2', [selection.event, after]);
  if (selection.of === 'age')
    return tx.query(
      `SELECT idx FROM audit_index WHERE idx > $1 AND time_ms < $2 ORDER BY idx LIMIT ${CHUNK}`,
      [after, selection.to],
    );
  const { from, to } = selection;
  if (selection.of === 'agent') return tx.query(OF_AGENT, [after, from, to, selection.agent]);
  return tx.query(OF_ADMINISTRATOR, [after, from, to, ADMINISTRATION]);
}

const WITHIN = `FROM audit_index x JOIN audit_event e USING (idx)
  WHERE x.idx > $1 AND x.time_ms >= $2 AND x.time_ms < $3 AND e.disclosures IS NOT NULL`;

/** Of whom an event is, or whose name it registers. */
const OF_AGENT = `SELECT idx FROM (
    (SELECT x.idx ${WITHIN} AND x.facet IN (SELECT num FROM audit_facet WHERE sub = $4) ORDER BY x.idx LIMIT ${CHUNK})
    UNION
    (SELECT x.idx ${WITHIN} AND x.facet IN (SELECT num FROM audit_facet WHERE type = 'identity.registered')
       AND e.event::json->>'did' = $4 ORDER BY x.idx LIMIT ${CHUNK})
  ) found ORDER BY idx LIMIT ${CHUNK}`;

const OF_ADMINISTRATOR = `SELECT x.idx ${WITHIN} AND x.facet IN
    (SELECT num FROM audit_facet WHERE type = ANY($4) OR surface = 'admin') ORDER BY x.idx LIMIT ${CHUNK}`;

async function erase(tx: Queries, { selection }: ErasureJob, found: readonly Found[]): Promise<number> {
  const indexes = found.map(({ idx }) => idx);
  if (selection.of !== 'administrator') return (await tx.query(ERASE, [indexes])).length;
  const [whole, ...parts] = [selection.whole, ...selection.parts].map((text) => JSON.stringify(text));
  return (await tx.query(ERASE_MENTIONS, [indexes, whole ?? '', ...parts])).length;
}

const ERASE = `UPDATE audit_event SET disclosures = NULL
  WHERE idx = ANY($1::bigint[]) AND disclosures IS NOT NULL RETURNING idx`;

/** Keeps what names somebody else. The elements stay as they are written: what is exported is canonical. */
const ERASE_MENTIONS = `UPDATE audit_event e SET disclosures = r.kept FROM (
    SELECT o.idx, '[' || string_agg(d.one::text, ',' ORDER BY d.n) FILTER (WHERE NOT d.names) || ']' AS kept
    FROM audit_event o CROSS JOIN LATERAL (
      SELECT one, n, position($2 IN one::text) > 0 OR (position($3 IN one::text) > 0 AND position($4 IN one::text) > 0)
        AS names
      FROM json_array_elements(o.disclosures::json) WITH ORDINALITY AS j(one, n)) d
    WHERE o.idx = ANY($1::bigint[]) AND o.disclosures IS NOT NULL
    GROUP BY o.idx HAVING bool_or(d.names)) r
  WHERE e.idx = r.idx RETURNING e.idx`;
