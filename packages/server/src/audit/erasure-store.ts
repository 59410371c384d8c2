import type { Queries, Sql } from '../platform/sql.js';
import { readFacetPages } from './facet-pages.js';
import { readSpan } from './time-span.js';

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
  /** One of what is old goes on where the last one ended, and takes the place of one that was left. */
  begin(job: Pick<ErasureJob, 'id' | 'selection' | 'actor'>): Promise<ErasureJob>;
  /** Those that were left, by a process that ended or failed, oldest first. */
  left(): Promise<ErasureJob[]>;
  /** What is still to be looked at, in order, a transaction each. @throws {TrustError} LOG_CORRUPT */
  pieces(job: ErasureJob): AsyncIterable<ErasurePiece>;
  /** Erases the next piece. */
  advance(job: ErasureJob, piece: ErasurePiece): Promise<ErasureJob>;
  /** The job is over; what `keep` keeps is kept with its end. Of two processes that end the same job one finds it. */
  end(job: ErasureJob, keep: (tx: Queries) => Promise<void>): Promise<void>;
  /** Lets PostgreSQL use the room of what was erased for something else. */
  vacuum(): Promise<void>;
}

/** Some events, and the index up to which everything was looked at once they are erased. */
export interface ErasurePiece {
  readonly indexes: readonly number[];
  readonly after: number;
}

/** Events of one transaction. */
const CHUNK = 500;

/** Events that say who administered, besides refusals on the admin surface. Who erased stays known until that is old. */
const ADMINISTRATION = [
  ...['identity.registered', 'identity.deactivated', 'capability.issued', 'revocation', 'revocation.below'],
  ...['log.counted', 'policy.loaded', 'rbac.changed', 'secret.changed'],
];

export function createErasureStore(sql: Sql): ErasureStore {
  return {
    begin: ({ id, selection, actor }) =>
      sql.transaction(async (tx) => {
        const isOfAge = selection.of === 'age';
        if (isOfAge) await tx.query(`DELETE FROM audit_erasure WHERE selection::json->>'of' = 'age'`);
        const after = isOfAge ? await agedUntil(tx) : -1;
        await tx.query('INSERT INTO audit_erasure (id, selection, actor, after) VALUES ($1, $2, $3, $4)', [
          id,
          JSON.stringify(selection),
          actor,
          after,
        ]);
        return { id, selection, actor, after, erased: 0 };
      }),
    left: async () => {
      const rows = await sql.query<Omit<ErasureJob, 'selection'> & { selection: string }>(
        'SELECT id, selection, actor, after, erased FROM audit_erasure ORDER BY id',
      );
      return rows.map((row) => ({ ...row, selection: JSON.parse(row.selection) as Selection }));
    },
    pieces: (job) => piecesOf(sql, job),
    advance: (job, piece) =>
      sql.transaction(async (tx) => {
        const erased = job.erased + (await erase(tx, job, piece.indexes));
        const { after } = piece;
        await tx.query('UPDATE audit_erasure SET after = $2, erased = $3 WHERE id = $1', [
          job.id,
          after,
          erased,
        ]);
        return { ...job, after, erased };
      }),
    end: (job, keep) =>
      sql.transaction(async (tx) => {
        if (job.selection.of === 'age')
          await tx.query('UPDATE audit_log SET aged = greatest(aged, $1)', [job.after]);
        const ended = await tx.query('DELETE FROM audit_erasure WHERE id = $1 RETURNING id', [job.id]);
        if (ended.length > 0) await keep(tx);
      }),
    vacuum: () => sql.session(async (session) => void (await session.query('VACUUM audit_event'))),
  };
}

async function agedUntil(sql: Queries): Promise<number> {
  const [row] = await sql.query<{ aged: number }>('SELECT aged FROM audit_log');
  return row?.aged ?? -1;
}

async function* piecesOf(sql: Queries, { selection, after }: ErasureJob): AsyncGenerator<ErasurePiece> {
  if (selection.of === 'event') {
    const rows = await sql.query<{ idx: number }>('SELECT idx FROM audit_id WHERE id = $1 AND idx > $2', [
      selection.event,
      after,
    ]);
    for (const { idx } of rows) yield { indexes: [idx], after: idx };
    return;
  }
  const since = selection.of === 'age' ? undefined : selection.from;
  const { from, to } = await readSpan(sql, { since, until: selection.to });
  const left = { from: Math.max(from, after + 1), to };
  if (selection.of === 'age') {
    for (let at = left.from; at < to; at += CHUNK) yield pieceOf(range(at, Math.min(to, at + CHUNK)));
    return;
  }
  const facets = await facetsOf(sql, selection);
  for await (const { indexes, next } of readFacetPages(sql, facets, left)) {
    for (let at = 0; at < indexes.length; at += CHUNK) yield pieceOf(indexes.slice(at, at + CHUNK));
    yield { indexes: [], after: next - 1 };
  }
}

function pieceOf(indexes: readonly number[]): ErasurePiece {
  return { indexes, after: indexes.at(-1) ?? -1 };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** Of what is looked at; not all of it is of whom it is about. */
async function facetsOf(
  sql: Queries,
  selection: Extract<Selection, { of: 'agent' | 'administrator' }>,
): Promise<number[]> {
  const rows =
    selection.of === 'agent'
      ? await sql.query<{ num: number }>(
          "SELECT num FROM audit_facet WHERE sub = $1 OR type = 'identity.registered'",
          [selection.agent],
        )
      : await sql.query<{ num: number }>(
          "SELECT num FROM audit_facet WHERE type = ANY($1) OR surface = 'admin'",
          [ADMINISTRATION],
        );
  return rows.map(({ num }) => num);
}

async function erase(tx: Queries, { selection }: ErasureJob, indexes: readonly number[]): Promise<number> {
  if (indexes.length === 0) return 0;
  if (selection.of === 'agent') return (await tx.query(ERASE_OF_AGENT, [indexes, selection.agent])).length;
  if (selection.of !== 'administrator') return (await tx.query(ERASE, [indexes])).length;
  const [whole, ...parts] = [selection.whole, ...selection.parts].map((text) => JSON.stringify(text));
  return (await tx.query(ERASE_MENTIONS, [indexes, whole ?? '', ...parts])).length;
}

const ERASE = `UPDATE audit_event SET disclosures = NULL
  WHERE idx = ANY($1::bigint[]) AND disclosures IS NOT NULL RETURNING idx`;

/** Of whom an event is, or whose name it registers. */
const ERASE_OF_AGENT = `UPDATE audit_event e SET disclosures = NULL
  FROM audit_index x JOIN audit_facet f ON f.num = x.facet
  WHERE e.idx = ANY($1::bigint[]) AND x.idx = e.idx AND e.disclosures IS NOT NULL
    AND (f.sub = $2 OR e.event::json->>'did' = $2) RETURNING e.idx`;

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
