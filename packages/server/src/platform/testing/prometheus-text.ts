/** One line of the text: its metric, labels in order, and value. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric as the text declares it. */
export interface PrometheusFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const HEAD = new RegExp(`^# HELP (${NAME}) ((?:[^\\\\\\n]|\\\\\\\\|\\\\n)+)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`);
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/;
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/;

/** Reads the Prometheus text format 0.0.4 as strictly as it can be read: every family has help and type, in this order,
 *  before its samples, which stand together; every label set stands once; histograms add up. Throws at the first fault. */
export function parsePrometheus(text: string): ReadonlyMap<string, PrometheusFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, Reading>();
  let current: Reading | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    const [, begun] = HEAD.exec(line) ?? [];
    if (begun !== undefined) {
      if (families.has(begun)) throw new Error(`${begun} stands twice`);
      current = { name: begun, type: '', help: line.slice(`# HELP ${begun} `.length), samples: [] };
      families.set(begun, current);
    } else if (current === undefined) throw new Error(`nothing is declared before: ${line}`);
    else readLine(line, current);
  }
  for (const [name, family] of families) assertSound(name, family);
  return families;
}

interface Reading extends PrometheusFamily {
  readonly name: string;
  type: string;
  readonly samples: Sample[];
}

function readLine(line: string, family: Reading): void {
  const type = TYPE.exec(line);
  if (type === null) {
    const sample = parseSample(line);
    if (!isOf(sample.name, family)) throw new Error(`it is of another family: ${line}`);
    family.samples.push(sample);
    return;
  }
  if (family.name !== type[1] || family.type !== '') throw new Error(`no help before: ${line}`);
  family.type = type[2] as string;
}

function parseSample(line: string): Sample {
  const [, name, inner, number] = SAMPLE.exec(line) ?? [];
  if (name === undefined || number === undefined || !NUMBER.test(number))
    throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  for (let rest = inner ?? ''; rest !== ''; ) {
    const [all = '', label = '', value = ''] = LABEL.exec(rest) ?? [];
    if (all === '' || label in labels) throw new Error(`no labels: ${line}`);
    labels[label] = value;
    rest = rest.slice(all.length);
  }
  return { name, labels, value: number === '+Inf' ? Number.POSITIVE_INFINITY : Number(number) };
}

function isOf(sample: string, { name, type }: { readonly name: string; readonly type: string }): boolean {
  if (type !== 'histogram') return type !== '' && sample === name;
  return ['_bucket', '_sum', '_count'].some((suffix) => sample === `${name}${suffix}`);
}

function assertSound(name: string, { type, samples }: PrometheusFamily): void {
  const seen = new Set(
    samples.map((sample) => JSON.stringify([sample.name, Object.entries(sample.labels).sort()])),
  );
  if (seen.size < samples.length) throw new Error(`${name}: a series stands twice`);
  if (samples.length === 0) throw new Error(`${name} has no samples`);
  if (type === 'counter' && samples.some(({ value }) => !(value >= 0))) throw new Error(`${name}: below 0`);
  if (type === 'counter' && !name.endsWith('_total')) throw new Error(`${name} is a counter`);
  if (type === 'histogram') assertHistogram(name, samples);
}

function assertHistogram(name: string, samples: readonly Sample[]): void {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le: _, ...rest } = sample.labels;
    const key = JSON.stringify(Object.entries(rest).sort());
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [key, group] of groups) {
    const buckets = group.filter((sample) => sample.name.endsWith('_bucket'));
    const bounds = buckets.map(({ labels }) =>
      labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le']),
    );
    const grows = (list: readonly number[]) =>
      list.every((one, index) => index === 0 || one >= (list[index - 1] as number));
    if (!grows(bounds) || !grows(buckets.map(({ value }) => value)))
      throw new Error(`${name}${key}: buckets do not grow`);
    const only = (suffix: string) => group.find((sample) => sample.name === `${name}${suffix}`)?.value;
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY || buckets.at(-1)?.value !== only('_count'))
      throw new Error(`${name}${key}: the last bucket holds all`);
    if (only('_sum') === undefined) throw new Error(`${name}${key} has no sum`);
  }
}
