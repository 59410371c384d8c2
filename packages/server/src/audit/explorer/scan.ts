import type { EventFilter, EventOrder } from '@talosprotocol/contracts';
import type { Queries, SqlValue } from '../../platform/sql.js';
import type { Span } from '../time-span.js';
import { type Conditions, conditionsOf } from './conditions.js';

/** What is looked for, and where. */
export interface ScanQuery {
  readonly filter: EventFilter;
  readonly order: EventOrder;
  readonly span: Span;
  readonly limit: number;
}

/** The indexes of events that fit, in the order asked for. */
export interface Scanned {
  readonly indexes: readonly number[];
  /** What was not looked at, beyond what was found; empty if all was. */
  readonly rest: Span;
}

/** Bounds of one page's work. */
export interface ScanLimits {
  /** Facets of which each is asked for as many rows as the page has. */
  readonly merged: number;
  /** Facets that are listed at all. */
  readonly listed: number;
  /** Rows that are fetched unordered because there are no more, if an exact price is asked for. */
  readonly gathered: number;
  /** Rows of a price that are fetched where facets are too many. */
  readonly priced: number;
  /** Rows looked at in one step, where neither works. */
  readonly window: number;
  /** How long such steps go on before the page is handed out as it is. */
  readonly budgetMs: number;
}

export const SCAN_LIMITS: ScanLimits = {
  merged: 64,
  listed: 2_048,
  gathered: 8_192,
  priced: 2_048,
  window: 16_384,
  budgetMs: 20,
};

/** How much more of each facet is looked at where that was not enough. */
const DEEPER = 8;

export interface ScanTools {
  readonly tx: Queries;
  readonly limits: ScanLimits;
  /** Milliseconds that only grow. */
  readonly now: () => number;
}

/** Finds events with work that is bounded whatever the filter: few facets are merged in order; of many, a look at the
 *  nearest rows finds what is frequent, and else those are merged whose own nearest rows are nearest; what facets alone do
 *  not tell is fetched whole if it is rare, or read step by step, and the page ends where the time ends. */
export async function scan(tools: ScanTools, query: ScanQuery): Promise<Scanned> {
  const started = tools.now();
  const { span, filter, limit } = query;
  if (span.from >= span.to) return { indexes: [], rest: NOWHERE };
  const conditions = conditionsOf(filter);
  if (conditions === undefined) return nearest(query);
  const nums = await listFacets(tools, conditions);
  if (nums.length === 0) return { indexes: [], rest: NOWHERE };
  if (nums.length <= tools.limits.merged && isExact(filter)) return merge(tools.tx, query, nums);
  const known = nums.length <= tools.limits.listed ? nums : undefined;
  const facets = { conditions, nums: known };
  const near = await readWindow(tools, query, facets);
  if (near.indexes.length >= limit || isEmpty(near.rest)) return near;
  if (known !== undefined && isExact(filter))
    return (await readOn(tools, query, facets, near)) ?? mergeNearest(tools.tx, query, known);
  return (await gather(tools, query, facets)) ?? (await walk(tools, query, facets, near, started));
}

export const NOWHERE: Span = { from: 0, to: 0 };
const isEmpty = ({ from, to }: Span): boolean => from >= to;

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

function beyond(order: EventOrder, { from, to }: Span, count: number): Span {
  return order === 'newest' ? { from, to: to - count } : { from: from + count, to };
}

async function listFacets({ tx, limits }: ScanTools, { select, values }: Conditions): Promise<number[]> {
  // One value instead of thousands of rows, each of which would be an object here.
  const [row] = await tx.query<{ nums: number[] }>(
    `SELECT coalesce(json_agg(f.num), '[]') AS nums FROM (${select}) f`,
    [...values, limits.listed + 1],
  );
  return row?.nums ?? [];
}

const direction = (order: EventOrder): string => (order === 'newest' ? 'DESC' : 'ASC');

async function merge(tx: Queries, query: ScanQuery, nums: readonly number[]): Promise<Scanned> {
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
async function mergeNearest(tx: Queries, query: ScanQuery, nums: readonly number[]): Promise<Scanned> {
  const { order, span, limit } = query;
  const tops = await readTops(tx, query, nums);
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
async function readTops(tx: Queries, query: ScanQuery, nums: readonly number[]): Promise<readonly Top[]> {
  const { order, span, limit } = query;
  const sorted = `ORDER BY idx ${direction(order)} LIMIT`;
  let asked = nums;
  for (let depth = Math.ceil(limit / nums.length); ; depth = Math.min(limit, depth * DEEPER)) {
    const tops = await tx.query<Top>(
      `SELECT f.num, i.idx FROM unnest($1::bigint[]) AS f(num) CROSS JOIN LATERAL (
         SELECT idx FROM audit_index WHERE facet = f.num AND idx >= $2 AND idx < $3 ${sorted} $4) i ${sorted} $5`,
      [asked, span.from, span.to, depth, limit],
    );
    asked = facetsOf(tops);
    if (tops.length === limit || depth === limit || asked.length === 0) return tops;
  }
}

/** All rows there are, of these facets or at this price, unless they are too many. */
async function gather(tools: ScanTools, query: ScanQuery, facets: Facets): Promise<Scanned | undefined> {
  const rows =
    facets.nums === undefined
      ? await gatherByPrice(tools, query, facets.conditions)
      : await gatherByFacet(tools, query, facets.nums);
  if (rows === undefined) return undefined;
  const sign = query.order === 'newest' ? -1 : 1;
  const sorted = rows.sort((a, b) => sign * (a - b)).slice(0, query.limit);
  return found(
    query,
    sorted.map((idx) => ({ idx })),
  );
}

/** How many rows were looked at, and the indexes of those that fit. */
interface Gathered {
  readonly looked: number;
  readonly fit: number[];
}

async function gatherByFacet(
  { tx, limits }: ScanTools,
  { span, filter }: ScanQuery,
  nums: readonly number[],
): Promise<number[] | undefined> {
  const [row] = await tx.query<Gathered>(
    // Facet by facet: of a list of a thousand the planner would ask for each one how many rows it has, which takes longer than to read them.
    `SELECT count(*) AS looked, coalesce(json_agg(idx) FILTER (WHERE coalesce(cost, 0) >= $5), '[]') AS fit FROM (
       SELECT r.idx, r.cost FROM unnest($1::bigint[]) AS f(num) CROSS JOIN LATERAL (
         SELECT idx, cost FROM audit_index WHERE facet = f.num AND idx >= $2 AND idx < $3 LIMIT $4) r LIMIT $4) i`,
    [nums, span.from, span.to, limits.gathered + 1, filter.min_cost ?? 0],
  );
  return row === undefined || row.looked > limits.gathered ? undefined : row.fit;
}

async function gatherByPrice(
  { tx, limits }: ScanTools,
  { span, filter }: ScanQuery,
  { where, values }: Conditions,
): Promise<number[] | undefined> {
  if (filter.min_cost === undefined) return undefined;
  const rows = await tx.query<{ idx: number; facet: number }>(
    // The order is that of the index on prices, so that no other one is taken.
    'SELECT idx, facet FROM audit_index WHERE cost >= $1 AND idx >= $2 AND idx < $3 ORDER BY cost DESC LIMIT $4',
    [filter.min_cost, span.from, span.to, limits.priced + 1],
  );
  if (rows.length > limits.priced) return undefined;
  const facets = await tx.query<{ num: number }>(
    `SELECT f.num FROM audit_facet f WHERE f.num = ANY($${values.length + 1}) AND ${where}`,
    [...values, [...new Set(rows.map(({ facet }) => facet))]],
  );
  const fit = new Set(facets.map(({ num }) => num));
  return rows.flatMap(({ idx, facet }) => (fit.has(facet) ? [idx] : []));
}

/** What ends with the last row found, if the page is full; else everything was looked at. */
function found({ order, span, limit }: ScanQuery, rows: readonly { readonly idx: number }[]): Scanned {
  const indexes = rows.map(({ idx }) => idx);
  const last = indexes.at(-1);
  if (last === undefined || indexes.length < limit) return { indexes, rest: NOWHERE };
  return { indexes, rest: restBehind({ order, span }, last) };
}

function restBehind({ order, span }: Pick<ScanQuery, 'order' | 'span'>, index: number): Span {
  return order === 'newest' ? { ...span, to: index } : { ...span, from: index + 1 };
}

interface Facets {
  readonly conditions: Conditions;
  /** Undefined if they are too many. */
  readonly nums: readonly number[] | undefined;
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
  { conditions, nums }: Facets,
  { min_cost }: EventFilter,
): { text: string; values: SqlValue[] } {
  const values: SqlValue[] = nums === undefined ? [...conditions.values] : [nums];
  const cost = min_cost === undefined ? '' : ` AND i.cost >= $${values.push(min_cost)}`;
  // Written so that no index is asked for each facet, nor the planner for what share of the rows each one has: for a thousand of
  // them that takes longer than to read the rows.
  if (nums !== undefined) return { text: `audit_index i WHERE (i.facet + 0) = ANY($1)${cost}`, values };
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
  if (!(window <= ROWS_PER_FACET * (facets.nums?.length ?? 0))) return undefined;
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
  while (indexes.length < query.limit && !isEmpty(rest) && tools.now() - started < tools.limits.budgetMs) {
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
