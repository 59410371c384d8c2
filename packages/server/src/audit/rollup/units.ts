import type { StatsBucket, StatsBy } from '@talosprotocol/contracts';

/** Minutes of each bucket, in the order of their numbers in the table. */
export const UNITS = { minute: 1, hour: 60, day: 1_440 } as const satisfies Record<StatsBucket, number>;

/** Minutes of every length that is summed, by its number in the table: those of buckets, and four weeks, which no answer has
 *  as a bucket but by which values are ranked over long times. */
export const LENGTHS: readonly number[] = [...Object.values(UNITS), 40_320];

/** What of an event is counted by: SQL over a facet `f` and the chain `c` it is under, null where there is none. Their
 *  order is that of their numbers in the table. */
export const DIMENSIONS = {
  agent: 'f.sub',
  capability: 'c.cth',
  server: 'f.server',
  tool: "f.server || '/' || f.tool",
  effect: 'f.effect',
  code: 'f.code',
  status: 'f.status',
} as const satisfies Record<StatsBy, string>;

/** The number of a bucket's length in the table. */
export function unitOf(bucket: StatsBucket): number {
  return Object.keys(UNITS).indexOf(bucket);
}

/** The number of a dimension in the table. */
export function dimensionOf(by: StatsBy): number {
  return Object.keys(DIMENSIONS).indexOf(by);
}

/** What the rows of a sum are about. */
export const KINDS = { none: 0, named: 1, unnamed: 2 } as const;
