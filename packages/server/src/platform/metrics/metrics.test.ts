import { describe, expect, it } from 'vitest';
import { parsePrometheus } from '../testing/prometheus-text.js';
import { createMetrics } from './metrics.js';

const help = 'What it counts.';

describe('metrics', () => {
  it('are nothing where there are none', () => {
    expect(createMetrics().text()).toBe('');
  });

  it('show counters, gauges and histograms as Prometheus reads them', () => {
    const metrics = createMetrics();
    const calls = metrics.counter({ name: 'talos_calls_total', help, labels: ['tool', 'effect'] });
    calls.with({ tool: 'read', effect: 'allow' }).add();
    calls.with({ tool: 'read', effect: 'allow' }).add(2);
    calls.with({ tool: 'read', effect: 'deny' }).add(0);
    metrics.gauge({ name: 'talos_open', help }, (observe) => observe(1.5, {}));
    metrics.observedCounter({ name: 'talos_cpu_seconds_total', help }, (observe) => observe(7, {}));
    const sizes = metrics.histogram({ name: 'talos_size_bytes', help, buckets: [1, 10] });
    for (const size of [0, 1, 5, 100, Number.NaN, Number.POSITIVE_INFINITY]) sizes.with({}).record(size);

    const families = parsePrometheus(metrics.text());
    expect([...families.keys()]).toEqual([
      'talos_calls_total',
      'talos_open',
      'talos_cpu_seconds_total',
      'talos_size_bytes',
    ]);
    expect(families.get('talos_calls_total')).toMatchObject({
      type: 'counter',
      help,
      samples: [
        { name: 'talos_calls_total', labels: { tool: 'read', effect: 'allow' }, value: 3 },
        { name: 'talos_calls_total', labels: { tool: 'read', effect: 'deny' }, value: 0 },
      ],
    });
    expect(families.get('talos_open')?.samples).toEqual([{ name: 'talos_open', labels: {}, value: 1.5 }]);
    const { type, samples = [] } = families.get('talos_size_bytes') ?? {};
    expect(type).toBe('histogram');
    expect(samples.map(({ name, labels, value }) => [name, labels['le'], value])).toEqual([
      ['talos_size_bytes_count', undefined, 4],
      ['talos_size_bytes_sum', undefined, 106],
      ['talos_size_bytes_bucket', '1', 2],
      ['talos_size_bytes_bucket', '10', 3],
      ['talos_size_bytes_bucket', '+Inf', 4],
    ]);
  });

  it('keep a bounded number of series, however many values a label is given', () => {
    const metrics = createMetrics();
    const calls = metrics.counter({ name: 'talos_calls_total', help, labels: ['tool'], maxSeries: 3 });
    for (let i = 0; i < 10_000; i += 1) calls.with({ tool: `tool-${i}` }).add();
    const { samples = [] } = parsePrometheus(metrics.text()).get('talos_calls_total') ?? {};
    expect(samples.map(({ labels, value }) => [labels['tool'], value])).toEqual([
      ['tool-0', 1],
      ['tool-1', 1],
      ['tool-2', 1],
      ['other', 9_997],
    ]);
    // What is known stays apart.
    calls.with({ tool: 'tool-1' }).add();
    expect(metrics.text()).toContain('talos_calls_total{tool="tool-1"} 2\n');
  });

  it('bound what is observed in the same way', () => {
    const metrics = createMetrics();
    metrics.gauge({ name: 'talos_open', help, labels: ['room'], maxSeries: 2 }, (observe) => {
      for (let i = 0; i < 50; i += 1) observe(i, { room: String(i) });
    });
    const { samples = [] } = parsePrometheus(metrics.text()).get('talos_open') ?? {};
    expect(samples.map(({ labels }) => labels['room'])).toEqual(['0', '1', 'other']);
  });

  it.each([
    ['too long', 'x'.repeat(97)],
    ['a line of its own', 'a"} 1\ntalos_forged_total 99\n# '],
    ['not ASCII', 'café'],
    ['a control character', 'a\u0000b'],
  ])('count a value that is no label (%s) under other', (_, tool) => {
    const metrics = createMetrics();
    metrics
      .counter({ name: 'talos_calls_total', help, labels: ['tool'] })
      .with({ tool })
      .add();
    expect([...parsePrometheus(metrics.text()).values()].map(({ samples }) => samples)).toEqual([
      [{ name: 'talos_calls_total', labels: { tool: 'other' }, value: 1 }],
    ]);
  });

  it('escape what a label may hold', () => {
    const metrics = createMetrics();
    metrics
      .counter({ name: 'talos_calls_total', help, labels: ['tool'] })
      .with({ tool: 'a"b\\c' })
      .add();
    expect(metrics.text()).toContain('{tool="a\\"b\\\\c"} 1');
    parsePrometheus(metrics.text());
  });

  it('have the labels they were made with, and no other', () => {
    const metrics = createMetrics();
    const calls = metrics.counter({ name: 'talos_calls_total', help, labels: ['tool'] });
    const more = { tool: 'read', path: '/home/canary' };
    calls.with(more).add();
    expect(metrics.text()).not.toContain('canary');
  });

  it('show the others when one cannot be asked, and leave out what is no number', () => {
    const metrics = createMetrics();
    metrics.gauge({ name: 'talos_broken', help }, () => {
      throw new Error('canary');
    });
    metrics.gauge({ name: 'talos_unknown', help }, (observe) => observe(Number.NaN, {}));
    metrics.gauge({ name: 'talos_open', help }, (observe) => observe(Number.POSITIVE_INFINITY, {}));
    expect(metrics.text()).toContain('talos_open +Inf\n');
    expect([...parsePrometheus(metrics.text()).keys()]).toEqual(['talos_open']);
  });

  it('only grow where they count', () => {
    const series = createMetrics().counter({ name: 'talos_calls_total', help }).with({});
    for (const amount of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => series.add(amount)).toThrow(RangeError);
  });

  it.each([
    ['calls_total', []],
    ['talos_calls', []],
    ['talos_Calls_total', []],
    ['talos__calls_total', []],
    ['talos_calls_total', ['le']],
    ['talos_calls_total', ['Tool']],
    ['talos_calls_total', ['a', 'a']],
  ])('refuse a name that is none: %s %j', (name, labels) => {
    expect(() => createMetrics().counter({ name, help, labels })).toThrow(TypeError);
  });

  it.each(['talos_open_total', 'talos_open_count', 'talos_open_bucket', 'talos_open_sum'])(
    'keep the endings of Prometheus for what it means by them: %s',
    (name) => {
      expect(() => createMetrics().gauge({ name, help }, () => undefined)).toThrow(TypeError);
    },
  );

  it.each([[[]], [[1, 1]], [[2, 1]], [[1, Number.POSITIVE_INFINITY]], [[Number.NaN]]])(
    'refuse buckets that do not grow: %j',
    (buckets) => {
      expect(() => createMetrics().histogram({ name: 'talos_size_bytes', help, buckets })).toThrow(TypeError);
    },
  );

  it('refuse a name twice', () => {
    const metrics = createMetrics();
    metrics.counter({ name: 'talos_calls_total', help });
    expect(() => metrics.counter({ name: 'talos_calls_total', help })).toThrow(TypeError);
  });
});

describe('the strict reader of this test', () => {
  it.each([
    ['no end', '# HELP a b\n# TYPE a gauge\na 1'],
    ['no type', '# HELP a b\na 1\n'],
    ['no help', '# TYPE a gauge\na 1\n'],
    ['another name', '# HELP a b\n# TYPE a gauge\nb 1\n'],
    ['twice the same', '# HELP a b\n# TYPE a gauge\na 1\na 2\n'],
    ['apart', '# HELP a b\n# TYPE a gauge\na 1\n# HELP b b\n# TYPE b gauge\nb 1\na{x="1"} 2\n'],
    ['an empty line', '# HELP a b\n# TYPE a gauge\n\na 1\n'],
    ['open quotes', '# HELP a b\n# TYPE a gauge\na{x="1} 1\n'],
    ['no number', '# HELP a b\n# TYPE a gauge\na one\n'],
    ['below 0', '# HELP a_total b\n# TYPE a_total counter\na_total -1\n'],
    ['no samples', '# HELP a b\n# TYPE a gauge\n'],
    [
      'a histogram that does not add up',
      '# HELP a b\n# TYPE a histogram\na_count 3\na_sum 1\na_bucket{le="1"} 1\na_bucket{le="+Inf"} 2\n',
    ],
  ])('refuses %s', (_, text) => {
    expect(() => parsePrometheus(text)).toThrow();
  });
});
