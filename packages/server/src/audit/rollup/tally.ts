import { DIMENSIONS, KINDS, UNITS } from './units.js';

const UNIT_ROWS = Object.values(UNITS).map((minutes, unit) => `(${unit}, ${minutes})`);
const DIMENSION_ROWS = Object.values(DIMENSIONS).map((value, dim) => `(${dim}, ${value})`);

/** Adds the events from index $1 up to, not including, $2 to the sums: in each bucket $3 values are named at most, of those
 *  that no allowed call had so many that there are $4 at most. Whoever only makes names up never crowds out what is real
 *  (AUD-122). */
export const TALLY = {
  name: 'audit_tally',
  text: `WITH facets AS (
      SELECT (i.time_ms / 60000)::integer AS minute, i.facet, count(*) AS events, coalesce(sum(i.cost), 0) AS amount,
        min(i.idx) AS first
      FROM audit_index i WHERE i.idx >= $1 AND i.idx < $2 GROUP BY 1, 2
    ), cells AS (
      SELECT u.unit::smallint AS unit, d.dim::smallint AS dim, x.minute / u.minutes * u.minutes AS minute, d.value,
        coalesce(f.currency, '') AS currency, sum(x.events) AS events,
        coalesce(sum(x.events) FILTER (WHERE f.type = 'decision' AND f.effect = 'allow'), 0) AS allowed,
        coalesce(sum(x.events) FILTER (WHERE f.type = 'decision' AND f.effect = 'deny'), 0) AS denied,
        sum(x.amount) AS amount, min(x.first) AS first, coalesce(bool_or(f.effect = 'allow'), false) AS proven
      FROM facets x JOIN audit_facet f ON f.num = x.facet LEFT JOIN audit_chain c ON c.idx = f.chain
        CROSS JOIN (VALUES ${UNIT_ROWS.join(', ')}) AS u(unit, minutes)
        CROSS JOIN LATERAL (VALUES ${DIMENSION_ROWS.join(', ')}) AS d(dim, value)
      GROUP BY 1, 2, 3, 4, 5
    ), seen AS (
      SELECT unit, dim, minute, value, bool_or(proven) AS proven, min(first) AS first
      FROM cells WHERE value IS NOT NULL GROUP BY 1, 2, 3, 4
    ), fresh AS (
      SELECT s.unit, s.dim, s.minute, s.value, s.proven,
        row_number() OVER (PARTITION BY s.unit, s.dim, s.minute ORDER BY s.proven DESC, s.first, s.value) AS place
      FROM seen s WHERE (SELECT 1 FROM audit_tally t WHERE t.unit = s.unit AND t.dim = s.dim
        AND t.minute = s.minute AND t.kind = ${KINDS.named} AND t.value = s.value LIMIT 1) IS NULL
    ), taken AS (
      SELECT b.unit, b.dim, b.minute, t.count
      FROM (SELECT DISTINCT unit, dim, minute FROM fresh) b CROSS JOIN LATERAL (
        SELECT count(DISTINCT t.value) FROM audit_tally t
        WHERE t.unit = b.unit AND t.dim = b.dim AND t.minute = b.minute AND t.kind = ${KINDS.named}) t
    ), unnamed AS (
      SELECT f.unit, f.dim, f.minute, f.value FROM fresh f JOIN taken t USING (unit, dim, minute)
      WHERE t.count + f.place > CASE WHEN f.proven THEN $3::bigint ELSE $4::bigint END
    )
    INSERT INTO audit_tally AS a (unit, dim, minute, kind, value, currency, events, allowed, denied, amount)
    SELECT c.unit, c.dim, c.minute,
      CASE WHEN c.value IS NULL THEN ${KINDS.none} WHEN n.value IS NULL THEN ${KINDS.named} ELSE ${KINDS.unnamed} END,
      CASE WHEN n.value IS NULL THEN coalesce(c.value, '') ELSE '' END,
      c.currency, sum(c.events), sum(c.allowed), sum(c.denied), sum(c.amount)
    FROM cells c LEFT JOIN unnamed n USING (unit, dim, minute, value)
    GROUP BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (unit, dim, minute, kind, value, currency) DO UPDATE SET events = a.events + excluded.events,
      allowed = a.allowed + excluded.allowed, denied = a.denied + excluded.denied, amount = a.amount + excluded.amount`,
};
