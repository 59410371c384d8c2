import type { EventStats, StatsQuery } from '@talosprotocol/contracts';
import { formatTime } from '@talosprotocol/protocol';
import { createEntrance } from '../../platform/entrance.js';
import type { Log } from '../../platform/log.js';
import type { Queries, Sql } from '../../platform/sql.js';
import type { Clock } from '../../platform/system.js';
import { type Range, rangeOf } from './range.js';
import { rank } from './ranking.js';
import type { Roller } from './roller.js';
import { byBucket, createStarts, type PointNumbers, type StartOf, seriesOf, without } from './series.js';
import { dimensionOf, KINDS, unitOf } from './units.js';

/** Answers counts over time (AUD-120 to AUD-123). */
export interface Statistics {
  /** @throws {TrustError} MALFORMED: too many buckets or points, or none; UNAVAILABLE */
  eventStats(query: StatsQuery): Promise<EventStats>;
}

export interface StatisticsDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly log: Log;
  readonly roller: Pick<Roller, 'step'>;
}

const STATEMENT_MS = 2_000;
const MINUTE_MS = 60_000;

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

const POINTS = `'[[' || string_agg(concat_ws(',', minute, events, allowed, denied, coalesce(costs, 'null'), input, output), '],['
  ORDER BY minute) || ']]'`;

/** What there is of each value in each bucket, and what has none, or no name: sought one by one, so that all the other values are
 *  not read. The buckets of a value come as one row, as JSON: to take thousands of rows apart takes longer than to find them. */
const CELLS = `SELECT w.kind, w.value, (
    SELECT ${POINTS} FROM audit_tally
    WHERE unit = $1 AND dim = $2 AND kind = w.kind AND value = w.value AND minute >= $3 AND minute < $4) AS points
  FROM (SELECT ${KINDS.named}::smallint, v.value FROM unnest($5::text[]) AS v(value)
    UNION ALL VALUES (${KINDS.none}::smallint, ''), (${KINDS.unnamed}::smallint, '')) AS w(kind, value)`;

/** All events, whatever they are counted by: there are few effects. */
const TOTAL = `SELECT ${POINTS} AS points FROM audit_tally WHERE unit = $1 AND dim = $2 AND minute >= $3 AND minute < $4`;

interface Row {
  readonly kind: number;
  /** Empty for those of this kind that are not told by themselves. */
  readonly value: string;
  /** Null if it has none. */
  readonly points: string | null;
}

interface Cells {
  readonly kind: number;
  readonly value: string;
  readonly points: readonly PointNumbers[];
}

const pointsOf = (text: string | null | undefined): readonly PointNumbers[] =>
  text == null ? [] : (JSON.parse(text) as PointNumbers[]);

/** What is read is bounded by its key. Of columns that say the same, as lengths and minutes do, the planner expects fewer rows than
 *  there are, or more, and would read the whole table instead. */
const PREPARE = `SELECT set_config('statement_timeout', '${STATEMENT_MS}', true), set_config('enable_seqscan', 'off', true),
  set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true)`;

async function readStats(tx: Queries, query: StatsQuery, range: Range): Promise<EventStats> {
  await tx.query(PREPARE);
  const { bucket, from, to, top } = range;
  const unit = unitOf(bucket);
  const [place] = await tx.query<EventStats['counted']>(
    // Sums of days stay when events are pruned.
    `SELECT CASE WHEN $1 THEN r.began ELSE greatest(r.began, l.pruned) END AS from, r.counted AS to, l.size
     FROM audit_rollup r, audit_log l`,
    [bucket === 'day'],
  );
  const [all] = await tx.query<{ points: string | null }>(TOTAL, [unit, dimensionOf('effect'), from, to]);
  const total = byBucket(pointsOf(all?.points));
  const startOf = createStarts();
  const answer = {
    bucket,
    since: formatTime(from * MINUTE_MS),
    until: formatTime(to * MINUTE_MS),
    counted: place ?? { from: 0, to: 0, size: 0 },
    total: seriesOf(total, startOf),
  };
  const { by, value } = query;
  if (by === undefined) return { ...answer, groups: [] };
  const span = { unit, dim: dimensionOf(by), from, to };
  const ranked = await rank(tx, span, top);
  const told = value === undefined ? ranked.values : [value];
  const rows = await tx.query<Row>(CELLS, [unit, span.dim, from, to, told]);
  return { ...answer, by, ...partsOfAll(startOf, total, rows.map(read), ranked.count) };
}

const read = ({ kind, value, points }: Row): Cells => ({ kind, value, points: pointsOf(points) });

/** What is told of each value, of events without one, and what is left. */
function partsOfAll(
  startOf: StartOf,
  total: readonly PointNumbers[],
  cells: readonly Cells[],
  values: number,
): Pick<EventStats, 'groups' | 'none' | 'others'> {
  const ofKind = (kind: number): Cells[] => cells.filter((cell) => cell.kind === kind);
  const named = ofKind(KINDS.named);
  const [none] = ofKind(KINDS.none);
  const groups = named
    .filter(({ points }) => points.length > 0)
    .map(({ value, points }) => ({ value, ...seriesOf(points, startOf) }))
    .sort((a, b) => b.events - a.events || (a.value < b.value ? -1 : 1));
  const unnamed = ofKind(KINDS.unnamed).flatMap(({ points }) => points);
  const others = {
    values: Math.max(0, values - groups.length),
    unnamed: unnamed.reduce((sum, [, events]) => sum + events, 0),
    ...seriesOf(
      without(
        total,
        [...(none === undefined ? [] : [none]), ...named].flatMap(({ points }) => points),
      ),
      startOf,
    ),
  };
  return { groups, none: seriesOf(none?.points ?? [], startOf), others };
}
