import type { Queries } from '../../platform/sql.js';
import { KINDS, LENGTHS } from './units.js';

/** Sums of one length, over minutes `from` up to, not including, `to`, that are added or taken away. */
export interface Part {
  /** The number of the length in the table. */
  readonly unit: number;
  readonly from: number;
  readonly to: number;
  readonly sign: 1 | -1;
}

/** The same minutes in fewer sums: as many as fit of the next length, and at both ends what is missing, or too much. */
export function partsOf({ unit, from, to }: Omit<Part, 'sign'>): readonly Part[] {
  const longer = LENGTHS[unit + 1];
  const whole: Part = { unit, from, to, sign: 1 };
  if (longer === undefined) return [whole];
  const [first, last] = [from, to].map((minute) => Math.round(minute / longer) * longer) as [number, number];
  if (first >= last) return [whole];
  const between = (a: number, b: number, sign: 1 | -1): Part =>
    a < b ? { unit, from: a, to: b, sign } : { unit, from: b, to: a, sign: sign === 1 ? -1 : 1 };
  const ends = [between(from, first, 1), between(last, to, 1)];
  return [{ unit: unit + 1, from: first, to: last, sign: 1 }, ...ends.filter((end) => end.from < end.to)];
}

/** Each part by itself: joined with a list of parts, the planner reads the whole table. */
function rankText(parts: readonly Part[]): string {
  const texts = parts.map(({ sign }, i) => {
    const [unit, from, to] = [3, 4, 5].map((n) => `$${3 * i + n}`);
    return `SELECT value, events${sign === 1 ? '' : ' * -1'} AS events FROM audit_tally
      WHERE unit = ${unit} AND dim = $1 AND minute >= ${from} AND minute < ${to} AND kind = ${KINDS.named}`;
  });
  return `SELECT value, count(*) OVER () AS values FROM (
      SELECT value, sum(events) AS events FROM (${texts.join(' UNION ALL ')}) t GROUP BY value
    ) r WHERE events > 0 ORDER BY events DESC, value LIMIT $2`;
}

/** The values that have most events over a time, so many, and how many values there are. */
export async function rank(
  tx: Queries,
  cells: Omit<Part, 'sign'> & { readonly dim: number },
  top: number,
): Promise<{ readonly values: readonly string[]; readonly count: number }> {
  const parts = partsOf(cells);
  const bounds = parts.flatMap(({ unit, from, to }) => [unit, from, to]);
  const rows = await tx.query<{ value: string; values: number }>(rankText(parts), [
    cells.dim,
    top,
    ...bounds,
  ]);
  return { values: rows.map(({ value }) => value), count: rows[0]?.values ?? 0 };
}
