import type { Benchmark } from '../benchmark.js';
import { withFolder } from '../platform.js';
import type { Result } from '../result.js';
import { median } from '../runner.js';
import { type LoadAnswer, type Percentiles, runLoad } from './load.js';

const WORK =
  'a decision of a holder with a private member: checked, canonical, hashed, numbered, durable and acknowledged by itself; tiles and signed checkpoints over all of them, a receipt for one in twenty, the last one under a checkpoint when the clock stops';

interface Found extends LoadAnswer {
  readonly rounds: readonly { readonly own: number; readonly single: number; readonly pooled: number }[];
  readonly acks: Percentiles;
  readonly receipts: Percentiles;
}

/** Producers that wait for each event before the next, and how many events a round has. */
const SIZES = [
  { producers: 64, events: 20_000, rounds: 5 },
  { producers: 1_024, events: 40_000, rounds: 3 },
];
const QUICK_SIZES = [{ producers: 8, events: 200, rounds: 1 }];

/** Events that are durable, in order and provable, next to rows that are only durable, in the same PostgreSQL with fsync. */
export const auditIngest: Benchmark = {
  name: 'audit.ingest',
  run: async (_effort, quick) => {
    const results: Result[] = [];
    for (const { producers, events, rounds } of quick ? QUICK_SIZES : SIZES) {
      const found = await withFolder((folder) => runLoad<Found>(folder, 'ingest', producers, events, rounds));
      results.push(resultOf(producers, found));
    }
    return results;
  },
};

function resultOf(producers: number, { rounds, acks, receipts, rss }: Found): Result {
  const peers = {
    'single-row': rounds.map(({ single }) => single),
    'single-row-pooled': rounds.map(({ pooled }) => pooled),
  };
  const own = rounds.map((round) => round.own);
  const each = (value: (rates: readonly number[]) => number) =>
    Object.fromEntries(Object.entries(peers).map(([name, rates]) => [name, value(rates)]));
  return {
    name: 'audit.ingest',
    params: { producers, work: WORK },
    ops_per_s: median(own),
    p50_us: acks.p50 * 1000,
    p99_us: acks.p99 * 1000,
    p999_us: acks.p999 * 1000,
    bytes_per_op: null,
    rss_bytes: rss,
    ratios: each((rates) =>
      median(own.map((rate, round) => rate / (rates[round] ?? Number.POSITIVE_INFINITY))),
    ),
    rounds: rounds.length,
    peers: each(median),
    receipt_p50_ms: receipts.p50,
    receipt_p99_ms: receipts.p99,
  };
}
