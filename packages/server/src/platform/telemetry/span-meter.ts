import type { Metrics } from '../metrics/metrics.js';

/** Counts what becomes of spans. */
export interface SpanMeter {
  exported(count: number): void;
  failed(count: number): void;
  dropped(count: number): void;
}

/** The metric is there also where nobody watches, so that every process lists the same ones. */
export function measureSpans(metrics: Metrics): SpanMeter {
  const spans = metrics.counter({
    name: 'talos_telemetry_spans_total',
    help: 'Spans by what became of them: exported, failed (the receiver did not take them), dropped (too many waited).',
    labels: ['result'],
  });
  const of = (result: string) => (count: number) => spans.with({ result }).add(count);
  return { exported: of('exported'), failed: of('failed'), dropped: of('dropped') };
}
