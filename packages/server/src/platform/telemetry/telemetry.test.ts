import { InMemorySpanExporter, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../metrics/metrics.js';
import { parsePrometheus } from '../testing/prometheus-text.js';
import { createTestLog } from '../testing/test-log.js';
import type { SpanAttributes } from './attributes.js';
import { createAllowListExporter } from './span-exporter.js';
import { measureSpans } from './span-meter.js';
import { createTelemetry } from './telemetry.js';
import type { SamplerSettings } from './telemetry-settings.js';

const ALL: SamplerSettings = { ratio: 1, isParentBased: false };
const LIMITS = { queue: 64, delayMs: 5, timeoutMs: 500 };

function open(exporter: SpanExporter, { sampler = ALL, limits = LIMITS } = {}) {
  const lines: string[] = [];
  const metrics = createMetrics();
  const deps = { meter: measureSpans(metrics), log: createTestLog(lines), version: '1' };
  const telemetry = createTelemetry(exporter, { service: 'test', sampler, limits }, deps);
  const count = (result: string): number =>
    [...parsePrometheus(metrics.text()).values()]
      .flatMap(({ samples }) => samples)
      .find(({ labels }) => labels['result'] === result)?.value ?? 0;
  return { ...telemetry, lines, count };
}

/** Keeps what it is given, as it is given it: the one of the SDK forgets it at its end. */
function keeping() {
  const spans: ReadableSpan[] = [];
  const exporter: SpanExporter = {
    export: (given, done) => {
      spans.push(...given);
      done({ code: 0 });
    },
    shutdown: async () => undefined,
  };
  return { spans, exporter };
}

// TEL-3, TEL-4
describe('a span', () => {
  it('leaves with what is listed, below its parent, at its times', async () => {
    const { spans, exporter } = keeping();
    const { tracer, close } = open(exporter);
    const parent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), flags: 0 };
    const content = {
      'gen_ai.input.messages': 'canary',
      'gen_ai.request.model': 'can ary',
    } as SpanAttributes;
    const span = tracer.start('chat gpt', {
      at: 1_000.25,
      parent,
      attributes: { 'talos.cost': 3, ...content },
    });
    const child = span.child('tools/call x', { at: 1_500, attributes: {} });
    child.fail('tool_error');
    child.end(1_750);
    span.rename('chat gpt-4o');
    span.set({ 'gen_ai.usage.input_tokens': 7, 'talos.currency': undefined });
    span.end(2_000.5);
    await close();
    const [inner, outer] = spans;
    expect(outer).toMatchObject({
      name: 'chat gpt-4o',
      kind: 1,
      startTime: [1, 250_000],
      endTime: [2, 500_000],
      attributes: { 'talos.cost': 3, 'gen_ai.usage.input_tokens': 7 },
      status: { code: 0 },
    });
    expect(outer?.spanContext().traceId).toBe(parent.traceId);
    expect(outer?.parentSpanContext?.spanId).toBe(parent.spanId);
    expect(inner).toMatchObject({
      name: 'tools/call x',
      kind: 2,
      attributes: { 'error.type': 'tool_error' },
    });
    expect(inner?.status.code).toBe(2);
    expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId);
    expect(Object.keys(outer?.attributes ?? {})).toHaveLength(2);
    expect(outer?.resource.attributes).toEqual({ 'service.name': 'test', 'service.version': '1' });
  });

  it('leaves without events, links, words of its status and the state of a trace', () => {
    const inner = new InMemorySpanExporter();
    const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
    const state = { traceState: { serialize: () => 'canary' } } as unknown as { traceState: never };
    const given = {
      name: 'a sentence with canary in it',
      kind: 1,
      spanContext: () => ({ ...context, ...state }),
      parentSpanContext: { ...context, ...state },
      ...{ startTime: [1, 0], endTime: [2, 0], duration: [1, 0], ended: true },
      status: { code: 2, message: 'canary' },
      attributes: { 'exception.message': 'canary', 'error.type': 'INTERNAL' },
      links: [{ context, attributes: { canary: 'canary' } }],
      events: [{ name: 'canary', time: [1, 0], attributes: { canary: 1 } }],
      resource: { attributes: {} },
      instrumentationScope: { name: 'talos' },
    } as unknown as ReadableSpan;
    createAllowListExporter(inner).export([given], () => undefined);
    const [span] = inner.getFinishedSpans();
    expect(span).toMatchObject({
      name: 'call',
      status: { code: 2 },
      attributes: { 'error.type': 'INTERNAL' },
    });
    expect(JSON.stringify([span, span?.spanContext()])).not.toContain('canary');
    expect([span?.events, span?.links]).toEqual([[], []]);
  });
});

// TEL-2
describe('a caller that says its calls are not to be recorded', () => {
  const hidden = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), flags: 0 };
  it.each([
    [{ ratio: 1, isParentBased: false }, 2],
    [{ ratio: 1, isParentBased: true }, 0],
    [{ ratio: 0, isParentBased: false }, 0],
  ])('is heeded only if the operator wants it: %o', async (sampler, recorded) => {
    const { spans, exporter } = keeping();
    const { tracer, close } = open(exporter, { sampler });
    const span = tracer.start('chat', { at: 1, attributes: {}, parent: hidden });
    span.child('chat', { at: 1, attributes: {} }).end(2);
    span.end(2);
    await close();
    expect(spans).toHaveLength(recorded);
  });
});

// TEL-8
describe('a receiver', () => {
  const spansOf = ({ tracer }: ReturnType<typeof open>, count: number): void => {
    for (let index = 0; index < count; index += 1) tracer.start('chat', { at: 1, attributes: {} }).end(2);
  };

  it('that takes nothing keeps no more waiting than the queue holds', async () => {
    const given: number[] = [];
    const stuck: SpanExporter = {
      export: (spans) => void given.push(spans.length),
      shutdown: async () => undefined,
    };
    const telemetry = open(stuck, { limits: { ...LIMITS, queue: 10, timeoutMs: 60_000 } });
    spansOf(telemetry, 500);
    // Ten are with the exporter, ten wait.
    await expect.poll(() => given).toEqual([10]);
    spansOf(telemetry, 500);
    expect(telemetry.count('dropped')).toBeGreaterThanOrEqual(980);
    expect(telemetry.count('exported')).toBe(0);
    const began = performance.now();
    await telemetry.close();
    expect(performance.now() - began).toBeLessThan(4_500);
  });

  it('that refuses is logged once, and once when it takes them again; nothing is thrown', async () => {
    let fails = true;
    const exporter: SpanExporter = {
      export: (_, done) => done(fails ? { code: 1, error: new Error('it said no') } : { code: 0 }),
      shutdown: async () => undefined,
    };
    const telemetry = open(exporter);
    const lines = (): number => telemetry.lines.length;
    for (let round = 1; round <= 3; round += 1) {
      spansOf(telemetry, 2);
      await expect.poll(() => telemetry.count('failed')).toBe(round * 2);
    }
    expect(lines()).toBe(1);
    expect(telemetry.lines[0]).toContain('it said no');
    fails = false;
    spansOf(telemetry, 3);
    await expect.poll(() => telemetry.count('exported')).toBe(3);
    spansOf(telemetry, 1);
    await telemetry.close();
    expect(telemetry.count('exported')).toBe(4);
    expect(lines()).toBe(2);
    expect(telemetry.lines[1]).toContain('spans are taken again');
  });

  it('that fails at the end does not fail the end', async () => {
    const exporter: SpanExporter = {
      export: (_, done) => done({ code: 1 }),
      shutdown: () => Promise.reject(new Error('no')),
    };
    const telemetry = open(exporter);
    spansOf(telemetry, 1);
    await expect(telemetry.close()).resolves.toBeUndefined();
    expect(telemetry.count('failed')).toBe(1);
  });
});
