import type { GoalReport } from './goals.js';
import { formatQualities, isJudged } from './guards/quality-table.js';
import type { Machine, Report, Result } from './result.js';

/** The report for people: one block a row, then the goals. */
export function formatReport(report: Report, goals: readonly GoalReport[]): string {
  return [
    formatMachine(report.machine, report.commit),
    ...report.results.filter((result) => !isJudged(result)).map(formatResult),
    formatQualities(report.results.filter(isJudged)),
    formatGoals(goals),
  ]
    .filter((block) => block !== '')
    .join('\n\n');
}

function formatMachine({ cpu, cores, memory_bytes, node }: Machine, commit: string): string {
  return `${cpu}, ${cores} cores, ${mebibytes(memory_bytes)} MiB, Node ${node}, commit ${commit}`;
}

function formatResult(result: Result): string {
  const { work, ...params } = result.params;
  const title = Object.entries(params).map(([name, value]) => `${name}=${value}`);
  const own = [
    `${count(result.ops_per_s)}/s`,
    `p50 ${round(result.p50_us)} µs`,
    `p99 ${round(result.p99_us)} µs`,
    `p99.9 ${round(result.p999_us)} µs`,
    ...(result.bytes_per_op === null ? [] : [`${result.bytes_per_op} B/op`]),
    ...(result.bytes_per_session === undefined ? [] : [`${count(result.bytes_per_session)} B/session`]),
    `RSS ${mebibytes(result.rss_bytes)} MiB`,
  ];
  return [
    [result.name, ...title].join(' '),
    ...(work === undefined ? [] : [`  includes: ${work}`]),
    `  ${own.join('  ')}`,
    ...Object.entries(result.ratios).map(([peer, value]) => formatPeer(peer, value, result.peers[peer])),
    ...formatAdded('direct', result.added_p50_ms),
    ...formatAdded('direct, stdio-backed', result.added_p50_ms_stdio),
    ...(result.grown_bytes === undefined ? [] : [`  RSS grown by ${mebibytes(result.grown_bytes)} MiB`]),
    ...formatReceipt(result),
  ].join('\n');
}

function formatPeer(peer: string, ratio: number, rate: number | undefined): string {
  return `  ${round(ratio)}x ${peer}${rate === undefined ? '' : ` (${count(rate)}/s)`}`;
}

function formatAdded(over: string, ms: number | undefined): readonly string[] {
  return ms === undefined ? [] : [`  added p50 over ${over}: ${round(ms)} ms`];
}

function formatReceipt({ receipt_p50_ms, receipt_p99_ms }: Result): readonly string[] {
  if (receipt_p50_ms === undefined || receipt_p99_ms === undefined) return [];
  return [`  receipt available after p50 ${round(receipt_p50_ms)} ms, p99 ${round(receipt_p99_ms)} ms`];
}

function formatGoals(goals: readonly GoalReport[]): string {
  return goals.length === 0 ? '' : ['goals', ...goals.map(formatGoal)].join('\n');
}

/** One line: met or missed, what was wanted and what was reached. */
export function formatGoal({ goal, reached, ok }: GoalReport): string {
  const bound = goal.atLeast === undefined ? `<= ${goal.atMost}` : `>= ${goal.atLeast}`;
  const found = reached === undefined ? 'not measured' : count(reached);
  return `  ${ok ? 'met   ' : 'MISSED'} ${goal.benchmark}: ${goal.measure} ${bound}, reached ${found}`;
}

function count(value: number): string {
  return value < 1000 ? round(value) : Math.round(value).toLocaleString('en-US');
}

function round(value: number): string {
  return Number(value.toPrecision(3)).toString();
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
