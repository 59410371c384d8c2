import { expose, type Family } from './exposition.js';
import { createSeriesTable, type Labels, type Series, type SeriesTable } from './series.js';

/** What a metric says of itself when it is made. */
export interface MetricOptions<K extends string> {
  /** `talos_`, what it counts, and its unit: `talos_http_request_duration_seconds`; a counter's ends with `_total`. Or the
   *  name of one of OpenTelemetry's conventions. */
  readonly name: string;
  /** One sentence for the people who read it. */
  readonly help: string;
  /** The labels it has, and no others; none by default. */
  readonly labels?: readonly K[];
  /** Series that are kept; 256 by default. What comes beyond is counted in one, of which each label is `other`. */
  readonly maxSeries?: number;
}

/** Grows only. */
export interface Counter<K extends string = never> {
  /** Its series of these labels: to be kept where it is counted often, for adding to it allocates nothing. */
  with(labels: Labels<K>): CounterSeries;
}

export interface CounterSeries {
  /** @throws {RangeError} for an amount below 0 or not finite */
  add(amount?: number): void;
}

/** How often a value was at most so large. */
export interface Histogram<K extends string = never> {
  with(labels: Labels<K>): HistogramSeries;
}

export interface HistogramSeries {
  /** What is not a number is not counted. */
  record(value: number): void;
}

/** Says what is the case now: once for each set of labels. */
export type Observe<K extends string> = (value: number, labels: Labels<K>) => void;

/** What the parts of a process count, for whoever watches it. A label is never what a caller sent: a route's pattern,
 *  not its path. */
export interface Metrics {
  counter<K extends string = never>(options: MetricOptions<K>): Counter<K>;
  /** `buckets` are upper bounds, growing. */
  histogram<K extends string = never>(
    options: MetricOptions<K> & { readonly buckets: readonly number[] },
  ): Histogram<K>;
  /** Asked each time somebody reads: `observe` must be quick. One that throws is left out of what is read. */
  gauge<K extends string = never>(options: MetricOptions<K>, ask: (observe: Observe<K>) => void): void;
  /** The same for what is counted elsewhere and only grows. */
  observedCounter<K extends string = never>(
    options: MetricOptions<K>,
    ask: (observe: Observe<K>) => void,
  ): void;
  /** All of them as Prometheus reads it (text format 0.0.4). */
  text(): string;
  /** What there is, in the order in which it was made, also what has no series yet. */
  list(): readonly MetricDescription[];
}

export interface MetricDescription {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

const MAX_SERIES = 256;

/** The metrics of one process, none yet. A name that is not one, or is given twice, is a TypeError. */
export function createMetrics(): Metrics {
  const families = new Map<string, { readonly about: MetricDescription; readonly read: () => Family }>();
  const register = (options: MetricOptions<string>, kind: Family['kind'], read: () => Family): void => {
    assertSound(options, kind);
    if (families.has(options.name)) throw new TypeError(`the metric ${options.name} is made twice`);
    const { name, help, labels = [] } = options;
    families.set(name, { about: { name, kind, help, labels }, read });
  };
  const observed =
    (kind: 'gauge' | 'counter') =>
    <K extends string>(options: MetricOptions<K>, ask: (observe: Observe<K>) => void): void =>
      register(options, kind, () => ({ ...named(options), kind, series: observations(options, ask) }));
  return {
    counter: (options) => {
      const table = tableOf(options, createCounterCell);
      register(options, 'counter', () => ({ ...named(options), kind: 'counter', series: table.all() }));
      return { with: table.cell };
    },
    histogram: (options) => {
      const { buckets } = options;
      assertGrowing(options.name, buckets);
      const table = tableOf(options, () => createHistogramCell(buckets));
      register(options, 'histogram', () => ({
        ...named(options),
        kind: 'histogram',
        buckets,
        series: table.all(),
      }));
      return { with: table.cell };
    },
    gauge: observed('gauge'),
    observedCounter: observed('counter'),
    text: () => expose([...families.values()].map(({ read }) => read())),
    list: () => [...families.values()].map(({ about }) => about),
  };
}

function named({ name, help }: MetricOptions<string>) {
  return { name, help };
}

function tableOf<K extends string, T>(
  { labels = [], maxSeries = MAX_SERIES }: MetricOptions<K>,
  make: () => T,
): SeriesTable<K, T> {
  return createSeriesTable(labels, maxSeries, make);
}

function createCounterCell() {
  const cell = {
    value: 0,
    add: (amount = 1): void => {
      if (!(amount >= 0 && Number.isFinite(amount))) throw new RangeError('a counter only grows');
      cell.value += amount;
    },
  };
  return cell;
}

function createHistogramCell(buckets: readonly number[]) {
  const cell = {
    counts: new Float64Array(buckets.length + 1),
    sum: 0,
    record: (value: number): void => {
      if (!Number.isFinite(value)) return;
      let index = 0;
      while (index < buckets.length && value > (buckets[index] as number)) index += 1;
      (cell.counts[index] as number) += 1;
      cell.sum += value;
    },
  };
  return cell;
}

/** A fault of whoever is asked is no reason to show nothing of the others. */
function observations<K extends string>(
  options: MetricOptions<K>,
  ask: (observe: Observe<K>) => void,
): readonly Series<{ readonly value: number }>[] {
  const table = tableOf(options, () => ({ value: 0 }));
  try {
    ask((value, labels) => {
      if (!Number.isNaN(value)) table.cell(labels).value = value;
    });
  } catch {
    return [];
  }
  return table.all();
}

/** Ours, and those of OpenTelemetry's conventions as Prometheus writes them. */
const NAME = /^(?:talos|gen_ai|mcp)_[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;
const LABEL = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;
/** What Prometheus appends itself. */
const RESERVED = /_(?:total|count|sum|bucket|created)$/;

function assertSound({ name, labels = [] }: MetricOptions<string>, kind: Family['kind']): void {
  const isNamed = kind === 'counter' ? name.endsWith('_total') : !RESERVED.test(name);
  if (!NAME.test(name) || !isNamed) throw new TypeError(`${name} is no name of a ${kind}`);
  const fault = labels.find((label) => !LABEL.test(label) || label === 'le');
  if (fault !== undefined) throw new TypeError(`${name}: ${fault} is no label`);
  if (new Set(labels).size < labels.length) throw new TypeError(`${name}: a label stands twice`);
}

function assertGrowing(name: string, buckets: readonly number[]): void {
  const grows = buckets.every((bound, index) => bound > (buckets[index - 1] ?? Number.NEGATIVE_INFINITY));
  if (!grows || buckets.length === 0 || !buckets.every(Number.isFinite)) {
    throw new TypeError(`${name}: buckets are finite and grow`);
  }
}
