import type { EventStats, StatsBucket, StatsPoint, StatsQuery, StatsSeries } from '@talosprotocol/contracts';
import { formatTime, parseTime, TrustError } from '@talosprotocol/protocol';
import { createEntrance } from '../../platform/entrance.js';
import type { Log } from '../../platform/log.js';
import type { Queries, Sql } from '../../platform/sql.js';
import type { Clock } from '../../platform/system.js';
import type { Roller } from './roller.js';
import { dimensionOf, KINDS, UNITS, unitOf } from './units.js';

/** Answers counts over time (AUD-120 to AUD-123). */
export interface Statistics {
  /** @throws {TrustError} MALFORMED: too many buckets, or none; UNAVAILABLE */
  eventStats(query: StatsQuery): Promise<EventStats>;
}

export interface StatisticsDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly log: Log;
  readonly roller: Pick<Roller, 'step'>;
}

/** Buckets of one answer at most, and of one that says nothing of its beginning. */
const MAX_BUCKETS = 400;
const DEFAULT_BUCKETS: Readonly<Record<StatsBucket, number>> = { minute: 60, hour: 24, day: 30 };
const TOP = 10;
const STATEMENT_MS = 2_000;
const MINUTE_MS = 60_000;
/** The last one that the table holds, in the year 6053. */
const LAST_MINUTE = 2 ** 31 - 1;

/** Builds it over sums that `roller` keeps. What was recorded a moment ago is counted first, as far as one step goes: the
 *  answer says how far that is, so it is given also if nothing can be counted now. */
export function createStatistics({ sql, clock, log, roller }: StatisticsDeps): Statistics {
  const { enter } = createEntrance({ inside: 2, waiting: 64 });
  return {
    eventStats: (query) => {
      const range = rangeOf(query, clock.now());
      return enter(async () => {
        await roller.step().catch((err: unknown) => log.warn('events were not counted', { err }));
        return sql.transaction((tx) => readStats(tx, query, range), 'repeatable read');
      });
    },
  };
}

/** Minutes since 1970: from the beginning of the first bucket to the end of the last. */
interface Range {
  readonly bucket: StatsBucket;
  readonly from: number;
  readonly to: number;
}

function rangeOf({ bucket = 'hour', since, until }: StatsQuery, now: number): Range {
  const width = UNITS[bucket];
  const place = (ms: number): number => Math.floor(ms / MINUTE_MS / width) * width;
  // The bucket in which the last moment lies is counted as a whole.
  const to = place(until === undefined ? now : parseTime(until) - 1) + width;
  const from =
    since === undefined ? Math.max(0, to - DEFAULT_BUCKETS[bucket] * width) : place(parseTime(since));
  if (to > LAST_MINUTE) throw new TrustError('MALFORMED', 'until is a time that is not counted');
  const buckets = (to - from) / width;
  if (buckets >= 1 && buckets <= MAX_BUCKETS) return { bucket, from, to };
  const reason =
    buckets < 1 ? 'until is not behind since' : `these are ${buckets} buckets, more than ${MAX_BUCKETS}`;
  const hint = buckets < 1 ? 'Give a later until.' : 'Ask for a shorter time, or for longer buckets.';
  throw new TrustError('MALFORMED', reason, { hint });
}

interface Row {
  readonly minute: number;
  readonly kind: number;
  /** Null: those of this kind that are not told by themselves. */
  readonly value: string | null;
  readonly currency: string;
  readonly events: number;
  readonly allowed: number;
  readonly denied: number;
  readonly amount: string;
}

/** Sums of one dimension in a range, those values by themselves that have most, or the one that is asked for. */
const READ = {
  name: 'audit_stats',
  text: `WITH cells AS MATERIALIZED (
      SELECT minute, kind, value, currency, events, allowed, denied, amount FROM audit_tally
      WHERE unit = $1 AND dim = $2 AND minute >= $3 AND minute < $4
    ), top AS (
      SELECT value FROM cells WHERE kind = ${KINDS.named} AND ($6::text IS NULL OR value = $6)
      GROUP BY value ORDER BY sum(events) DESC, value LIMIT $5
    )
    SELECT c.minute, c.kind, t.value, c.currency, sum(c.events)::bigint AS events, sum(c.allowed)::bigint AS allowed,
      sum(c.denied)::bigint AS denied, sum(c.amount)::text AS amount
    FROM cells c LEFT JOIN top t ON c.kind = ${KINDS.named} AND t.value = c.value
    GROUP BY 1, 2, 3, 4 ORDER BY 1`,
};

const VALUES = `SELECT count(DISTINCT value) AS count FROM audit_tally
  WHERE unit = $1 AND dim = $2 AND minute >= $3 AND minute < $4 AND kind = ${KINDS.named}`;

async function readStats(tx: Queries, query: StatsQuery, range: Range): Promise<EventStats> {
  await tx.query(`SET LOCAL statement_timeout = ${STATEMENT_MS}`);
  const { by, value, top = TOP } = query;
  const { bucket, from, to } = range;
  const [place] = await tx.query<EventStats['counted']>(
    'SELECT r.began AS from, r.counted AS to, l.size FROM audit_rollup r, audit_log l',
  );
  const cells = [unitOf(bucket), dimensionOf(by ?? 'effect'), from, to];
  const rows = await tx.query<Row>(READ, [...cells, by === undefined ? 0 : top, value ?? null]);
  const answer = {
    bucket,
    since: formatTime(from * MINUTE_MS),
    until: formatTime(to * MINUTE_MS),
    counted: place ?? { from: 0, to: 0, size: 0 },
    total: seriesOf(rows),
  };
  if (by === undefined) return { ...answer, groups: [] };
  const [values] = await tx.query<{ count: number }>(VALUES, cells);
  const groups = groupsOf(rows);
  const rest = rows.filter((row) => row.kind !== KINDS.none && row.value === null);
  const unnamed = rows.filter((row) => row.kind === KINDS.unnamed).reduce((sum, row) => sum + row.events, 0);
  const others = { values: (values?.count ?? 0) - groups.length, unnamed, ...seriesOf(rest) };
  return { ...answer, by, groups, none: seriesOf(rows.filter((row) => row.kind === KINDS.none)), others };
}

function groupsOf(rows: readonly Row[]): EventStats['groups'] {
  const byValue = new Map<string, Row[]>();
  for (const row of rows) {
    if (row.value === null) continue;
    const found = byValue.get(row.value);
    if (found === undefined) byValue.set(row.value, [row]);
    else found.push(row);
  }
  return [...byValue]
    .map(([value, found]) => ({ value, ...seriesOf(found) }))
    .sort((a, b) => b.events - a.events || (a.value < b.value ? -1 : 1));
}

/** `rows` by minute. */
function seriesOf(rows: readonly Row[]): StatsSeries {
  const points: StatsPoint[] = [];
  let at = 0;
  while (at < rows.length) {
    const begun = at;
    const minute = rows[at]?.minute ?? 0;
    while (at < rows.length && rows[at]?.minute === minute) at += 1;
    points.push({ start: formatTime(minute * MINUTE_MS), ...sumsOf(rows.slice(begun, at)) });
  }
  return { ...sumsOf(rows), points };
}

function sumsOf(rows: readonly Row[]): Omit<StatsPoint, 'start'> {
  const costs = new Map<string, bigint>();
  const sums = { events: 0, allowed: 0, denied: 0 };
  for (const { currency, events, allowed, denied, amount } of rows) {
    sums.events += events;
    sums.allowed += allowed;
    sums.denied += denied;
    if (currency !== '') costs.set(currency, (costs.get(currency) ?? 0n) + BigInt(amount));
  }
  const cost = [...costs].sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...sums, cost: cost.map(([currency, amount]) => ({ amount: String(amount), currency })) };
}
