import type { EventStats, StatsBucket, StatsBy, StatsPoint, StatsSeries } from '@talosprotocol/contracts';
import { createFastestCrypto } from '@talosprotocol/protocol/node';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Shell } from '../../define-command.js';
import { parseCount } from '../../grant/duration.js';
import type { Io } from '../../io.js';
import { formatMicro } from '../../money.js';
import type { Output } from '../../output.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { printable } from '../../printable.js';
import { withProgress } from '../../progress.js';
import { shellWord } from '../../shell-word.js';
import { UsageError } from '../../usage-error.js';
import { AGENT, agentOf } from './agent.js';
import { parseChoice } from './choice.js';
import { parseMoment } from './moment.js';

interface Options extends PlatformOptions {
  readonly by?: string;
  readonly bucket?: string;
  readonly value?: string;
  readonly since?: string;
  readonly until?: string;
  readonly top?: string;
}

const MAX_TOP = 50;

/** `talos audit stats`: how much happened when, and who or what it was. */
export function addStats(audit: Command, shell: Shell): void {
  const text = {
    usage: 'stats',
    summary: 'count the events of the log over time, by agent, tool, code ...',
    examples: [
      'talos audit stats',
      'talos audit stats --by tool --since 7d --bucket day',
      'talos audit stats --by agent --top 5 --bucket minute --since 1h',
    ],
    notes: [
      'Asks the platform on the data folder. A bar is a bucket, as high as the highest of its line; what it cost is of outcomes. Only so many',
      "values of one bucket are kept by name, the rest is counted as others. These are the platform's words; proof is: talos audit export.",
    ],
  };
  const stats: Handler<Options> = async ({ io, output, options }) => {
    const query = await queryOf(io, options);
    const { audit: client } = await openPlatform(io, options);
    const found = await withProgress(io, output, 'Asking the platform', client.stats(query));
    output.result({ ok: true, stats: found }, () => describe(output, found));
    output.next(nextOf(found));
    return undefined;
  };
  withPlatform(defineCommand(audit, shell, text, stats), 'audit')
    .option('--by <what>', 'agent, capability, server, tool, effect, code or status')
    .option('--value <value>', `only this one; with --by agent ${AGENT}`)
    .option('--bucket <length>', 'minute, hour or day in UTC (default: hour)')
    .option('--since <time>', 'not before: a time, or how long ago, such as 24h')
    .option('--until <time>', 'before: a time, or how long ago')
    .option(
      '--top <number>',
      'how many values are shown by themselves, up to 50 (default: 10, or fewer in many buckets)',
    );
}

/** What values may be is the service's to say, but that an identity of yours stands for its DID.
 *  @throws {UsageError} | {TrustError} NOT_FOUND */
async function queryOf(io: Io, options: Options) {
  const { by, bucket, value, since, until, top } = options;
  const now = io.now();
  if (value !== undefined && by === undefined)
    throw new UsageError('--value needs --by', 'such as --by server --value files');
  if (value !== undefined && top !== undefined) throw new UsageError('give either --value or --top');
  const most = top === undefined ? undefined : parseCount(top, 1, '--top');
  if (most !== undefined && most > MAX_TOP) throw new UsageError(`--top takes at most ${MAX_TOP}`);
  return {
    ...(by === undefined ? {} : { by: parseChoice(by, BY, '--by') }),
    ...(bucket === undefined ? {} : { bucket: parseChoice(bucket, BUCKETS, '--bucket') }),
    ...(value === undefined
      ? {}
      : { value: by === 'agent' ? await agentOf(io, options, value, await createFastestCrypto()) : value }),
    ...(since === undefined ? {} : { since: parseMoment(since, now, '--since') }),
    ...(until === undefined ? {} : { until: parseMoment(until, now, '--until') }),
    ...(most === undefined ? {} : { top: most }),
  };
}

const BY = [
  'agent',
  'capability',
  'server',
  'tool',
  'effect',
  'code',
  'status',
] as const satisfies readonly StatsBy[];
const BUCKETS = ['minute', 'hour', 'day'] as const satisfies readonly StatsBucket[];

interface Line {
  readonly name: string;
  readonly series: StatsSeries;
}

function describe(output: Output, stats: EventStats): void {
  const { bucket, since, until, by, counted } = stats;
  const heading = by === undefined ? 'Events' : `Events by ${by}`;
  output.line(`${heading}, each ${bucket} from ${since.slice(0, 16)}Z to ${until.slice(0, 16)}Z`);
  const lines = linesOf(stats);
  const width = Math.max(...lines.map(({ name }) => name.length));
  const starts = startsOf(stats);
  for (const { name, series } of lines)
    output.line(`  ${name.padEnd(width)}  ${barsOf(starts, series.points)}  ${numbersOf(series)}`);
  const { others } = stats;
  if (others !== undefined && others.unnamed > 0)
    output.line(`There were too many values to keep each: of ${others.unnamed} events nobody counted which.`);
  if (counted.to < counted.size)
    output.line(`${counted.size - counted.to} of ${counted.size} events are not counted yet.`);
  if (counted.from > 0) output.line(`Events before index ${counted.from} were pruned, and are not counted.`);
}

function linesOf({ groups, none, others, total, by }: EventStats): Line[] {
  const lines: Line[] = groups.map(({ value, ...series }) => ({ name: printable(value), series }));
  if (others !== undefined && others.events > 0)
    lines.push({ name: others.values > 0 ? `(${others.values} others)` : '(others)', series: others });
  if (none !== undefined && none.events > 0) lines.push({ name: `(no ${by})`, series: none });
  return [...lines, { name: 'all', series: total }];
}

const BUCKET_MS: Readonly<Record<StatsBucket, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};
/** Columns of a chart; of more buckets, several are drawn as one. */
const COLUMNS = 48;

/** Where each column begins, in Unix milliseconds. */
function startsOf({ bucket, since, until }: EventStats): number[] {
  const [from, to] = [Date.parse(since), Date.parse(until)];
  const buckets = (to - from) / BUCKET_MS[bucket];
  const step = Math.ceil(buckets / COLUMNS) * BUCKET_MS[bucket];
  return Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step);
}

const BARS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

function barsOf(starts: readonly number[], points: readonly StatsPoint[]): string {
  const heights = starts.map((start, i) => {
    const end = starts[i + 1] ?? Number.POSITIVE_INFINITY;
    return points
      .filter((point) => Date.parse(point.start) >= start && Date.parse(point.start) < end)
      .reduce((sum, { events }) => sum + events, 0);
  });
  const most = Math.max(1, ...heights);
  return heights.map((height) => BARS[Math.ceil((height / most) * (BARS.length - 1))]).join('');
}

function numbersOf({ events, allowed, denied, cost, tokens }: StatsSeries): string {
  const costs = cost.map(({ amount, currency }) => `, ${formatMicro(amount, currency)}`).join('');
  const { input, output } = tokens;
  const models = input + output === 0 ? '' : `, ${input} tokens read, ${output} written`;
  return `${events} events, ${allowed} allowed, ${denied} denied${costs}${models}`;
}

function nextOf({ by, groups, total }: EventStats): string {
  const [first] = groups;
  if (by === undefined) return 'who did it: talos audit stats --by agent; by which tools: --by tool';
  if (first === undefined || total.events === 0) return 'another time: --since 30d --bucket day';
  return `what it was: talos audit tail ${filterFor(by, first.value)}`;
}

function filterFor(by: StatsBy, value: string): string {
  if (by !== 'tool') return `--${by} ${shellWord(printable(value))}`;
  const [server = '', tool = ''] = printable(value).split(/\/(.*)/s);
  return `--server ${shellWord(server)} --tool ${shellWord(tool)}`;
}
