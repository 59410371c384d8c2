/** Facets as of this step, in the order in which their text names them. */
const MEMBERS = [
  'type',
  'sub',
  'chain',
  'server',
  'tool',
  'op',
  'effect',
  'code',
  'surface',
  'status',
  'lid',
  'currency',
  'digits',
];

/** What follows from the text of an event, as `facet.ts` has it of a draft. `o` is the decision of an outcome. */
const FOUND = `
CREATE TEMP TABLE audit_found ON COMMIT DROP AS
WITH read AS (
  SELECT w.idx, w.type, w.decision, e.v, e.v->'principal'->>'sub' AS sub, c.idx AS chain
  FROM audit_event_whole w CROSS JOIN LATERAL (SELECT w.event::json AS v) e
  LEFT JOIN audit_chain c ON c.cth = coalesce(e.v->'credential'->>'cth', e.v->>'cth')
)
SELECT r.idx,
  round(extract(epoch FROM (r.v->>'time')::timestamptz) * 1000)::bigint AS time_ms,
  r.type, r.sub, coalesce(r.chain, o.chain) AS chain,
  coalesce(r.v->'action'->>'server', o.v->'action'->>'server') AS server,
  coalesce(r.v->'action'->>'tool', o.v->'action'->>'tool') AS tool,
  coalesce(r.v->'action'->>'op', o.v->'action'->>'op') AS op,
  coalesce(r.v->>'effect', o.v->>'effect') AS effect, r.v->>'code' AS code,
  coalesce(r.v->>'surface', o.v->>'surface') AS surface,
  r.v->>'status' AS status,
  CASE r.type WHEN 'revocation' THEN r.v->>'lid' WHEN 'revocation.below' THEN r.v->>'below'
    WHEN 'identity.rotated' THEN r.v->>'did' WHEN 'identity.deactivated' THEN r.v->>'did' END AS lid,
  r.v->'cost'->>'currency' AS currency, length(r.v->'cost'->>'amount')::smallint AS digits,
  (r.v->'cost'->>'amount')::bigint AS cost
FROM read r LEFT JOIN audit_event_whole d ON d.id = r.decision AND r.type = 'outcome' LEFT JOIN read o ON o.idx = d.idx;`;

const COLUMNS = MEMBERS.join(', ');
const KEY = `sha256(convert_to(concat(${MEMBERS.join(", E'\\n', ")}), 'UTF8'))`;
const PAYLOAD = "translate(split_part(l.link, '.', 2), '-_', '+/')";

/** Divides the rows of the log, and writes down by what each is found (AUD-65). Rows that are there are moved. */
export const EXPLORE_MIGRATION = `
ALTER TABLE audit_log ADD COLUMN pruned bigint NOT NULL DEFAULT 0;
ALTER TABLE audit_event RENAME TO audit_event_whole;

-- What is never pruned: where an event stands, the outcome of a decision, the links of a chain.
CREATE TABLE audit_id (id uuid PRIMARY KEY, idx bigint NOT NULL);
CREATE TABLE audit_outcome (decision uuid PRIMARY KEY, id uuid NOT NULL UNIQUE, idx bigint NOT NULL);
CREATE TABLE audit_chain (cth text PRIMARY KEY, idx bigint NOT NULL UNIQUE, exp bigint);
CREATE TABLE audit_link (lid text NOT NULL, chain bigint NOT NULL, PRIMARY KEY (lid, chain));

-- By what events are found. num is the index of the first event that has it.
CREATE TABLE audit_facet (
  num bigint PRIMARY KEY,
  key bytea NOT NULL UNIQUE,
  type text NOT NULL,
  sub text,
  chain bigint,
  server text,
  tool text,
  op text,
  effect text,
  code text,
  surface text,
  status text,
  lid text,
  currency text,
  digits smallint
);
CREATE INDEX audit_facet_sub ON audit_facet (sub);
CREATE INDEX audit_facet_chain ON audit_facet (chain);
CREATE INDEX audit_facet_tool ON audit_facet (tool, server);
CREATE INDEX audit_facet_server ON audit_facet (server);
CREATE INDEX audit_facet_code ON audit_facet (code);
CREATE INDEX audit_facet_type ON audit_facet (type, effect);
CREATE INDEX audit_facet_lid ON audit_facet (lid) WHERE lid IS NOT NULL;

-- The rows of the log, divided by idx: audit_partition says where.
CREATE TABLE audit_partition (lo bigint PRIMARY KEY, hi bigint NOT NULL);
CREATE TABLE audit_index (
  idx bigint PRIMARY KEY,
  time_ms bigint NOT NULL,
  facet bigint NOT NULL,
  cost bigint
) PARTITION BY RANGE (idx);

-- event is the leaf's data: canonical JSON, byte for byte. To erase what opens its commitments leaves every proof valid.
CREATE TABLE audit_event (
  idx bigint NOT NULL,
  id uuid NOT NULL,
  request uuid,
  event text NOT NULL,
  disclosures text,
  CONSTRAINT audit_event_idx PRIMARY KEY (idx)
) PARTITION BY RANGE (idx);

DO $$ BEGIN
  FOR n IN 0 .. (SELECT coalesce(max(idx), -1) / 1048576 FROM audit_event_whole) LOOP
    EXECUTE format('CREATE TABLE audit_index_%s PARTITION OF audit_index FOR VALUES FROM (%s) TO (%s)',
      n * 1048576, n * 1048576, (n + 1) * 1048576);
    EXECUTE format('CREATE TABLE audit_event_%s PARTITION OF audit_event FOR VALUES FROM (%s) TO (%s)',
      n * 1048576, n * 1048576, (n + 1) * 1048576);
    INSERT INTO audit_partition VALUES (n * 1048576, (n + 1) * 1048576);
  END LOOP;
END $$;

INSERT INTO audit_id SELECT id, idx FROM audit_event_whole;
INSERT INTO audit_outcome SELECT decision, id, idx FROM audit_event_whole WHERE type = 'outcome';
INSERT INTO audit_chain SELECT w.cth, w.idx,
    CASE WHEN bool_and(l.exp IS NOT NULL) THEN min(l.exp) END
  FROM audit_event_whole w CROSS JOIN LATERAL (
    SELECT (convert_from(decode(rpad(${PAYLOAD}, (length(${PAYLOAD}) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::json
      ->> 'exp')::bigint AS exp
    FROM unnest(string_to_array(w.event::json->>'chain', '~')) AS l(link)
  ) l WHERE w.type = 'chain' GROUP BY w.cth, w.idx;
INSERT INTO audit_link SELECT DISTINCT
    rtrim(translate(encode(sha256(convert_to(l.link, 'UTF8')), 'base64'), '+/', '-_'), '='), w.idx
  FROM audit_event_whole w CROSS JOIN LATERAL unnest(string_to_array(w.event::json->>'chain', '~')) AS l(link)
  WHERE w.type = 'chain';
${FOUND}
INSERT INTO audit_facet (num, key, ${COLUMNS})
  SELECT DISTINCT ON (key) idx, key, ${COLUMNS} FROM (SELECT ${KEY} AS key, * FROM audit_found) f ORDER BY key, idx;
INSERT INTO audit_index (idx, time_ms, facet, cost)
  SELECT f.idx, f.time_ms, a.num, f.cost FROM (SELECT ${KEY} AS key, idx, time_ms, cost FROM audit_found) f
  JOIN audit_facet a USING (key);
INSERT INTO audit_event
  SELECT w.idx, w.id, CASE WHEN w.type = 'decision' THEN w.request END, w.event, d.disclosures
  FROM audit_event_whole w LEFT JOIN audit_disclosure d USING (idx);
DROP TABLE audit_disclosure;
DROP TABLE audit_event_whole;

CREATE INDEX audit_index_facet ON audit_index (facet, idx);
CREATE INDEX audit_event_request ON audit_event (request) WHERE request IS NOT NULL;`;
