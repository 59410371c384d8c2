import type { Benchmark } from '../benchmark.js';
import { withFolder } from '../platform.js';
import type { Result } from '../result.js';
import { type Percentiles, runLoad } from './load.js';

const WORK =
  'one question to the room, without the wire, until the page of 100 events is full or there are no more, each held against what was put in; the log is filled by the code that records, over the embedded PostgreSQL';

interface Found {
  readonly asked: readonly (Percentiles & {
    readonly query: string;
    readonly samples: number;
    readonly requests: number;
  })[];
  readonly events: number;
  readonly rss: number;
}

const SIZE = { events: 1_000_000, samples: 200 };
const QUICK_SIZE = { events: 3_000, samples: 2 };

/** What it takes to find events of a large log, and to count them. */
export const auditExplore: Benchmark = {
  name: 'audit.explore',
  run: (_effort, quick) =>
    withFolder(async (folder) => {
      const { events, samples } = quick ? QUICK_SIZE : SIZE;
      const found = await runLoad<Found>(folder, 'explore', events, samples);
      const slowest = Math.max(...found.asked.map(({ p99 }) => p99));
      const all = found.asked.map((one) => resultOf(one.query, events, one, found.rss));
      const worst = found.asked.filter(({ p99 }) => p99 === slowest);
      return [...all, ...worst.slice(0, 1).map((one) => resultOf('slowest of all', events, one, found.rss))];
    }),
};

function resultOf(query: string, events: number, asked: Found['asked'][number], rss_bytes: number): Result {
  const { p50, p99, p999, samples, requests } = asked;
  return {
    name: 'audit.explore',
    params: { query, events, requests, work: WORK },
    ops_per_s: 1000 / p50,
    p50_us: p50 * 1000,
    p99_us: p99 * 1000,
    p999_us: p999 * 1000,
    bytes_per_op: null,
    rss_bytes,
    ratios: {},
    rounds: samples,
    peers: {},
  };
}
