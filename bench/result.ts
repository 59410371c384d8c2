import type { Quality } from './guards/quality.js';

/** One measured row, as `--json` prints it. Rates are of one core unless `params` says otherwise. */
export interface Result {
  readonly name: string;
  /** What was varied, and under `work` what one operation includes. */
  readonly params: Readonly<Record<string, string | number>>;
  readonly ops_per_s: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly p999_us: number;
  /** Allocated on the heap by one operation; null where operations run in another process. */
  readonly bytes_per_op: number | null;
  /** Resident memory of the process that did the work. */
  readonly rss_bytes: number;
  /** Ours / theirs by peer, of rates: greater is better for us. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly rounds: number;
  /** What each peer reached in the same rounds, operations per second. */
  readonly peers: Readonly<Record<string, number>>;
  /** Heap and buffers held per open session. */
  readonly bytes_per_session?: number;
  /** Median over the rounds of our p50 less that of `direct`, in milliseconds. */
  readonly added_p50_ms?: number;
  /** The same over the stdio-backed server. */
  readonly added_p50_ms_stdio?: number;
  /** What was added to the resident memory since the measurement began. */
  readonly grown_bytes?: number;
  /** From the call that records an event until its receipt is there, in milliseconds. */
  readonly receipt_p50_ms?: number;
  readonly receipt_p99_ms?: number;
  /** How well detectors did against labels; such rows stand in a table of their own. */
  readonly quality?: Quality;
}

/** Everything one call of the program found out. */
export interface Report {
  readonly machine: Machine;
  readonly commit: string;
  readonly results: readonly Result[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memory_bytes: number;
  readonly node: string;
}
