import type { EventFilter } from '@talosprotocol/contracts';
import type { Queries, SqlValue } from '../../platform/sql.js';
import { type Conditions, conditionsOf } from './conditions.js';
import { gather, readDearest } from './gather.js';
import {
  beyond,
  direction,
  type Facets,
  found,
  isEmpty,
  type Listed,
  NOWHERE,
  restBehind,
  type Scanned,
  type ScanQuery,
  type ScanTools,
} from './scan-query.js';

/** How much more of each facet is looked at where that was not enough. */
const DEEPER = 8;

/** Finds events with work that is bounded whatever the filter: few facets are merged in order; of many, a look at the
 *  nearest rows finds what is frequent, and else those are merged whose own nearest rows are nearest; what facets alone do
 *  not tell is found by its price or fetched whole if it is rare, or read step by step, and the page ends where the time ends. */
export async function scan(tools: ScanTools, query: ScanQuery): Promise<Scanned> {
  const started = tools.now();
  const { span, filter, limit } = query;
  const { limits, tx } = tools;
  if (span.from >= span.to) return { indexes: [], rest: NOWHERE };
  const conditions = conditionsOf(filter);
  if (conditions === undefined) return nearest(query);
  const listed = await listFacets(tools, conditions, limits.listed);
  if (listed.count === 0) return { indexes: [], rest: NOWHERE };
  if (listed.count <= limits.merged && isExact(filter)) return merge(tx, query, listed.nums);
  const isFew = listed.count <= limits.listed;
  const facets = { conditions, listed: isFew ? listed : undefined };
  const near = await lookNear(tools, query, facets);
  if (near.indexes.length >= limit || isEmpty(near.rest)) return near;
  if (isExact(filter) && isFew)
    return (await readOn(tools, query, facets, near)) ?? mergeNearest(tx, query, listed);
  if (isExact(filter) && isLate(tools, started)) return near;
  const known = isFew ? facets : await listMore(tools, query, conditions);
  return (await gather(tools, query, known)) ?? (await walk(tools, query, known, near, started));
}

/** The list of facets that are too many to be asked one by one, unless it takes longer than it helps: no tree tells those of a price
 *  but by their tool. */
async function listMore(tools: ScanTools, { filter }: ScanQuery, conditions: Conditions): Promise<Facets> {
  const hasTree = isExact(filter) || filter.tool !== undefined;
  const listed = hasTree ? await listFacets(tools, conditions, tools.limits.known) : undefined;
  return {
    conditions,
    listed: listed === undefined || listed.count > tools.limits.known ? undefined : listed,
  };
}

/** Whether the page is handed out as it is. */
const isLate = ({ now, limits }: ScanTools, started: number): boolean => now() - started >= limits.budgetMs;

/** True if facets alone say what an event cost enough: their digits do so for powers of ten. */
function isExact({ min_cost }: EventFilter): boolean {
  return min_cost === undefined || /^10*$/.test(String(min_cost));
}

/** Without conditions every event fits. */
function nearest({ order, span, limit }: ScanQuery): Scanned {
  const count = Math.min(limit, span.to - span.from);
  const indexes = Array.from({ length: count }, (_, i) =>
    order === 'newest' ? span.to - 1 - i : span.from + i,
  );
  return { indexes, rest: beyond(order, span, count) };
}

async function listFacets({ tx }: ScanTools, { select, values }: Conditions, most: number): Promise<Listed> {
  // One value instead of thousands of rows, each of which would be an object here.
  const [row] = await tx.query<Listed>(
    `SELECT count(*) AS count, coalesce(array_agg(f.num)::text, '{}') AS nums FROM (${select}) f`,
    [...values, most + 1],
  );
  return row ?? { count: 0, nums: '{}' };
}

async function merge(tx: Queries, query: ScanQuery, nums: SqlValue): Promise<Scanned> {
  const { order, span, limit } = query;
  const sorted = `ORDER BY idx ${direction(order)} LIMIT $4`;
  const rows = await tx.query<{ idx: number }>(
    `SELECT i.idx FROM unnest($1::bigint[]) AS f(num) CROSS JOIN LATERAL (
       SELECT idx FROM audit_index WHERE facet = f.num AND idx >= $2 AND idx < $3 ${sorted}) i ${sorted}`,
    [nums, span.from, span.to, limit],
  );
  return found(query, rows);
}

/** As `merge`, of many facets. A page full of rows that are nearest in their facets leaves no room for facets that have
 *  none among them, nor for anything behind the last of these. */
async function mergeNearest(tx: Queries, query: ScanQuery, listed: Listed): Promise<Scanned> {
  const { order, span, limit } = query;
  const tops = await readTops(tx, query, listed);
  if (tops.length < limit) return found(query, tops);
  const last = (tops.at(-1) as Top).idx;
  const near = order === 'newest' ? { ...span, from: last } : { ...span, to: last + 1 };
  return { ...(await merge(tx, { ...query, span: near }, facetsOf(tops))), rest: restBehind(query, last) };
}

interface Top {
  readonly num: number;
  readonly idx: number;
}

const facetsOf = (tops: readonly Top[]): number[] => [...new Set(tops.map(({ num }) => num))];

/** The nearest rows of each facet, so many of each that they fill a page; fewer than a page only if there are no more. */
async function readTops(tx: Queries, query: ScanQuery, { count, nums }: Listed): Promise<readonly Top[]> {
  const { order, span, limit } = query;
  const sorted = `ORDER BY idx ${direction(order)} LIMIT`;
  let asked: SqlValue = nums;
  for (let depth = Math.ceil(limit / count); ; depth = Math.min(limit, depth * DEEPER)) {
    const tops = await tx.query<Top>(
      `SELECT f.num, i.idx FROM unnest($1::bigint[]) AS f(num) CROSS JOIN LATERAL (
         SELECT idx FROM audit_index WHERE facet = f.num AND idx >= $2 AND idx < $3 ${sorted} $4) i ${sorted} $5`,
      [asked, span.from, span.to, depth, limit],
    );
    if (tops.length === limit || depth === limit || tops.length === 0) return tops;
    asked = facetsOf(tops);
  }
}

/** A span so many windows wide is looked through by price: where less of the log is asked for, most rows of a price lie elsewhere. */
const WIDE = 8;

/** Looks at the rows that come first, or, of what cost so much, at the dearest: mostly they are all there are, and else they tell how
 *  far it is to a full page. Nothing was looked at if that is more work than to ask each facet. */
async function lookNear(tools: ScanTools, query: ScanQuery, facets: Facets): Promise<Scanned> {
  const { span, filter, limit } = query;
  const { limits } = tools;
  const { listed } = facets;
  const width = span.to - span.from;
  if (listed === undefined || isExact(filter) || width < WIDE * limits.window)
    return readWindow(tools, query, facets);
  const worth = ROWS_PER_FACET * listed.count;
  const { all, fit } = await readDearest(tools, query, listed, Math.min(limits.window, worth));
  if (all !== undefined) return all;
  const window = Math.ceil((MARGIN * limit * width) / fit);
  if (!(window <= worth)) return { indexes: [], rest: span };
  return readWindow({ ...tools, limits: { ...limits, window } }, query, facets);
}

/** Looks at the rows that come first. */
async function readWindow({ tx, limits }: ScanTools, query: ScanQuery, facets: Facets): Promise<Scanned> {
  const { order, span, limit, filter } = query;
  const step = Math.min(limits.window, span.to - span.from);
  const window = order === 'newest' ? { ...span, from: span.to - step } : { ...span, to: span.from + step };
  const { text, values } = windowQuery(facets, filter);
  const next = values.length;
  const rows = await tx.query<{ idx: number }>(
    `SELECT i.idx FROM ${text} AND i.idx >= $${next + 1} AND i.idx < $${next + 2}
     ORDER BY i.idx ${direction(order)} LIMIT $${next + 3}`,
    [...values, window.from, window.to, limit],
  );
  const { indexes, rest } = found({ ...query, span }, rows);
  return isEmpty(rest) ? { indexes, rest: beyond(order, span, step) } : { indexes, rest };
}

function windowQuery(
  { conditions, listed }: Facets,
  { min_cost }: EventFilter,
): { text: string; values: SqlValue[] } {
  const values: SqlValue[] = listed === undefined ? [...conditions.values] : [listed.nums];
  const cost = min_cost === undefined ? '' : ` AND i.cost >= $${values.push(min_cost)}`;
  // Written so that no index is asked for each facet, nor the planner for what share of the rows each one has: for a thousand of
  // them that takes longer than to read the rows.
  if (listed !== undefined) return { text: `audit_index i WHERE (i.facet + 0) = ANY($1)${cost}`, values };
  return {
    text: `audit_index i JOIN audit_facet f ON f.num = i.facet WHERE ${conditions.where}${cost}`,
    values,
  };
}

/** What it takes to ask one facet for its nearest row, in rows that are read in order meanwhile. */
const ROWS_PER_FACET = 24;
/** How much more is read than should be needed. */
const MARGIN = 1.3;

/** Reads on to where the page should be full, if that is less work than to ask each facet; undefined if it is not, or if it was
 *  not enough. */
async function readOn(
  tools: ScanTools,
  query: ScanQuery,
  facets: Facets,
  near: Scanned,
): Promise<Scanned | undefined> {
  const found = near.indexes.length;
  const missing = query.limit - found;
  const window = Math.ceil((MARGIN * tools.limits.window * missing) / found);
  if (!(window <= ROWS_PER_FACET * (facets.listed?.count ?? 0))) return undefined;
  const limits = { ...tools.limits, window };
  const more = await readWindow({ ...tools, limits }, { ...query, span: near.rest, limit: missing }, facets);
  if (more.indexes.length < missing && !isEmpty(more.rest)) return undefined;
  return { indexes: [...near.indexes, ...more.indexes], rest: more.rest };
}

async function walk(
  tools: ScanTools,
  query: ScanQuery,
  facets: Facets,
  near: Scanned,
  started: number,
): Promise<Scanned> {
  const indexes = [...near.indexes];
  let { rest } = near;
  while (indexes.length < query.limit && !isEmpty(rest) && !isLate(tools, started)) {
    const more = await readWindow(
      tools,
      { ...query, span: rest, limit: query.limit - indexes.length },
      facets,
    );
    indexes.push(...more.indexes);
    ({ rest } = more);
  }
  return { indexes, rest };
}
