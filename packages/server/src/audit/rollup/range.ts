import type { StatsBucket, StatsQuery } from '@talosprotocol/contracts';
import { parseTime, TrustError } from '@talosprotocol/protocol';
import { UNITS } from './units.js';

/** Buckets of one answer at most, and of one that says nothing of its beginning. */
const MAX_BUCKETS = 400;
const DEFAULT_BUCKETS: Readonly<Record<StatsBucket, number>> = { minute: 60, hour: 24, day: 30 };
/** Values times buckets of one answer at most. */
const MAX_POINTS = 2_000;
const TOP = 10;
const MINUTE_MS = 60_000;
/** The last one that the table holds, in the year 6053. */
const LAST_MINUTE = 2 ** 31 - 1;

/** What an answer tells. Minutes since 1970: from the beginning of the first bucket to the end of the last. */
export interface Range {
  readonly bucket: StatsBucket;
  readonly from: number;
  readonly to: number;
  /** How many values are told by themselves. */
  readonly top: number;
}

/** @throws {TrustError} MALFORMED: too many buckets or points, or none */
export function rangeOf(query: StatsQuery, now: number): Range {
  const { bucket = 'hour', since, until } = query;
  const width = UNITS[bucket];
  const place = (ms: number): number => Math.floor(ms / MINUTE_MS / width) * width;
  // The bucket in which the last moment lies is counted as a whole.
  const to = place(until === undefined ? now : parseTime(until) - 1) + width;
  const from =
    since === undefined ? Math.max(0, to - DEFAULT_BUCKETS[bucket] * width) : place(parseTime(since));
  if (to > LAST_MINUTE) throw new TrustError('MALFORMED', 'until is a time that is not counted');
  const buckets = (to - from) / width;
  if (buckets >= 1 && buckets <= MAX_BUCKETS) return { bucket, from, to, top: topOf(query, buckets) };
  const reason =
    buckets < 1 ? 'until is not behind since' : `these are ${buckets} buckets, more than ${MAX_BUCKETS}`;
  const hint = buckets < 1 ? 'Give a later until.' : 'Ask for a shorter time, or for longer buckets.';
  throw new TrustError('MALFORMED', reason, { hint });
}

/** As many values as an answer has room for, if nobody says how many. */
function topOf({ top }: StatsQuery, buckets: number): number {
  const most = Math.floor(MAX_POINTS / buckets);
  if (top === undefined) return Math.min(TOP, most);
  if (top <= most) return top;
  throw new TrustError(
    'MALFORMED',
    `${top} values in ${buckets} buckets are more than ${MAX_POINTS} points`,
    {
      hint: `Ask for ${most} values, for a shorter time, or for longer buckets.`,
    },
  );
}
