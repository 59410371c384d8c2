import { type HrTime, ValueType } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import type { Series } from './series.js';

type Values = readonly Series<{ readonly value: number }>[];

/** A metric and its series, as they are read. */
export type Family = {
  readonly name: string;
  readonly help: string;
} & (
  | { readonly kind: 'counter' | 'gauge'; readonly series: Values }
  | {
      readonly kind: 'histogram';
      readonly buckets: readonly number[];
      /** One count more than buckets: of what is above all of them. */
      readonly series: readonly Series<{ readonly counts: Float64Array; readonly sum: number }>[];
    }
);

/** Without names of scopes and targets: a scraper knows whom it asked. */
const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);

/** Families as Prometheus reads them (text format 0.0.4). One without a series is not there. */
export function expose(families: readonly Family[]): string {
  const metrics = families.filter(({ series }) => series.length > 0).map(toMetricData);
  if (metrics.length === 0) return '';
  return serializer.serialize({
    resource: NO_RESOURCE,
    scopeMetrics: [{ scope: { name: 'talos' }, metrics }],
  });
}

const NO_RESOURCE: ResourceMetrics['resource'] = {
  attributes: {},
  merge: (other) => other ?? NO_RESOURCE,
  getRawAttributes: () => [],
};

/** The data model of OpenTelemetry, of which the text is one rendering. Its times are left out of the text. */
function toMetricData(family: Family): MetricData {
  const shared = {
    descriptor: { name: family.name, description: family.help, unit: '', valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  if (family.kind === 'histogram') {
    const boundaries = [...family.buckets];
    return {
      ...shared,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: family.series.map(({ labels, cell }) => {
        const counts = [...cell.counts];
        const count = counts.reduce((sum, one) => sum + one, 0);
        return point(labels, { buckets: { boundaries, counts }, sum: cell.sum, count });
      }),
    };
  }
  const dataPoints = family.series.map(({ labels, cell }) => point(labels, cell.value));
  if (family.kind === 'gauge') return { ...shared, dataPointType: DataPointType.GAUGE, dataPoints };
  return { ...shared, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
}

const UNTIMED: HrTime = [0, 0];

function point<T>(attributes: Readonly<Record<string, string>>, value: T): DataPoint<T> {
  return { startTime: UNTIMED, endTime: UNTIMED, attributes, value };
}
