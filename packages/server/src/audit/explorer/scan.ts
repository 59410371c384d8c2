import type { EventFilter, EventOrder } from '@talosprotocol/contracts';
import type { Queries, SqlValue } from '../../platform/sql.js';
import { type Conditions, conditionsOf } from './conditions.js';
import type { Span } from './span.js';

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
  /** Facets whose rows are merged one by one. */
  readonly merged: number;
  /** Facets that are listed at all. */
  readonly listed: number;
  /** Rows that are fetched unordered because there are no more. */
  readonly gathered: number;
  /** Rows looked at in one step, where neither works. */
  readonly window: number;
  /** How long such steps go on before the page is handed out as it is. */
  readonly budgetMs: number;
}

export const SCAN_LIMITS: ScanLimits = {
  merged: 64,
  listed: 4_096,
  gathered: 16_384,
  window: 4_096,
  budgetMs: 20,
};

export interface ScanTools {
  readonly tx: Queries;
  readonly limits: ScanLimits;
  /** Milliseconds that only grow. */
  readonly now: () => number;
}

/** Finds events with work that is bounded whatever the filter: few facets are merged in order; of many, a look at the
 *  nearest rows finds what is frequent; what is rare is fetched whole; the rest is read step by step, and the page ends
 *  where the time ends. */
export async function scan(tools: ScanTools, query: ScanQuery): Promise<Scanned> {
  const { span, filter, limit } = query;
  if (span.from >= span.to) return { indexes: [], rest: NOWHERE };
  const conditions = conditionsOf(filter);
  if (conditions === undefined) return nearest(query);
  const nums = await listFacets(tools, conditions);
  if (nums.length === 0) return { indexes: [], rest: NOWHERE };
  if (nums.length <= tools.limits.merged && isExact(filter)) return merge(tools.tx, query, nums);
  const known = nums.length <= tools.limits.listed ? nums : undefined;
  const started = tools.now();
  const near = await readWindow(tools, query, { conditions, nums: known });
  if (near.indexes.length >= limit || isEmpty(near.rest)) return near;
  const all = known === undefined ? undefined : await gather(tools, query, known);
  if (all !== undefined) return all;
  return walk(tools, query, { conditions, nums: known }, near, started);
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
  const rows = await tx.query<{ num: number }>(select, [...values, limits.listed + 1]);
  return rows.map(({ num }) => num);
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

/** All rows there are, unless they are too many. */
async function gather(
  { tx, limits }: ScanTools,
  query: ScanQuery,
  nums: readonly number[],
): Promise<Scanned | undefined> {
  const { order, span, limit, filter } = query;
  const rows = await tx.query<{ idx: number; cost: number | null }>(
    'SELECT idx, cost FROM audit_index WHERE facet = ANY($1) AND idx >= $2 AND idx < $3 LIMIT $4',
    [nums, span.from, span.to, limits.gathered + 1],
  );
  if (rows.length > limits.gathered) return undefined;
  const sign = order === 'newest' ? -1 : 1;
  const fit = rows.filter(({ cost }) => (cost ?? 0) >= (filter.min_cost ?? 0));
  return found(query, fit.sort((a, b) => sign * (a.idx - b.idx)).slice(0, limit));
}

/** What ends with the last row found, if the page is full; else everything was looked at. */
function found({ order, span, limit }: ScanQuery, rows: readonly { readonly idx: number }[]): Scanned {
  const indexes = rows.map(({ idx }) => idx);
  const last = indexes.at(-1);
  if (last === undefined || indexes.length < limit) return { indexes, rest: NOWHERE };
  return { indexes, rest: order === 'newest' ? { ...span, to: last } : { ...span, from: last + 1 } };
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
  if (nums !== undefined) return { text: `audit_index i WHERE i.facet = ANY($1)${cost}`, values };
  return {
    text: `audit_index i JOIN audit_facet f ON f.num = i.facet WHERE ${conditions.where}${cost}`,
    values,
  };
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
