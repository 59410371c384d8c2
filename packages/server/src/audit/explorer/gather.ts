import type { Conditions } from './conditions.js';
import {
  type Facets,
  found,
  type Listed,
  type Scanned,
  type ScanQuery,
  type ScanTools,
} from './scan-query.js';

/** All rows there are, of these facets or at this price, unless they are too many. */
export async function gather(
  tools: ScanTools,
  query: ScanQuery,
  { conditions, listed }: Facets,
): Promise<Scanned | undefined> {
  if (listed === undefined) return inOrder(query, await gatherByPrice(tools, query, conditions));
  if (listed.count > tools.limits.listed)
    return (await readDearest(tools, query, listed, tools.limits.window)).all;
  return inOrder(query, await gatherByFacet(tools, query, listed));
}

function inOrder(query: ScanQuery, rows: readonly number[] | undefined): Scanned | undefined {
  if (rows === undefined) return undefined;
  const sign = query.order === 'newest' ? -1 : 1;
  const sorted = rows.toSorted((a, b) => sign * (a - b)).slice(0, query.limit);
  return found(
    query,
    sorted.map((idx) => ({ idx })),
  );
}

/** How many rows were looked at, and the indexes of those that fit. */
interface Gathered {
  readonly looked: number;
  readonly fit: readonly number[];
}

async function gatherByFacet(
  { tx, limits }: ScanTools,
  { span, filter }: ScanQuery,
  { nums }: Listed,
): Promise<readonly number[] | undefined> {
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

/** What the dearest rows tell. */
export interface Dearest {
  /** Everything that fits, if no row of the price is left. */
  readonly all: Scanned | undefined;
  /** How many of those that were looked at fit. */
  readonly fit: number;
}

/** Looks at so many of the rows that cost most, for facets that are known. */
export async function readDearest(
  { tx }: ScanTools,
  query: ScanQuery,
  { nums }: Listed,
  most: number,
): Promise<Dearest> {
  const { filter, span } = query;
  if (filter.min_cost === undefined) return { all: undefined, fit: 0 };
  const [row] = await tx.query<Gathered>(
    `SELECT count(*) AS looked, coalesce(json_agg(idx) FILTER (WHERE (facet + 0) = ANY($5)), '[]') AS fit FROM (
       SELECT idx, facet FROM audit_index WHERE cost >= $1 AND idx >= $2 AND idx < $3 ORDER BY cost DESC LIMIT $4) i`,
    [filter.min_cost, span.from, span.to, most + 1, nums],
  );
  const { looked = 0, fit = [] } = row ?? {};
  return { all: looked > most ? undefined : inOrder(query, fit), fit: fit.length };
}
