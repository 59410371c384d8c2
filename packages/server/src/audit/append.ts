import type { Queries, SqlValue } from '../platform/sql.js';
import { FACET_COLUMNS, type Facet } from './facet.js';
import type { FinishedEvent } from './finished-event.js';

/** Where an emitter's own chain of events ends. */
export interface EmitterHead {
  readonly eseq: number;
  readonly prev: string | null;
  readonly timeMs: number;
}

/** An event at its place, with what it is found by. */
export interface PlacedEvent extends FinishedEvent {
  readonly timeMs: number;
  readonly facet: Facet;
}

/** An outcome that must follow. */
export interface OwedOutcome {
  readonly decision: string;
  readonly request: string;
  readonly principal: string | null;
  /** The run of the node that owes it; null for this process. */
  readonly node: string | null;
}

/** A facet that no event had before. */
export interface NewFacet {
  readonly at: number;
  /** hex(SHA-256(its text)) */
  readonly key: string;
  readonly facet: Facet;
}

/** Events in order, and what they leave behind. */
export interface Append {
  readonly epoch: number;
  readonly size: number;
  readonly events: readonly PlacedEvent[];
  readonly emitter: EmitterHead;
  /** New counts by subject. */
  readonly subjects: ReadonlyMap<string, number>;
  readonly owed: readonly OwedOutcome[];
  readonly paid: readonly string[];
  /** Where the facet of each event stands, in their order. */
  readonly facets: readonly number[];
  readonly newFacets: readonly NewFacet[];
}

/** Thrown when another holder took the log over. */
export class FencedError extends Error {
  constructor() {
    super('the log has another holder');
    this.name = 'FencedError';
  }
}

/** Appends in one statement, which is its own transaction: all of it is durable when this resolves, or none.
 *  @throws {FencedError} another holder took over; nothing was written */
export async function append(session: Queries, batch: Append, emitter: string): Promise<void> {
  const values = [...headValues(batch, emitter), ...eventValues(batch), ...otherValues(batch)];
  const written = await session.query(APPEND, values);
  if (written.length === 0) throw new FencedError();
}

const FACET_NAMES = FACET_COLUMNS.join(', ');
const FACET_TYPES = FACET_COLUMNS.map((name) => {
  if (name === 'chain') return 'chain bigint';
  return name === 'digits' ? 'digits smallint' : `${name} text`;
}).join(', ');

const APPEND = {
  name: 'audit_append',
  text: `WITH fence AS (
      UPDATE audit_log SET size = $2::bigint + $3::bigint, allowed = allowed + $4, denied = denied + $5
      WHERE epoch = $1 AND size = $2 RETURNING 1
    ), ids AS (
      INSERT INTO audit_id (id, idx)
      SELECT r.id, $2::bigint + r.n - 1 FROM fence, unnest($10::uuid[]) WITH ORDINALITY AS r(id, n)
    ), found_by AS (
      INSERT INTO audit_index (idx, time_ms, facet, cost, input, output)
      SELECT $2::bigint + r.n - 1, r.time_ms, r.facet, r.cost, r.input, r.output
      FROM fence, unnest($11::bigint[], $12::bigint[], $13::bigint[], $35::bigint[], $36::bigint[])
        WITH ORDINALITY AS r(time_ms, facet, cost, input, output, n)
    ), events AS (
      INSERT INTO audit_event (idx, id, request, event, disclosures)
      SELECT $2::bigint + r.n - 1, r.id, r.request, r.event, r.disclosures
      FROM fence, unnest($10::uuid[], $14::uuid[], string_to_array($15, E'\\n'), string_to_array($16, E'\\n', ''))
        WITH ORDINALITY AS r(id, request, event, disclosures, n)
    ), outcomes AS (
      INSERT INTO audit_outcome (decision, id, idx)
      SELECT r.decision, r.id, r.idx FROM fence, unnest($17::uuid[], $18::uuid[], $19::bigint[]) AS r(decision, id, idx)
    ), chains AS (
      INSERT INTO audit_chain (cth, idx, exp, sub, prn)
      SELECT r.* FROM fence, unnest($20::text[], $21::bigint[], $22::bigint[], $33::text[], $34::text[]) AS r
    ), links AS (
      INSERT INTO audit_link (lid, chain)
      SELECT r.lid, r.chain FROM fence, unnest($23::text[], $24::bigint[]) AS r(lid, chain)
    ), facets AS (
      INSERT INTO audit_facet (num, key, ${FACET_NAMES})
      SELECT r.num, decode(r.key, 'hex'), ${FACET_NAMES}
      FROM fence, json_to_recordset($25::json) AS r(num bigint, key text, ${FACET_TYPES})
    ), subjects AS (
      INSERT INTO audit_subject (sub, pseq)
      SELECT r.sub, r.pseq FROM fence, unnest($26::text[], $27::bigint[]) AS r(sub, pseq)
      ON CONFLICT (sub) DO UPDATE SET pseq = excluded.pseq
    ), emitter AS (
      INSERT INTO audit_emitter (did, eseq, prev, time_ms) SELECT $6::text, $7::bigint, $8::text, $9::bigint FROM fence
      ON CONFLICT (did) DO UPDATE SET eseq = excluded.eseq, prev = excluded.prev, time_ms = excluded.time_ms
    ), owed AS (
      INSERT INTO audit_owed (decision, request, principal, node)
      SELECT r.decision, r.request, r.principal, r.node
      FROM fence, unnest($28::uuid[], $29::uuid[], $30::text[], $31::text[]) AS r(decision, request, principal, node)
    ), paid AS (
      DELETE FROM audit_owed USING fence WHERE decision = ANY($32::uuid[])
    )
    SELECT 1 FROM fence`,
};

function headValues(batch: Append, emitter: string): SqlValue[] {
  const { epoch, size, events } = batch;
  const { eseq, prev, timeMs } = batch.emitter;
  const count = (effect: 'allow' | 'deny') => events.filter((event) => event.effect === effect).length;
  return [epoch, size, events.length, count('allow'), count('deny'), emitter, eseq, prev, timeMs];
}

/** A request is found by its decision alone: an outcome is found by that. */
function eventValues({ events, facets }: Append): SqlValue[] {
  return [
    events.map((event) => event.id),
    events.map((event) => event.timeMs),
    facets,
    events.map((event) => event.cost),
    events.map((event) => (event.type === 'decision' ? event.request : null)),
    lines(events.map((event) => event.text)),
    lines(events.map((event) => event.disclosures ?? '')),
  ];
}

/** Canonical JSON has no line end in it. As elements of an array each quote would be escaped here and read back there, which takes
 *  longer than to hash the event. */
function lines(texts: readonly string[]): string {
  return texts.join('\n');
}

function otherValues({ size, events, subjects, owed, paid, newFacets }: Append): SqlValue[] {
  const outcomes = placesOf(events, size, (event) => event.decision !== null);
  const chains = placesOf(events, size, (event) => event.cth !== null);
  const links = chains.flatMap(({ idx, event }) =>
    [...new Set(event.links?.lids)].map((lid) => ({ lid, chain: idx })),
  );
  return [
    outcomes.map(({ event }) => event.decision),
    outcomes.map(({ event }) => event.id),
    outcomes.map(({ idx }) => idx),
    chains.map(({ event }) => event.cth),
    chains.map(({ idx }) => idx),
    chains.map(({ event }) => event.links?.exp ?? null),
    links.map((link) => link.lid),
    links.map((link) => link.chain),
    JSON.stringify(newFacets.map(({ at, key, facet }) => ({ num: at, key, ...facet }))),
    [...subjects.keys()],
    [...subjects.values()],
    owed.map((row) => row.decision),
    owed.map((row) => row.request),
    owed.map((row) => row.principal),
    owed.map((row) => row.node),
    paid,
    chains.map(({ event }) => event.links?.holder.sub ?? null),
    chains.map(({ event }) => event.links?.holder.prn ?? null),
    events.map((event) => event.tokens?.input ?? null),
    events.map((event) => event.tokens?.output ?? null),
  ];
}

/** Where those stand that are so. */
function placesOf(
  events: readonly PlacedEvent[],
  size: number,
  isSo: (event: PlacedEvent) => boolean,
): { readonly idx: number; readonly event: PlacedEvent }[] {
  return events.flatMap((event, i) => (isSo(event) ? { idx: size + i, event } : []));
}
