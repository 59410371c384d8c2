import type { Sql } from '../../platform/sql.js';
import { DIMENSIONS, UNITS, unitOf } from './units.js';

/** Rows of one statement. */
const CHUNK = 10_000;
const MINUTE_MS = 60_000;

const FORGET = `DELETE FROM audit_tally WHERE (unit, dim, kind, value, minute) IN (
  SELECT unit, dim, kind, value, minute FROM audit_tally
  WHERE unit = $1 AND dim = $2 AND minute < $3 ORDER BY minute LIMIT ${CHUNK}) RETURNING 1`;

/** Removes the sums of minutes and hours that were over before a moment, in Unix milliseconds: they say so closely who called
 *  what and when that they go with the events (AUD-123). Those of days stay. */
export async function forgetSums(sql: Sql, before: number): Promise<void> {
  for (const bucket of ['minute', 'hour'] as const) {
    const minutes = Math.floor(before / MINUTE_MS / UNITS[bucket]) * UNITS[bucket];
    for (let dim = 0; dim < Object.keys(DIMENSIONS).length; dim += 1)
      while ((await sql.query(FORGET, [unitOf(bucket), dim, minutes])).length === CHUNK);
  }
}
