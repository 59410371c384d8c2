import type { EventStats, StatsBucket, StatsBy, StatsSeries } from '@talosprotocol/contracts';
import { clock } from '../../../platform/system.js';
import type { Statistics } from '../../rollup/stats.js';
import { tokensOf } from '../traffic.js';
import type { Asked, Bench } from './asked.js';
import { sorted } from './ingest.js';
import { BEGIN, DAYS } from './questions.js';
import type { Kind, Remembered } from './remembered.js';

const BUCKETS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const satisfies Record<
  StatsBucket,
  number
>;
const MAX_BUCKETS = 200;
/** One answer of so many is held against a recount: that takes a second, and in between there is nothing to be measured. */
const CHECKED = 10;

interface StatsAsk {
  readonly by: StatsBy;
  readonly bucket: StatsBucket;
}

/** How a kind of event is named by each. */
const VALUES: Readonly<Record<StatsBy, (kind: Kind) => string | undefined>> = {
  agent: ({ agent }) => agent,
  capability: ({ cth }) => cth,
  server: ({ server }) => server,
  tool: ({ server, tool }) => (server === undefined || tool === undefined ? undefined : `${server}/${tool}`),
  effect: ({ effect }) => effect,
  code: ({ code }) => code,
  status: ({ status }) => status,
};

/** Every way to ask for numbers. */
export const STATS: readonly StatsAsk[] = (Object.keys(VALUES) as StatsBy[]).flatMap((by) =>
  (Object.keys(BUCKETS) as StatsBucket[]).map((bucket) => ({ by, bucket })),
);

/** Asks for as many buckets as an answer has of ten values, anywhere in the log. @throws {Error} a number was wrong */
export async function askStats(
  { remembered, samples }: Bench,
  { eventStats }: Statistics,
  { by, bucket }: StatsAsk,
  random: () => number,
): Promise<Asked> {
  const waits: number[] = [];
  const width = BUCKETS[bucket];
  const days = DAYS * BUCKETS.day;
  const buckets = Math.min(MAX_BUCKETS, days / width);
  for (let i = 0; i < samples; i += 1) {
    const since = Math.floor((BEGIN + random() * (days - buckets * width)) / width) * width;
    const span = {
      since: new Date(since).toISOString(),
      until: new Date(since + buckets * width).toISOString(),
    };
    const begun = clock.monotonic();
    const stats = await eventStats({ by, bucket, ...span });
    waits.push(clock.monotonic() - begun);
    if (i % CHECKED === 0) assertCounted(remembered, by, stats);
  }
  return { query: `stats by ${by}, ${bucket}`, samples, requests: 1, ...sorted(waits) };
}

type Sums = Omit<StatsSeries, 'points'>;

/** Holds an answer against a recount of what is remembered. Of values that were unnamed for a while nobody says how much that was
 *  of each (AUD-122): what is told of one is at most what there is then, and nothing of the whole is missing. */
function assertCounted(remembered: Remembered, by: StatsBy, stats: EventStats): void {
  const counts = recount(remembered, by, Date.parse(stats.since), Date.parse(stats.until));
  const wrong = (what: string): never => {
    throw new Error(`stats by ${by} from ${stats.since}: ${what}`);
  };
  const all = [...counts.values()].reduce((sum, { events }) => sum + events, 0);
  const told = stats.groups.reduce((sum, { events }) => sum + events, 0);
  const { none, others, groups, total } = stats;
  if (total.events !== all || told + (none?.events ?? 0) + (others?.events ?? 0) !== all)
    wrong(`${total.events} events, right is ${all}`);
  if (textOf(none) !== textOf(counts.get(undefined))) wrong('those without one are others');
  const unnamed = others?.unnamed ?? 0;
  for (const group of groups) {
    const right = counts.get(group.value) ?? NOTHING;
    const isRight = unnamed === 0 ? textOf(group) === textOf(right) : isWithin(group, right, unnamed);
    if (!isRight) wrong(`${group.value}: ${textOf(group)}, right is ${textOf(right)}`);
  }
  const named = [...counts].filter(([value]) => value !== undefined).map(([, sums]) => sums.events);
  const top = named.sort((a, b) => b - a);
  if (unnamed === 0 && groups.some(({ events }, i) => events !== top[i])) wrong('others had more');
}

const isWithin = (told: Sums, right: Sums, unnamed: number): boolean =>
  told.events <= right.events && told.events + unnamed >= right.events;

const NOTHING: Sums = { events: 0, allowed: 0, denied: 0, cost: [], tokens: { input: 0, output: 0 } };

function textOf(sums: Sums = NOTHING): string {
  const { events, allowed, denied, cost, tokens } = sums;
  const costs = cost.map(({ amount, currency }) => [currency, amount]);
  return JSON.stringify([events, allowed, denied, costs, tokens.input, tokens.output]);
}

/** The first event that is not before a moment. */
function firstAt(remembered: Remembered, moment: number): number {
  let [low, high] = [0, remembered.size];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (remembered.time(middle) < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

function recount(
  remembered: Remembered,
  by: StatsBy,
  since: number,
  until: number,
): Map<string | undefined, Sums> {
  const counts = new Map<string | undefined, Counting>();
  const end = firstAt(remembered, until);
  for (let index = firstAt(remembered, since); index < end; index += 1) {
    const kind = remembered.kind(index);
    const value = VALUES[by](kind);
    const sums = counts.get(value) ?? newCount();
    counts.set(value, sums);
    sums.events += 1;
    if (kind.type === 'decision' && kind.effect === 'allow') sums.allowed += 1;
    if (kind.type === 'decision' && kind.effect === 'deny') sums.denied += 1;
    if (kind.currency === undefined) continue;
    const cost = remembered.cost(index);
    sums.costs.set(kind.currency, (sums.costs.get(kind.currency) ?? 0n) + BigInt(cost));
    const { input, output } = tokensOf(cost) ?? { input: 0, output: 0 };
    sums.tokens.input += input;
    sums.tokens.output += output;
  }
  return new Map([...counts].map(([value, { costs, ...sums }]) => [value, { ...sums, cost: costOf(costs) }]));
}

interface Counting {
  events: number;
  allowed: number;
  denied: number;
  readonly costs: Map<string, bigint>;
  readonly tokens: { input: number; output: number };
}

const newCount = (): Counting => ({
  ...{ events: 0, allowed: 0, denied: 0 },
  costs: new Map(),
  tokens: { input: 0, output: 0 },
});

function costOf(costs: ReadonlyMap<string, bigint>): Sums['cost'] {
  return [...costs]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, amount]) => ({ currency, amount: String(amount) }));
}
