import {
  type Context,
  type Span as OtelSpan,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Log } from '../log.js';
import type { SpanAttributes } from './attributes.js';
import { createAllowListExporter } from './span-exporter.js';
import type { SpanMeter } from './span-meter.js';
import { createSpanQueue } from './span-queue.js';
import type { SamplerSettings, TelemetrySettings } from './telemetry-settings.js';
import type { TraceParent } from './traceparent.js';
import type { Span, Tracer } from './tracer.js';

/** Spans on their way out of this process. */
export interface Telemetry {
  readonly tracer: Tracer;
  /** Hands over what has ended, as far as there is time for it. Never rejects. */
  close(): Promise<void>;
}

export interface TelemetryDeps {
  readonly meter: SpanMeter;
  readonly log: Log;
  /** `service.version` */
  readonly version: string;
}

/** How long the end of a process waits for the receiver. */
const CLOSE_MS = 3_000;

/** Opens the way to the receiver. What it needs is loaded now, and only where something is sent. */
export async function openTelemetry(settings: TelemetrySettings, deps: TelemetryDeps): Promise<Telemetry> {
  return createTelemetry(await openExporter(settings), settings, deps);
}

async function openExporter({ protocol, url, headers, limits }: TelemetrySettings): Promise<SpanExporter> {
  const { OTLPTraceExporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter({
    url: url.reveal(),
    headers: { ...headers.reveal() },
    timeoutMillis: limits.timeoutMs,
  });
}

/** The same with an exporter that is there. */
export function createTelemetry(
  exporter: SpanExporter,
  { service, sampler, limits }: Pick<TelemetrySettings, 'service' | 'sampler' | 'limits'>,
  { meter, log, version }: TelemetryDeps,
): Telemetry {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': service, 'service.version': version }),
    sampler: createSampler(sampler),
    spanProcessors: [createSpanQueue(createAllowListExporter(exporter), limits, { meter, log })],
  });
  return {
    tracer: createTracer(provider.getTracer('talos', version)),
    close: async () => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_MS);
      });
      // What failed is counted and logged by the queue.
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
      clearTimeout(timer);
    },
  };
}

function createSampler({ ratio, isParentBased }: SamplerSettings): Sampler {
  const root = ratio === 1 ? new AlwaysOnSampler() : createShareSampler(ratio);
  // What we begin below a span of ours goes with it.
  const foreign = isParentBased ? {} : { remoteParentSampled: root, remoteParentNotSampled: root };
  return new ParentBasedSampler({ root, ...foreign });
}

/** A share by lot: by the id of a trace whoever sends a `traceparent` would choose. */
function createShareSampler(ratio: number): Sampler {
  return {
    shouldSample: () => ({
      decision: Math.random() < ratio ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD,
    }),
    toString: () => `ShareSampler{${ratio}}`,
  };
}

function createTracer(tracer: OtelTracer): Tracer {
  return {
    start: (name, { at, attributes, parent }) => {
      const options = { kind: SpanKind.SERVER, startTime: timeOf(at), attributes: stated(attributes) };
      return wrap(tracer, tracer.startSpan(name, options, contextOf(parent)));
    },
  };
}

function wrap(tracer: OtelTracer, span: OtelSpan): Span {
  return {
    set: (attributes) => void span.setAttributes(stated(attributes)),
    rename: (name) => void span.updateName(name),
    fail: (type) => void span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR }),
    end: (at) => span.end(timeOf(at)),
    child: (name, { at, attributes }) => {
      const options = { kind: SpanKind.CLIENT, startTime: timeOf(at), attributes: stated(attributes) };
      return wrap(tracer, tracer.startSpan(name, options, trace.setSpan(ROOT_CONTEXT, span)));
    },
  };
}

/** Without `tracestate` and baggage: they are the caller's own affair. */
function contextOf(parent: TraceParent | undefined): Context {
  if (parent === undefined) return ROOT_CONTEXT;
  const { traceId, spanId, flags } = parent;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: flags, isRemote: true });
}

/** As seconds and nanoseconds: a plain number that lies before the start of the process is taken for a time since then. */
function timeOf(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.min(999_999_999, Math.round((ms - seconds * 1000) * 1e6))];
}

function stated(attributes: SpanAttributes): Record<string, string | number | boolean> {
  const found: Record<string, string | number | boolean> = {};
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) found[key] = value;
  return found;
}
