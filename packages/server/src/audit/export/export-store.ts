import type { BundleFilter } from '@talosprotocol/contracts';
import type { Sql, SqlValue } from '../../platform/sql.js';
import { type FacetPage, readFacetPages } from '../facet-pages.js';
import type { EventRow } from '../store.js';
import { firstAt } from '../time-span.js';

/** What an entry of a bundle refers to, and how large it is. */
export interface EntryRefs {
  readonly idx: number;
  readonly id: string;
  readonly type: string;
  readonly effect: string | null;
  /** Index of the `chain` event it names. */
  readonly chain: number | null;
  /** The session of a decision. */
  readonly sid: string | null;
  /** UUID of the decision whose outcome it is, or from which it goes on (AUD-128). */
  readonly decision: string | null;
  /** Bytes of the event, and of what opens its commitments. */
  readonly bytes: number;
  readonly disclosed: number;
}

/** An event that ends something, and what (AUD-55). */
export interface EndingRow {
  readonly idx: number;
  readonly target: string;
}

/** What an export asks of the log's rows: everything is found by facets and indexes, nothing by a scan. */
export interface ExportStore {
  /** Bodies below this index are gone, but for those that later events refer to. */
  pruned(): Promise<number>;
  /** How many events a subject has; 0 if none. */
  numberOf(sub: string): Promise<number>;
  /** Unix milliseconds of an event. */
  timeAt(idx: number): Promise<number | undefined>;
  /** Indexes of the `chain` events of chains with this `cth`, or with a link of this `lid`; at most `limit`. */
  chainsOf(names: readonly string[], limit: number): Promise<number[]>;
  facetsOf(filter: BundleFilter, chains: readonly number[] | undefined): Promise<number[]>;
  facetsOfAgents(subs: readonly string[]): Promise<number[]>;
  /** Facets of openings of sessions under these chains. */
  facetsOfOpenings(chains: readonly number[]): Promise<number[]>;
  /** The first index from `from` up to `to` whose event is not before a moment, in Unix milliseconds; else `to`.
   *  @throws {TrustError} LOG_CORRUPT */
  firstAt(time: number, from: number, to: number): Promise<number>;
  /** Indexes of all events with these facets, from `from` up to `to`, in order. */
  pagesOf(facets: readonly number[], from: number, to: number): AsyncIterable<FacetPage>;
  /** The first from `from` up to `to`. */
  nextFrom(facets: readonly number[], from: number, to: number): Promise<number | undefined>;
  /** The last before an index. */
  lastBefore(facets: readonly number[], before: number): Promise<number | undefined>;
  /** In order. */
  rowsAt(indexes: readonly number[]): Promise<EventRow[]>;
  refsAt(indexes: readonly number[]): Promise<EntryRefs[]>;
  refsIn(from: number, to: number): Promise<EntryRefs[]>;
  /** Bytes of the events of a range and of what opens them. */
  bytesIn(from: number, to: number): Promise<number>;
  /** `sid` of openings. */
  sidsAt(indexes: readonly number[]): Promise<{ idx: number; sid: string }[]>;
  /** Indexes of events with these UUIDs. */
  placesOf(ids: readonly string[]): Promise<number[]>;
  /** Indexes of the outcomes of these decisions, by UUID. */
  outcomesOf(decisions: readonly string[]): Promise<number[]>;
  /** Every event before `size` that ends one of the targets, at most `limit`. */
  endingsOf(targets: readonly string[], size: number, limit: number): Promise<EndingRow[]>;
}

export function createExportStore(sql: Sql): ExportStore {
  const numbers = async (text: string, values: SqlValue[]): Promise<number[]> =>
    (await sql.query<{ n: number }>(text, values)).map(({ n }) => n);
  return {
    pruned: async () => (await numbers('SELECT pruned AS n FROM audit_log', []))[0] ?? 0,
    numberOf: async (sub) =>
      (await numbers('SELECT pseq AS n FROM audit_subject WHERE sub = $1', [sub]))[0] ?? 0,
    timeAt: async (idx) => (await numbers('SELECT time_ms AS n FROM audit_index WHERE idx = $1', [idx]))[0],
    chainsOf: (names, limit) => numbers(CHAINS, [names, limit]),
    facetsOf: (filter, chains) => {
      const { where, values } = conditionsOf(filter, chains);
      return numbers(`SELECT num AS n FROM audit_facet WHERE ${where.join(' AND ')}`, values);
    },
    facetsOfAgents: (subs) => numbers('SELECT num AS n FROM audit_facet WHERE sub = ANY($1)', [subs]),
    facetsOfOpenings: (chains) =>
      numbers("SELECT num AS n FROM audit_facet WHERE chain = ANY($1) AND type = 'session.opened'", [chains]),
    firstAt: (time, from, to) => firstAt(sql, { from, to }, time),
    pagesOf: (facets, from, to) => readFacetPages(sql, facets, { from, to }),
    nextFrom: async (facets, from, to) => (await numbers(NEXT, [facets, from, to]))[0],
    lastBefore: async (facets, before) => (await numbers(LAST, [facets, before]))[0],
    rowsAt: (indexes) =>
      sql.query('SELECT idx, id, event, disclosures FROM audit_event WHERE idx = ANY($1) ORDER BY idx', [
        indexes,
      ]),
    refsAt: (indexes) => sql.query(`${REFS} WHERE e.idx = ANY($1) ORDER BY e.idx`, [indexes]),
    refsIn: (from, to) => sql.query(`${REFS} WHERE e.idx >= $1 AND e.idx < $2 ORDER BY e.idx`, [from, to]),
    bytesIn: async (from, to) => (await numbers(BYTES, [from, to]))[0] ?? 0,
    sidsAt: (indexes) =>
      sql.query("SELECT idx, event::json->>'sid' AS sid FROM audit_event WHERE idx = ANY($1) ORDER BY idx", [
        indexes,
      ]),
    placesOf: (ids) => numbers('SELECT idx AS n FROM audit_id WHERE id = ANY($1::uuid[])', [ids]),
    outcomesOf: (decisions) =>
      numbers('SELECT idx AS n FROM audit_outcome WHERE decision = ANY($1::uuid[])', [decisions]),
    endingsOf: async (targets, size, limit) =>
      (await sql.query<EndingRow>(ENDINGS, [targets, size, limit])).sort((a, b) => a.idx - b.idx),
  };
}

const CHAINS = `SELECT idx AS n FROM audit_chain WHERE cth = ANY($1)
  UNION SELECT chain FROM audit_link WHERE lid = ANY($1) ORDER BY n LIMIT $2`;

// Each facet is asked for by itself: in one query for all, the planner reads all that lies between.
const NEXT = `SELECT i.idx AS n FROM unnest($1::bigint[]) AS f(num) CROSS JOIN LATERAL (
    SELECT idx FROM audit_index WHERE facet = f.num AND idx >= $2 AND idx < $3 ORDER BY idx LIMIT 1
  ) i ORDER BY n LIMIT 1`;

const LAST = `SELECT i.idx AS n FROM unnest($1::bigint[]) AS f(num) CROSS JOIN LATERAL (
    SELECT idx FROM audit_index WHERE facet = f.num AND idx < $2 ORDER BY idx DESC LIMIT 1
  ) i ORDER BY n DESC LIMIT 1`;

const REFS = `SELECT e.idx, e.id, f.type, f.effect, f.chain, v->'credential'->>'sid' AS sid,
    substr(coalesce(v->>'decision', v->>'after'), 5) AS decision, octet_length(e.event) AS bytes,
    coalesce(octet_length(e.disclosures), 2) AS disclosed
  FROM audit_event e JOIN audit_index i USING (idx) JOIN audit_facet f ON f.num = i.facet
  CROSS JOIN LATERAL (SELECT e.event::json AS v) j`;

const BYTES = `SELECT coalesce(sum(octet_length(event) + coalesce(octet_length(disclosures), 2)), 0)::bigint AS n
  FROM audit_event WHERE idx >= $1 AND idx < $2`;

const ENDINGS = `SELECT i.idx, f.lid AS target FROM audit_facet f CROSS JOIN LATERAL (
    SELECT idx FROM audit_index WHERE facet = f.num AND idx < $2 ORDER BY idx LIMIT $3
  ) i WHERE f.lid = ANY($1) LIMIT $3`;

/** Which facets fit (AUD-53). An outcome has the action of its decision, which was allowed. */
function conditionsOf(
  { agents, tools, effect }: BundleFilter,
  chains: readonly number[] | undefined,
): { readonly where: string[]; readonly values: SqlValue[] } {
  const values: SqlValue[] = [];
  const put = (value: SqlValue): string => `$${values.push(value)}`;
  const where = ['true'];
  if (agents !== undefined) where.push(`sub = ANY(${put(agents)})`);
  if (chains !== undefined) where.push(`chain = ANY(${put(chains)})`);
  if (tools !== undefined) {
    const names = put(tools);
    where.push(`(server = ANY(${names}) OR server || '/' || tool = ANY(${names}))`);
  }
  if (tools !== undefined || effect !== undefined) where.push("type IN ('decision', 'outcome')");
  if (effect !== undefined) {
    const ended = effect === 'allow' ? " OR type = 'outcome'" : '';
    where.push(`((type = 'decision' AND effect = ${put(effect)})${ended})`);
  }
  return { where, values };
}
