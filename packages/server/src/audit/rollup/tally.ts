import { DIMENSIONS, KINDS, LENGTHS } from './units.js';

const UNIT_ROWS = LENGTHS.map((minutes, unit) => `(${unit}, ${minutes})`);
const DIMENSION_ROWS = Object.values(DIMENSIONS).map((value, dim) => `(${dim}, ${value})`);

/** Rows of the table that are about one value, or about all that are named, in the bucket of `b`. */
const NAMED = `FROM audit_tally t WHERE t.unit = b.unit AND t.dim = b.dim AND t.minute = b.minute AND t.kind = ${KINDS.named}`;

/** What is there and what is added, each by currency. */
const SUM_OF_COSTS = `CASE WHEN excluded.costs IS NULL THEN a.costs WHEN a.costs IS NULL THEN excluded.costs ELSE (
        SELECT jsonb_object_agg(c.currency, c.amount::text) FROM (
          SELECT e.key, sum(e.value::numeric)
          FROM (SELECT * FROM jsonb_each_text(a.costs) UNION ALL SELECT * FROM jsonb_each_text(excluded.costs)) e
          GROUP BY 1) c(currency, amount)) END`;

/** Adds the events from index $1 up to, not including, $2 to the sums: in each bucket $3 values are named at most, of those
 *  that no allowed call had only while there are fewer than $4. Whoever only makes names up never crowds out what is real
 *  (AUD-122). No step joins what another one made: how much that is nobody could tell the planner. */
export const TALLY = {
  name: 'audit_tally',
  text: `WITH facets AS (
      SELECT (i.time_ms / 60000)::integer AS minute, i.facet, count(*) AS events, coalesce(sum(i.cost), 0) AS amount,
        coalesce(sum(i.input), 0) AS input, coalesce(sum(i.output), 0) AS output, min(i.idx) AS first
      FROM audit_index i WHERE i.idx >= $1 AND i.idx < $2 GROUP BY 1, 2
    ), cells AS (
      SELECT u.unit::smallint AS unit, d.dim::smallint AS dim, x.minute / u.minutes * u.minutes AS minute, d.value,
        coalesce(f.currency, '') AS currency, sum(x.events) AS events,
        coalesce(sum(x.events) FILTER (WHERE f.type = 'decision' AND f.effect = 'allow'), 0) AS allowed,
        coalesce(sum(x.events) FILTER (WHERE f.type = 'decision' AND f.effect = 'deny'), 0) AS denied,
        sum(x.amount) AS amount, sum(x.input) AS input, sum(x.output) AS output, min(x.first) AS first, coalesce(bool_or(f.effect = 'allow'), false) AS proven
      FROM facets x JOIN audit_facet f ON f.num = x.facet LEFT JOIN audit_chain c ON c.idx = f.chain
        CROSS JOIN (VALUES ${UNIT_ROWS.join(', ')}) AS u(unit, minutes)
        CROSS JOIN LATERAL (VALUES ${DIMENSION_ROWS.join(', ')}) AS d(dim, value)
      GROUP BY 1, 2, 3, 4, 5
    ), seen AS (
      SELECT b.*, min(b.first) OVER same AS begun, bool_or(b.proven) OVER same AS real,
        b.value IS NULL OR (SELECT 1 ${NAMED} AND t.value = b.value LIMIT 1) IS NOT NULL AS known
      FROM cells b WINDOW same AS (PARTITION BY b.unit, b.dim, b.minute, b.value)
    ), placed AS (
      SELECT s.*, dense_rank() OVER (PARTITION BY s.unit, s.dim, s.minute, s.known ORDER BY s.real DESC, s.begun, s.value) AS place
      FROM seen s
    ), kinds AS (
      SELECT b.*, CASE WHEN b.value IS NULL THEN ${KINDS.none}
        WHEN b.known OR b.place + t.count <= CASE WHEN b.real THEN $3::bigint ELSE $4::bigint END THEN ${KINDS.named}
        ELSE ${KINDS.unnamed} END AS kind
      FROM placed b LEFT JOIN LATERAL (SELECT count(DISTINCT t.value) ${NAMED}) t ON NOT b.known
    )
    INSERT INTO audit_tally AS a (unit, dim, minute, kind, value, events, allowed, denied, costs, input, output)
    SELECT unit, dim, minute, kind, value, sum(events), sum(allowed), sum(denied),
      jsonb_object_agg(currency, amount::text) FILTER (WHERE currency <> ''), sum(input), sum(output)
    FROM (SELECT unit, dim, minute, kind, CASE kind WHEN ${KINDS.named} THEN value ELSE '' END AS value, currency,
        sum(events) AS events, sum(allowed) AS allowed, sum(denied) AS denied, sum(amount) AS amount,
        sum(input) AS input, sum(output) AS output
      FROM kinds GROUP BY 1, 2, 3, 4, 5, 6) s
    GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT (unit, dim, kind, value, minute) DO UPDATE SET events = a.events + excluded.events,
      allowed = a.allowed + excluded.allowed, denied = a.denied + excluded.denied, costs = ${SUM_OF_COSTS},
      input = a.input + excluded.input, output = a.output + excluded.output`,
};
