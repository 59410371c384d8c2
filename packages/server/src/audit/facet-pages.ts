import type { Queries } from '../platform/sql.js';
import type { Span } from './time-span.js';

/** Indexes of events, in order. */
export interface FacetPage {
  readonly indexes: readonly number[];
  /** Below it everything was looked at. */
  readonly next: number;
}

/** Most events of a page. */
export const PAGE = 16_384;
/** How many indexes the first page looks through. */
const FIRST_WIDTH = 4 * PAGE;
/** How much more the next one does where there was little. */
const WIDER = 8;
/** A look at the rows of a facet takes as long as the passing of so many rows. */
const PASSED = 8;
/** Most indexes that are passed at once. */
const MOST_PASSED = 1_048_576;

/** Goes through all events with one of these facets. The work of each page is bounded, whether they are few and rare or many
 *  and frequent: each facet is asked for by itself, or, where they are too many for that, all rows are passed. */
export async function* readFacetPages(
  sql: Queries,
  facets: readonly number[],
  { from, to }: Span,
): AsyncGenerator<FacetPage> {
  if (facets.length === 0) return;
  const widest = PASSED * facets.length > MOST_PASSED ? MOST_PASSED : Number.POSITIVE_INFINITY;
  let width = FIRST_WIDTH;
  for (let at = from; at < to; ) {
    const next = Math.min(to, at + width);
    const found = await readRows(sql, facets, { from: at, to: next });
    if (found.length > PAGE) {
      // So many indexes are at most a page.
      width = Math.max(PAGE, Math.floor((next - at) / WIDER));
      continue;
    }
    yield { indexes: found, next };
    at = next;
    if (found.length < PAGE / WIDER) width = Math.min(widest, width * WIDER);
  }
}

const BY_FACET = `SELECT i.idx FROM unnest($1::bigint[]) AS f(num) CROSS JOIN LATERAL (
    SELECT idx FROM audit_index WHERE facet = f.num AND idx >= $2 AND idx < $3 ORDER BY idx LIMIT $4
  ) i LIMIT $4`;

const IN_PASSING = `SELECT idx FROM audit_index
  WHERE facet = ANY($1::bigint[]) AND idx >= $2 AND idx < $3 LIMIT $4`;

async function readRows(sql: Queries, facets: readonly number[], { from, to }: Span): Promise<number[]> {
  const text = PASSED * facets.length > to - from ? IN_PASSING : BY_FACET;
  const rows = await sql.query<{ idx: number }>(text, [facets, from, to, PAGE + 1]);
  return rows.map(({ idx }) => idx).sort((a, b) => a - b);
}
