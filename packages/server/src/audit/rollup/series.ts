import type { StatsPoint, StatsSeries } from '@talosprotocol/contracts';
import { formatTime } from '@talosprotocol/protocol';

/** What one bucket has: the minute where it begins, its counts, and what was paid, by currency in digits of micro-units. */
export type PointNumbers = readonly [
  minute: number,
  events: number,
  allowed: number,
  denied: number,
  costs: Costs | null,
];

type Costs = Readonly<Record<string, string>>;

const MINUTE_MS = 60_000;

/** The sums of buckets, and of all of them. `buckets` by time. */
export function seriesOf(buckets: readonly PointNumbers[]): StatsSeries {
  const costs = new Map<string, bigint>();
  const sums = { events: 0, allowed: 0, denied: 0 };
  const points: StatsPoint[] = [];
  for (const [minute, events, allowed, denied, paid] of buckets) {
    points.push({ start: formatTime(minute * MINUTE_MS), events, allowed, denied, cost: costOf(paid) });
    sums.events += events;
    sums.allowed += allowed;
    sums.denied += denied;
    addTo(costs, paid, 1n);
  }
  return { ...sums, cost: costOf(textsOf(costs)), points };
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
  const apply = ([minute, events, allowed, denied, costs]: PointNumbers, sign: 1 | -1): void => {
    let sums = left.get(minute);
    if (sums === undefined) {
      sums = { events: 0, allowed: 0, denied: 0, costs: undefined };
      left.set(minute, sums);
    }
    sums.events += sign * events;
    sums.allowed += sign * allowed;
    sums.denied += sign * denied;
    if (costs === null) return;
    sums.costs ??= new Map();
    addTo(sums.costs, costs, sign === 1 ? 1n : -1n);
  };
  for (const bucket of all) apply(bucket, 1);
  for (const bucket of taken) apply(bucket, -1);
  return [...left].flatMap(([minute, { events, allowed, denied, costs }]) =>
    events === 0 ? [] : [[minute, events, allowed, denied, costs === undefined ? null : textsOf(costs)]],
  );
}

interface Left {
  events: number;
  allowed: number;
  denied: number;
  costs: Map<string, bigint> | undefined;
}
