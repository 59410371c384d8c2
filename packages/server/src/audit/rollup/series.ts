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

/** Micro-units. Nearly all are numbers, with which it is quicker to calculate and which leave nothing behind for each sum. */
type Amount = number | bigint;

/** Decimal digits of numbers that are exact, whatever the digits. */
const EXACT_DIGITS = 15;
const amountOf = (text: string): Amount => (text.length <= EXACT_DIGITS ? Number(text) : BigInt(text));

function plus(a: Amount, b: Amount): Amount {
  const sum = typeof a === 'number' && typeof b === 'number' ? a + b : Number.NaN;
  return Number.isSafeInteger(sum) ? sum : BigInt(a) + BigInt(b);
}

const MINUTE_MS = 60_000;

/** When a bucket begins, of its minute. */
export type StartOf = (minute: number) => string;

/** Writes each time once: all values of an answer have the same buckets. */
export function createStarts(): StartOf {
  const starts = new Map<number, string>();
  return (minute) => {
    let start = starts.get(minute);
    if (start === undefined) {
      start = formatTime(minute * MINUTE_MS);
      starts.set(minute, start);
    }
    return start;
  };
}

/** The sums of buckets, and of all of them. `buckets` by time. */
export function seriesOf(buckets: readonly PointNumbers[], startOf: StartOf): StatsSeries {
  const costs = new Map<string, Amount>();
  const sums = { events: 0, allowed: 0, denied: 0 };
  const tokens = { input: 0, output: 0 };
  const points: StatsPoint[] = [];
  for (const [minute, events, allowed, denied, paid, input, output] of buckets) {
    points.push({
      start: startOf(minute),
      events,
      allowed,
      denied,
      cost: costOf(paid),
      tokens: { input, output },
    });
    sums.events += events;
    sums.allowed += allowed;
    sums.denied += denied;
    tokens.input += input;
    tokens.output += output;
    addTo(costs, paid, 1);
  }
  return { ...sums, cost: costOf(textsOf(costs)), tokens, points };
}

function costOf(costs: Costs | null): StatsPoint['cost'] {
  if (costs === null) return [];
  const currencies = Object.keys(costs).sort();
  return currencies.map((currency) => ({ amount: costs[currency] as string, currency }));
}

function addTo(sums: Map<string, Amount>, costs: Costs | null, sign: 1 | -1): void {
  for (const currency in costs) {
    const amount = amountOf(costs[currency] as string);
    sums.set(currency, plus(sums.get(currency) ?? 0, sign === 1 ? amount : -amount));
  }
}

/** What was paid; nothing is no price. */
function textsOf(sums: ReadonlyMap<string, Amount>): Costs {
  const texts: Record<string, string> = {};
  for (const [name, sum] of sums) if (Number(sum) !== 0) texts[name] = String(sum);
  return texts;
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
    addTo(sums.costs, costs, sign);
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
  costs: Map<string, Amount> | undefined;
  input: number;
  output: number;
}
