import type { Result } from './result.js';

/** What a row must reach. The numbers bind from a later issue on; until then a missed one is shown as missed. */
export interface Goal {
  readonly benchmark: string;
  /** The rows it is about: those whose params have these values. */
  readonly params: Readonly<Record<string, string | number>>;
  readonly measure: string;
  readonly value: (result: Result) => number | null | undefined;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface GoalReport {
  readonly goal: Goal;
  /** Undefined if the row was not measured, which is no success. */
  readonly reached: number | undefined;
  readonly ok: boolean;
}

const ratio = (peer: string, atLeast: number) => ({
  measure: `ratio to ${peer}`,
  value: ({ ratios }: Result) => ratios[peer],
  atLeast,
});

const shared = { sessions: 100_000, capabilities: 1_024 };
const cached = { benchmark: 'authorize.cached', params: shared };
const million = { benchmark: 'authorize.cached', params: { sessions: 1_000_000 } };
const proof = { benchmark: 'authorize.proof', params: shared };
const full = { benchmark: 'authorize.full', params: { links: 1, grants: 1, provider: 'node' } };
const sodium = { benchmark: 'authorize.full', params: { links: 1, grants: 1, provider: 'sodium' } };
const http = { benchmark: 'authorize.http', params: {} };
const mcpCall = { benchmark: 'mcp.call', params: { op: 'read', calls_limit: 'none' } };

const ingest = { benchmark: 'audit.ingest', params: { producers: 64 } };
const millionEvents = (op: string) => ({ benchmark: 'audit.proof', params: { op, events: 1_000_000 } });

const gateway = (benchmark: string, connections: number, upstream_ms: number) => ({
  benchmark,
  params: { connections, upstream_ms, features: 'all' },
});

export const GOALS: readonly Goal[] = [
  { ...gateway('gateway.chat', 64, 0), ...ratio('undici-proxy', 0.6) },
  { ...gateway('gateway.sse', 64, 0), ...ratio('undici-proxy', 0.6) },
  { ...gateway('gateway.chat', 64, 0), ...ratio('portkey', 10) },
  { ...gateway('gateway.sse', 64, 0), ...ratio('portkey', 8) },
  {
    benchmark: 'gateway.idle',
    params: { streams: 1_000 },
    measure: 'RSS grown (MiB)',
    value: ({ grown_bytes }) => grown_bytes && grown_bytes / 2 ** 20,
    atMost: 150,
  },
  {
    ...gateway('gateway.chat', 1, 20),
    measure: 'added p50 (ms)',
    value: ({ added_p50_ms }) => added_p50_ms,
    atMost: 0.15,
  },
  {
    ...gateway('gateway.chat', 64, 0),
    measure: 'RSS (MiB)',
    value: ({ rss_bytes }) => rss_bytes / 2 ** 20,
    atMost: 150,
  },
  { ...cached, ...ratio('string-map', 8) },
  { ...cached, ...ratio('fast-jwt-cache', 10) },
  { ...cached, measure: 'p99 (µs)', value: ({ p99_us }) => p99_us, atMost: 3 },
  { ...cached, measure: 'bytes per call', value: ({ bytes_per_op }) => bytes_per_op, atMost: 0 },
  {
    ...million,
    measure: 'bytes per session',
    value: ({ bytes_per_session }) => bytes_per_session,
    atMost: 200,
  },
  { ...proof, ...ratio('fast-jwt-cache', 3) },
  { ...proof, ...ratio('cedar', 30) },
  { ...proof, ...ratio('jose', 150) },
  { ...proof, measure: 'calls per second', value: ({ ops_per_s }) => ops_per_s, atLeast: 1_000_000 },
  { ...full, ...ratio('node-crypto', 0.9) },
  { ...full, ...ratio('jose', 1.7) },
  { ...full, ...ratio('fast-jwt', 0.9) },
  { ...full, ...ratio('biscuit', 2) },
  { ...full, ...ratio('aps', 5) },
  { ...full, ...ratio('ucanto', 20) },
  { ...sodium, ...ratio('sodium-bare', 0.9) },
  { ...sodium, ...ratio('jose', 2.8) },
  { ...sodium, ...ratio('fast-jwt', 1.5) },
  { ...sodium, ...ratio('biscuit', 3) },
  { ...http, ...ratio('node-http-echo', 0.7) },
  { ...http, measure: 'p50 (ms)', value: ({ p50_us }) => p50_us / 1000, atMost: 2 },
  { ...http, measure: 'p99 (ms)', value: ({ p99_us }) => p99_us / 1000, atMost: 5 },
  { ...mcpCall, measure: 'added p50 (ms)', value: ({ added_p50_ms }) => added_p50_ms, atMost: 0.5 },
  {
    benchmark: 'start.embedded',
    params: {},
    measure: 'start to ready (ms)',
    value: ({ p50_us }) => p50_us / 1000,
    atMost: 1500,
  },
  { ...ingest, ...ratio('single-row', 15) },
  { ...ingest, measure: 'receipt p99 (ms)', value: ({ receipt_p99_ms }) => receipt_p99_ms, atMost: 250 },
  { ...millionEvents('make'), measure: 'make p50 (µs)', value: ({ p50_us }) => p50_us, atMost: 50 },
  { ...millionEvents('verify'), measure: 'verify p50 (µs)', value: ({ p50_us }) => p50_us, atMost: 100 },
  {
    benchmark: 'audit.explore',
    params: { events: 1_000_000, query: 'slowest of all' },
    measure: 'p99 of the slowest kind of question (ms)',
    value: ({ p99_us }) => p99_us / 1000,
    atMost: 50,
  },
  {
    ...millionEvents('restart'),
    measure: 'restart (ms)',
    value: ({ p50_us }) => p50_us / 1000,
    atMost: 2000,
  },
];

/** Compares the goals of the benchmarks that were run with what they reached. */
export function compareGoals(benchmarks: readonly string[], results: readonly Result[]): GoalReport[] {
  return GOALS.filter(({ benchmark }) => benchmarks.includes(benchmark)).map((goal) => {
    const reached = results.filter((result) => isAbout(goal, result)).map(goal.value)[0] ?? undefined;
    return { goal, reached, ok: reached !== undefined && meets(goal, reached) };
  });
}

function isAbout({ benchmark, params }: Goal, result: Result): boolean {
  if (result.name !== benchmark) return false;
  return Object.entries(params).every(([name, value]) => result.params[name] === value);
}

function meets({ atLeast, atMost }: Goal, reached: number): boolean {
  return (atLeast === undefined || reached >= atLeast) && (atMost === undefined || reached <= atMost);
}
