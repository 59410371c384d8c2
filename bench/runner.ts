import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Who does the operation that is measured: ours, or a peer. */
export interface Contender {
  readonly name: string;
  /** Makes what the next `count` operations consume, such as signed requests. Not timed. */
  prepare?(count: number): void;
  /** Does so many operations, and throws if one was decided wrongly. */
  run(count: number): void | Promise<void>;
}

/** How long to measure. */
export interface Effort {
  readonly rounds: number;
  /** Length of each contender's turn in a round. */
  readonly sliceMs: number;
  /** Operations that are timed one by one, for the percentiles. */
  readonly samples: number;
  /** Slices over which allocation is measured. */
  readonly memorySlices: number;
}

export const FULL: Effort = { rounds: 7, sliceMs: 250, samples: 20_000, memorySlices: 15 };
export const QUICK: Effort = { rounds: 2, sliceMs: 5, samples: 100, memorySlices: 1 };

export interface Measured {
  readonly ops_per_s: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly p999_us: number;
  readonly bytes_per_op: number;
  readonly rss_bytes: number;
  readonly ratios: Readonly<Record<string, number>>;
  readonly rounds: number;
  readonly peers: Readonly<Record<string, number>>;
}

/** Lets the contenders take turns, so that all meet the same weather: each round in the reverse order of the one
 *  before. A ratio is the median of the ratios of single rounds. */
export async function measure(
  ours: Contender,
  peers: readonly Contender[],
  effort: Effort,
): Promise<Measured> {
  const all = [ours, ...peers];
  const counts = new Map<Contender, number>();
  for (const contender of all) counts.set(contender, await calibrate(contender, effort.sliceMs));
  const rates = new Map<Contender, number[]>(all.map((contender) => [contender, []]));
  for (let round = 0; round < effort.rounds; round += 1) {
    for (const contender of round % 2 === 0 ? all : all.toReversed()) {
      rates.get(contender)?.push(await rateOf(contender, counts.get(contender) ?? 1));
    }
  }
  const own = rates.get(ours) ?? [];
  const latencies = await timeSingly(ours, effort.samples);
  return {
    ops_per_s: median(own),
    p50_us: percentile(latencies, 0.5),
    p99_us: percentile(latencies, 0.99),
    p999_us: percentile(latencies, 0.999),
    bytes_per_op: await bytesPerOperation(ours, effort.memorySlices),
    rss_bytes: process.memoryUsage.rss(),
    ratios: each(peers, (peer) => median(own.map((rate, round) => rate / (rates.get(peer)?.[round] ?? 0)))),
    rounds: effort.rounds,
    peers: each(peers, (peer) => median(rates.get(peer) ?? [])),
  };
}

function each(peers: readonly Contender[], value: (peer: Contender) => number): Record<string, number> {
  return Object.fromEntries(peers.map((peer) => [peer.name, value(peer)]));
}

/** The middle value; of an even number the mean of both. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[half] ?? 0;
  return ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
}

/** The value that `share` of all do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** So many operations as fill a slice, found by doubling, which also warms up. */
async function calibrate(contender: Contender, sliceMs: number): Promise<number> {
  let count = 16;
  for (;;) {
    const seconds = count / (await rateOf(contender, count));
    if (seconds * 1000 >= sliceMs / 2) return Math.max(1, Math.round((count * sliceMs) / (seconds * 1000)));
    count *= 2;
  }
}

async function rateOf(contender: Contender, count: number): Promise<number> {
  contender.prepare?.(count);
  const begun = performance.now();
  await contender.run(count);
  return count / ((performance.now() - begun) / 1000);
}

/** Microseconds of single operations, with the time of reading the clock (50 to 70 ns) in each. */
async function timeSingly(contender: Contender, samples: number): Promise<number[]> {
  contender.prepare?.(samples);
  const latencies: number[] = [];
  for (let i = 0; i < samples; i += 1) {
    const begun = performance.now();
    const pending = contender.run(1);
    if (pending !== undefined) await pending;
    latencies.push((performance.now() - begun) * 1000);
  }
  return latencies;
}

const MEMORY_SLICE = { least: 64, most: 4096, bytes: 4 * 2 ** 20 };

/** Bytes one operation allocates. Slices are short enough to stay clear of a collection, as far as a first one tells. */
async function bytesPerOperation(contender: Contender, slices: number): Promise<number> {
  const { least, most, bytes } = MEMORY_SLICE;
  const guess = await bytesOver(contender, least, 3);
  const count = Math.min(most, Math.max(least, Math.floor(bytes / Math.max(1, guess))));
  return Math.round(await bytesOver(contender, count, slices));
}

/** The median over slices; one that a collection fell into is left out. */
async function bytesOver(contender: Contender, count: number, slices: number): Promise<number> {
  const grown: number[] = [];
  for (let slice = 0; slice < slices; slice += 1) {
    contender.prepare?.(count);
    collectGarbage();
    const before = heldBytes();
    await contender.run(count);
    const after = heldBytes();
    if (after >= before) grown.push((after - before) / count);
  }
  return median(grown);
}

/** Bytes on the heap and in buffers outside it. */
export function heldBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Runs the garbage collector, without which no figure of memory means anything. */
export const collectGarbage: () => void = exposeCollector();

function exposeCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
