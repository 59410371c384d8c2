import type { GoalReport } from './goals.js';
import { isJudged, QUALITY_HEAD, qualityCells } from './guards/quality-table.js';
import type { Report, Result } from './result.js';

const HEAD = [
  'row',
  'per s',
  'p50 µs',
  'p99 µs',
  'p99.9 µs',
  'B/op',
  'B/session',
  'RSS MiB',
  'ours / theirs',
];

/** The figures of a run as the tables that stand between the marks of README.md, so that nobody types a figure. */
export function formatMarkdown({ machine, commit, results }: Report, goals: readonly GoalReport[]): string {
  const { cpu, cores, memory_bytes, node } = machine;
  const timed = results.filter((result) => !isJudged(result));
  const judged = results.filter(isJudged);
  return [
    '<!-- figures -->',
    `${cpu}, ${cores} cores, ${mebibytes(memory_bytes)} MiB, Node ${node}, commit ${commit}.`,
    ...(timed.length === 0 ? [] : [table(HEAD, timed.map(cellsOf))]),
    ...(judged.length === 0 ? [] : [table(QUALITY_HEAD, judged.map(qualityCells))]),
    ...(goals.length === 0 ? [] : [table(['goal', 'reached', ''], goals.map(cellsOfGoal))]),
    '<!-- /figures -->',
  ].join('\n\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function cellsOf(result: Result): readonly string[] {
  const { work: _, ...params } = result.params;
  const title = Object.entries(params).map(([name, value]) => `${name}=${value}`);
  return [
    [`\`${result.name}\``, ...title].join(' '),
    figure(result.ops_per_s),
    figure(result.p50_us),
    figure(result.p99_us),
    figure(result.p999_us),
    figure(result.bytes_per_op ?? undefined),
    figure(result.bytes_per_session),
    String(mebibytes(result.rss_bytes)),
    [
      ...Object.entries(result.ratios).map(([peer, ratio]) => `${figure(ratio)}x ${peer}`),
      ...added('direct', result.added_p50_ms),
      ...added('direct, stdio-backed', result.added_p50_ms_stdio),
      ...(result.grown_bytes === undefined ? [] : [`RSS grown by ${mebibytes(result.grown_bytes)} MiB`]),
      ...(result.receipt_p99_ms === undefined ? [] : [`receipt p99 ${figure(result.receipt_p99_ms)} ms`]),
    ].join(', '),
  ];
}

function added(over: string, ms: number | undefined): readonly string[] {
  return ms === undefined ? [] : [`${figure(ms)} ms added p50 over ${over}`];
}

function cellsOfGoal({ goal, reached, ok }: GoalReport): readonly string[] {
  const params = Object.entries(goal.params).map(([name, value]) => ` ${name}=${value}`);
  const bound = goal.atLeast === undefined ? `<= ${goal.atMost}` : `>= ${figure(goal.atLeast)}`;
  const found = reached === undefined ? 'not measured' : figure(reached);
  return [`\`${goal.benchmark}\`${params.join('')}: ${goal.measure} ${bound}`, found, ok ? 'met' : 'missed'];
}

function figure(value: number | undefined): string {
  if (value === undefined) return '';
  return value < 1000 ? String(Number(value.toPrecision(3))) : Math.round(value).toLocaleString('en-US');
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
