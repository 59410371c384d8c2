import type { Queries } from '../platform/sql.js';
import { corrupt } from './corrupt.js';

/** Indexes from `from` up to, not including, `to`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** In Unix milliseconds; `until` is excluded. */
export interface Times {
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** The indexes whose events can be read, and whose times, in Unix milliseconds, are not before `since` and before `until`.
 *  @throws {TrustError} LOG_CORRUPT */
export async function readSpan(tx: Queries, times: Times): Promise<Span> {
  const [log] = await tx.query<{ size: number; pruned: number }>('SELECT size, pruned FROM audit_log');
  return spanWithin(tx, { from: log?.pruned ?? 0, to: log?.size ?? 0 }, times);
}

/** The part of what can be read that is of these times, as `readSpan`, for who knows the log already.
 *  @throws {TrustError} LOG_CORRUPT */
export async function spanWithin(tx: Queries, whole: Span, { since, until }: Times): Promise<Span> {
  const from = since === undefined ? whole.from : await firstAt(tx, whole, since);
  const to = until === undefined ? whole.to : await firstAt(tx, whole, until);
  return { from, to: Math.max(from, to) };
}

/** By halving: the times of a log never run backwards (AUD-66). */
const FIRST_AT = `WITH RECURSIVE half(lo, hi) AS (
    SELECT $1::bigint, $2::bigint
    UNION ALL
    SELECT CASE WHEN x.time_ms < $3 THEN m.mid + 1 ELSE h.lo END, CASE WHEN x.time_ms < $3 THEN h.hi ELSE m.mid END
    FROM half h CROSS JOIN LATERAL (SELECT (h.lo + h.hi) / 2 AS mid) m JOIN audit_index x ON x.idx = m.mid
    WHERE h.lo < h.hi
  ) SELECT lo FROM half WHERE lo >= hi`;

/** The first index of a span whose event is not before a moment; the end of the span if there is none.
 *  @throws {TrustError} LOG_CORRUPT */
export async function firstAt(tx: Queries, { from, to }: Span, moment: number): Promise<number> {
  const [row] = await tx.query<{ lo: number }>(FIRST_AT, [from, to, moment]);
  if (row === undefined) throw corrupt(`the database has lost events between ${from} and ${to}`);
  return row.lo;
}
