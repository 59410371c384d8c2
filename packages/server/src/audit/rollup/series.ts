import type { StatsPoint, StatsSeries } from '@talosprotocol/contracts';
import { formatTime } from '@talosprotocol/protocol';

/** What one bucket has: the minute where it begins, its counts, what was paid, by currency in digits of micro-units, and the tokens
 *  that models read and wrote. */
export type PointNumbers = readonly [
  minute: number,
  events: number,
  allowed: number,
  denied: number,
  costs: Costs | null,
  input: number,
  output: number,
];

type Costs = Readonly<Record<string, string>>;

const MINUTE_MS = 60_000;

/** The sums of buckets, and of all of them. `buckets` by time. */
export function seriesOf(buckets: readonly PointNumbers[]): StatsSeries {
  const costs = new Map<string, bigint>();
  const sums = { events: 0, allowed: 0, denied: 0 };
  const tokens = { input: 0, output: 0 };
  const points: StatsPoint[] = [];
  for (const [minute, events, allowed, denied, paid, input, output] of buckets) {
    const start = formatTime(minute * MINUTE_MS);
    points.push({ start, events, allowed, denied, cost: costOf(paid), tokens: { input, output } });
    sums.events += events;
    sums.allowed += allowed;
    sums.denied += denied;
    tokens.input += input;
    tokens.output += output;
    addTo(costs, paid, 1n);
  }
  return { ...sums, cost: costOf(textsOf(costs)), tokens, points };
}

function costOf(costs: Costs | null): StatsPoint['cost'] {
  if (costs === null) return [];
  const currencies = Object.keys(costs).sort();
  return currencies.map((currency) => ({ amount: costs[currency] as string, currency }));
}

function addTo(sums: Map<string, bigint>, costs: Costs | null, sign: 1n | -1n): void {
  for (const currency in costs) {
    const amount = BigInt(costs[currency] as string);
    sums.set(currency, (sums.get(currency) ?? 0n) + sign * amount);
  }
}

/** What was paid; nothing is no price. */
function textsOf(sums: ReadonlyMap<string, bigint>): Costs {
  return Object.fromEntries([...sums].flatMap(([name, sum]) => (sum === 0n ? [] : [[name, String(sum)]])));
}

/** One of each bucket. `points` by time. */
export const byBucket = (points: readonly PointNumbers[]): readonly PointNumbers[] => without(points, []);

/** What is left of buckets without those of some values. Both by time, or `taken` in any order. */
export function without(
  all: readonly PointNumbers[],
  taken: readonly PointNumbers[],
): readonly PointNumbers[] {
  const left = new Map<number, Left>();
  const apply = (point: PointNumbers, sign: 1 | -1): void => {
    const [minute, events, allowed, denied, costs, input, output] = point;
    let sums = left.get(minute);
    if (sums === undefined) {
      sums = { events: 0, allowed: 0, denied: 0, costs: undefined, input: 0, output: 0 };
      left.set(minute, sums);
    }
    sums.events += sign * events;
    sums.allowed += sign * allowed;
    sums.denied += sign * denied;
    sums.input += sign * input;
    sums.output += sign * output;
    if (costs === null) return;
    sums.costs ??= new Map();
    addTo(sums.costs, costs, sign === 1 ? 1n : -1n);
  };
  for (const bucket of all) apply(bucket, 1);
  for (const bucket of taken) apply(bucket, -1);
  return [...left].flatMap(([minute, { events, allowed, denied, costs, input, output }]) => {
    const paid = costs === undefined ? null : textsOf(costs);
    return events === 0 ? [] : [[minute, events, allowed, denied, paid, input, output]];
  });
}

interface Left {
  events: number;
  allowed: number;
  denied: number;
  costs: Map<string, bigint> | undefined;
  input: number;
  output: number;
}
