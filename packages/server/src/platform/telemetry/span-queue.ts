import { TraceFlags } from '@opentelemetry/api';
import { BatchSpanProcessor, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Log } from '../log.js';
import type { SpanMeter } from './span-meter.js';

/** Bounds of what waits to be taken by the receiver. */
export interface SpanQueueLimits {
  /** Spans. */
  readonly queue: number;
  /** Milliseconds between two exports. */
  readonly delayMs: number;
  /** Milliseconds that one may take, with what is tried again. */
  readonly timeoutMs: number;
}

const MOST_AT_ONCE = 512;
/** Of what a batch may take beyond its exporter's own limit, which is to be the one that ends it. */
const GRACE_MS = 1_000;

/** Hands spans over in batches, in the background, and never more than `queue` of them wait: what comes beyond is dropped and
 *  counted. A receiver that fails is logged once, and once more when it takes them again. */
export function createSpanQueue(
  exporter: SpanExporter,
  { queue, delayMs, timeoutMs }: SpanQueueLimits,
  { meter, log }: { readonly meter: SpanMeter; readonly log: Log },
): SpanProcessor {
  let waiting = 0;
  const batches = new BatchSpanProcessor({
    exporter: createWatchedExporter(exporter, { meter, log, taken: (count) => (waiting -= count) }),
    maxQueueSize: queue,
    maxExportBatchSize: Math.min(queue, MOST_AT_ONCE),
    scheduledDelayMillis: delayMs,
    exportTimeoutMillis: timeoutMs + GRACE_MS,
  });
  return {
    onStart: () => undefined,
    onEnd: (span) => {
      if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
      // The same bound as that of the batches, which do not say what they drop.
      if (waiting >= queue) return meter.dropped(1);
      waiting += 1;
      batches.onEnd(span);
    },
    forceFlush: () => batches.forceFlush(),
    shutdown: () => batches.shutdown(),
  };
}

interface Watching {
  readonly meter: SpanMeter;
  readonly log: Log;
  /** So many do not wait any more. */
  taken(count: number): void;
}

function createWatchedExporter(inner: SpanExporter, { meter, log, taken }: Watching): SpanExporter {
  let isFailing = false;
  const tell = (error: Error | undefined): void => {
    if (error === undefined && isFailing) log.info('spans are taken again');
    if (error !== undefined && !isFailing)
      log.warn('spans are not taken by their receiver, and are lost until they are', { err: error });
    isFailing = error !== undefined;
  };
  return {
    export: (spans, done) => {
      taken(spans.length);
      inner.export(spans, (result) => {
        const isTaken = result.code === 0;
        (isTaken ? meter.exported : meter.failed)(spans.length);
        tell(isTaken ? undefined : (result.error ?? new Error('the receiver did not take them')));
        done(result);
      });
    },
    forceFlush: async () => inner.forceFlush?.(),
    shutdown: () => inner.shutdown(),
  };
}
