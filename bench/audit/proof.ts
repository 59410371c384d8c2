import type { Benchmark } from '../benchmark.js';
import { withFolder } from '../platform.js';
import type { Result } from '../result.js';
import { type LoadAnswer, type Percentiles, runLoad } from './load.js';

/** What one operation of each row includes. */
const WORK = {
  append: 'a decision durable and acknowledged, 64 producers, as in audit.ingest',
  restart:
    'the log opened again: lock, tiles and rows of its end held against the last checkpoint, first receipt made and verified',
  make: 'an inclusion proof for a request of its own, from tiles that are kept; not checked',
  prove: 'the same as the prover hands it out: checked against root and row',
  verify: 'an inclusion proof checked against a root, the leaf hashed',
  receipt: 'a tlog-proof checked from its text: signature of the checkpoint, inclusion, the leaf hashed',
  grow: 'the log grown to this size by the way of every event, 4,096 in flight; p50 to p99.9 are resident MiB while it grew',
};

interface Grown extends LoadAnswer {
  readonly growth: { readonly events: number; readonly seconds: number; readonly rss: readonly number[] };
}

interface Found extends LoadAnswer {
  readonly appends: { readonly perSecond: number; readonly waits: Percentiles };
  readonly proofs: { readonly size: number } & Readonly<
    Record<'make' | 'prove' | 'verify' | 'receipt', Percentiles>
  >;
}

const SIZES = [10_000, 100_000, 1_000_000];
/** By hand, since it takes its time: `TALOS_BENCH_EVENTS=10000000 ./talos bench audit.proof`. */
const LARGEST = Number(process.env['TALOS_BENCH_EVENTS'] ?? 0);

/** What appends, proofs and starts take as one log grows, and what memory it takes to grow it. */
export const auditProof: Benchmark = {
  name: 'audit.proof',
  run: (_effort, quick) =>
    withFolder(async (folder) => {
      const results: Result[] = [];
      const sizes = quick ? [600] : [...SIZES, ...(LARGEST > 0 ? [LARGEST] : [])];
      for (const events of sizes) {
        const grown = await runLoad<Grown>(folder, 'grow', events);
        results.push(growResult(events, grown));
        results.push(...sizeResults(events, await runLoad<Found>(folder, 'measure', quick ? 64 : 5_000)));
      }
      return results;
    }),
};

function growResult(events: number, { growth, rss }: Grown): Result {
  const mebibytes = [...growth.rss].map((bytes) => bytes / 2 ** 20).sort((a, b) => a - b);
  const at = (share: number): number =>
    mebibytes[Math.min(mebibytes.length - 1, Math.floor(mebibytes.length * share))] ?? 0;
  const percentiles = { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
  return row('grow', events, growth.events / growth.seconds, percentiles, rss);
}

function sizeResults(events: number, { appends, proofs, startMs, rss }: Found): Result[] {
  const perSecond = ({ p50 }: Percentiles): number => 1e6 / p50;
  const start = { p50: startMs * 1000, p99: startMs * 1000, p999: startMs * 1000 };
  const waits = {
    p50: appends.waits.p50 * 1000,
    p99: appends.waits.p99 * 1000,
    p999: appends.waits.p999 * 1000,
  };
  return [
    row('append', events, appends.perSecond, waits, rss),
    row('restart', events, perSecond(start), start, rss),
    ...(['make', 'prove', 'verify', 'receipt'] as const).map((op) =>
      row(op, events, perSecond(proofs[op]), proofs[op], rss),
    ),
  ];
}

function row(
  op: keyof typeof WORK,
  events: number,
  ops_per_s: number,
  micros: Percentiles,
  rss_bytes: number,
): Result {
  return {
    name: 'audit.proof',
    params: { op, events, work: WORK[op] },
    ops_per_s,
    p50_us: micros.p50,
    p99_us: micros.p99,
    p999_us: micros.p999,
    bytes_per_op: null,
    rss_bytes,
    ratios: {},
    rounds: 1,
    peers: {},
  };
}
