import type { ActionRecord } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import type { SpanAttributes } from '../../platform/telemetry/attributes.js';
import type { Span, Tracer } from '../../platform/telemetry/tracer.js';
import { createTestLog } from '../../platform/testing/test-log.js';
import type { Ended } from '../admission/ended.js';
import type { MeasuredCall } from './call-metrics.js';
import { createCallWatches } from './call-watch.js';

interface Noted {
  readonly of: string;
  name: string;
  readonly attributes: Record<string, unknown>;
  readonly below: Noted[];
  error?: string;
  ended?: number;
}

/** A tracer that keeps what it is told. */
function noting() {
  const spans: Noted[] = [];
  const begin = (of: string, name: string, attributes: SpanAttributes, into: Noted[]): Span => {
    const noted: Noted = { of, name, attributes: { ...attributes }, below: [] };
    into.push(noted);
    return {
      set: (more) => void Object.assign(noted.attributes, more),
      rename: (other) => {
        noted.name = other;
      },
      fail: (type) => {
        noted.error = type;
      },
      end: (at) => {
        noted.ended = at;
      },
      child: (other, start) => begin('client', other, start.attributes, noted.below),
    };
  };
  const tracer: Tracer = { start: (name, { attributes }) => begin('server', name, attributes, spans) };
  return { spans, tracer };
}

function open(tracer: Tracer | undefined) {
  const calls: MeasuredCall[] = [];
  const began: number[] = [];
  const lines: string[] = [];
  const clock = { wall: 1_000_000, mono: 0, now: () => clock.wall, monotonic: () => clock.mono };
  const meter = {
    ended: (call: MeasuredCall) => void calls.push(call),
    began: (_: ActionRecord, seconds: number) => void began.push(seconds),
    spent: () => undefined,
  };
  const watch = createCallWatches({ tracer, meter, clock, log: createTestLog(lines) });
  return { watch, calls, began, clock, lines };
}

const arrival = { requestId: 'req_1', rawHeaders: [] };
const chat: ActionRecord = { method: 'chat/completions', provider: 'p', model: 'm', op: 'write' };
const decision = (action = chat) => ({ action, policy: 'a'.repeat(64) });
const settled = () => new Promise((resolve) => setImmediate(resolve));
const usage = (input: number, output: number) => ({ input, output });
const rates = (currency: string) => ({ currency, input: 1_000_000, output: 1_000_000 });

// TEL-1
it('without a tracer nothing is looked at that only spans need', async () => {
  const { watch, calls } = open(undefined);
  const untouched = {
    requestId: 'req_1',
    get rawHeaders(): readonly string[] {
      throw new Error('read');
    },
  };
  const call = {
    get arguments(): never {
      throw new Error('read');
    },
  };
  const watched = watch(untouched, 'llm');
  watched.decides(decision(), call);
  const done = Promise.resolve({ end: { status: 'completed' } as Ended });
  expect(watched.follows({ receipt: 'rcp_1', action: chat }, done)).toBe(done);
  const verdict = Promise.resolve({ kind: 'answered', receipt: 'rcp_1' } as const);
  expect(watched.closes(verdict)).toBe(verdict);
  await settled();
  expect(calls).toEqual([{ action: chat, error: undefined, seconds: 0 }]);
});

// TEL-4
describe('a call', () => {
  it('ends when its stream does, and says when that began', async () => {
    const { spans, tracer } = noting();
    const { watch, calls, began, clock } = open(tracer);
    const watched = watch(arrival, 'llm');
    watched.decides(decision(), { arguments: { stream: true, messages: ['canary'] } });
    let end: (ended: Ended) => void = () => undefined;
    let begin: () => void = () => undefined;
    clock.mono = 500;
    const ending = new Promise<Ended>((resolve) => {
      end = resolve;
    });
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    void watched.follows({ receipt: 'rcp_1', action: chat }, Promise.resolve({ end: ending, begun }));
    void watched.closes(Promise.resolve({ kind: 'answered', receipt: 'rcp_1' } as const));
    await settled();
    clock.mono = 750;
    // The machine's clock is set back meanwhile.
    clock.wall = 5;
    begin();
    await settled();
    expect(spans[0]?.ended).toBeUndefined();
    clock.mono = 2_000;
    end({ status: 'completed', spent: { usage: usage(3, 4) } });
    await settled();
    const [span] = spans;
    expect(span).toMatchObject({ name: 'chat m', ended: 1_002_000 });
    expect(span?.attributes).toMatchObject({ 'gen_ai.usage.input_tokens': 3, 'gen_ai.request.stream': true });
    expect(span?.below[0]?.attributes['gen_ai.response.time_to_first_chunk']).toBe(0.25);
    expect(began).toEqual([0.75]);
    expect(calls[0]?.seconds).toBe(2);
    expect(JSON.stringify(spans)).not.toContain('canary');
  });

  it.each<[Ended & { fault?: string }, string | undefined]>([
    [{ status: 'completed' }, undefined],
    [{ status: 'completed', fault: 'tool_error' }, 'tool_error'],
    [{ status: 'failed' }, 'UPSTREAM_FAILED'],
    [{ status: 'failed', code: 'TIMEOUT' }, 'TIMEOUT'],
    [{ status: 'cancelled' }, 'cancelled'],
    [{ status: 'revoked_during', code: 'REVOKED' }, 'REVOKED'],
  ])('that ended as %o failed with %s', async ({ fault, ...end }, error) => {
    const { spans, tracer } = noting();
    const { watch, calls } = open(tracer);
    const watched = watch(arrival, 'llm');
    watched.decides(decision());
    void watched.follows({ receipt: 'rcp_1', action: chat }, Promise.resolve({ end, fault }));
    void watched.closes(Promise.resolve({ kind: 'answered', receipt: 'rcp_1' } as const));
    await settled();
    expect([spans[0]?.error, spans[0]?.below[0]?.error, calls[0]?.error]).toEqual([error, error, error]);
    expect(spans[0]?.attributes['talos.outcome']).toBe(end.status);
  });

  it('that could not be decided has the code of that', async () => {
    const { spans, tracer } = noting();
    const { watch } = open(tracer);
    const watched = watch(arrival, 'mcp');
    watched.decides(decision({ method: 'tools/call', server: 's', tool: 't' }));
    const outage = Promise.reject(new TrustError('UNAVAILABLE', 'x'));
    await expect(watched.closes(outage)).rejects.toThrow();
    await settled();
    expect(spans[0]).toMatchObject({ name: 'execute_tool t', error: 'UNAVAILABLE' });
    expect(spans[0]?.ended).toEqual(expect.any(Number));
  });

  it('that is only identified, or refused beyond what is recorded, is no span', async () => {
    const { spans, tracer } = noting();
    const { watch, calls } = open(tracer);
    void watch(arrival, 'mcp').closes(Promise.resolve({ kind: 'identified' } as const));
    const refused = watch(arrival, 'mcp');
    const refusal = { code: 'NO_CAPABILITY', hint: '' } as const;
    refused.decides(decision({ method: 'anything a client wrote' }));
    void refused.closes(Promise.resolve({ kind: 'unauthenticated', refusal } as const));
    await settled();
    expect(spans.filter(({ ended }) => ended !== undefined)).toEqual([]);
    expect(calls).toHaveLength(1);
    expect(spans[0]?.name).toBe('mcp');
    expect(spans[0]?.attributes['mcp.method.name']).toBeUndefined();
  });

  it('of a tool tells nothing of its arguments, whatever they are called', () => {
    const { spans, tracer } = noting();
    const watched = open(tracer).watch(arrival, 'mcp');
    const args = { max_tokens: 31_337, stream: true, temperature: 31_337 };
    watched.decides(decision({ method: 'tools/call', server: 's', tool: 't' }), { arguments: args });
    expect(JSON.stringify(spans)).not.toMatch(/31337|stream/);
  });
});

// TEL-4, LLM-35
describe('a request of which two models are asked at a time', () => {
  it('is of the one whose answer it has, ends with that, and leaves with what both came to', async () => {
    const { spans, tracer } = noting();
    const { watch, calls, began, clock } = open(tracer);
    const watched = watch(arrival, 'llm');
    const other: ActionRecord = { ...chat, model: 'n' };
    let end: (ended: Ended) => void = () => undefined;
    const ending = new Promise<Ended>((resolve) => {
      end = resolve;
    });
    watched.decides(decision());
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    void watched.follows({ receipt: 'rcp_1', action: chat }, Promise.resolve({ end: ending, begun }));
    watched.decides(decision(other));
    const spent = (input: number) => ({ spent: { usage: usage(input, 1), rates: rates('USD') } });
    const quick: Ended = { status: 'completed', ...spent(10) };
    void watched.follows({ receipt: 'rcp_2', action: other }, Promise.resolve({ end: quick }));
    watched.decides(decision(other));
    clock.mono = 2_000;
    void watched.closes(Promise.resolve({ kind: 'answered', receipt: 'rcp_2' } as const));
    await settled();
    expect(calls).toEqual([{ action: other, error: undefined, seconds: 2 }]);
    expect(spans[0]?.ended).toBeUndefined();
    clock.mono = 9_000;
    begin();
    await settled();
    end({ status: 'cancelled', ...spent(20) });
    await settled();
    expect(calls).toHaveLength(1);
    const [span] = spans;
    expect(span).toMatchObject({ name: 'chat n', ended: 1_002_000 });
    expect(span?.error).toBeUndefined();
    expect(began).toEqual([]);
    expect(span?.below[0]?.attributes['gen_ai.response.time_to_first_chunk']).toBe(9);
    expect(span?.attributes).toMatchObject({
      'talos.receipt': 'rcp_2',
      'talos.outcome': 'completed',
      'gen_ai.usage.input_tokens': 30,
    });
    expect(span?.below.map(({ name, error, ended }) => [name, error, ended])).toEqual([
      ['chat m', 'cancelled', 1_009_000],
      ['chat n', undefined, 1_002_000],
    ]);
  });
});

// TEL-6
describe('what several dispatches came to', () => {
  const sumOf = async (...ends: Ended[]) => {
    const { spans, tracer } = noting();
    const { watch } = open(tracer);
    const watched = watch(arrival, 'llm');
    watched.decides(decision());
    for (const end of ends)
      void watched.follows({ receipt: 'rcp_1', action: chat }, Promise.resolve({ end }));
    void watched.closes(Promise.resolve({ kind: 'answered', receipt: 'rcp_1' } as const));
    await settled();
    for (const { attributes } of spans[0]?.below ?? [])
      expect(Object.keys(attributes).filter((key) => /usage|cost|currency/.test(key))).toEqual([]);
    return spans[0]?.attributes ?? {};
  };
  const ended = (input: number, currency?: string): Ended => ({
    status: 'completed',
    spent: { usage: usage(input, 1), ...(currency === undefined ? {} : { rates: rates(currency) }) },
  });

  it('is added up once, on the call', async () => {
    expect(await sumOf(ended(10, 'USD'), ended(20, 'USD'))).toMatchObject({
      'gen_ai.usage.input_tokens': 30,
      'gen_ai.usage.output_tokens': 2,
      'talos.cost': 32,
      'talos.currency': 'USD',
    });
  });

  it.each([
    ['two currencies', [ended(1, 'USD'), ended(1, 'EUR')]],
    ['a part without a price', [ended(1, 'USD'), ended(1)]],
  ])('is no sum of money with %s', async (_, ends) => {
    const sum = await sumOf(...ends);
    expect(sum['gen_ai.usage.input_tokens']).toBe(2);
    expect(sum['talos.cost']).toBeUndefined();
  });

  it('leaves out what reached no model', async () => {
    const nothing: Ended = { status: 'failed', spent: { usage: usage(0, 0) } };
    expect(await sumOf(nothing, ended(5, 'USD'))).toMatchObject({ 'talos.cost': 6 });
    expect((await sumOf(nothing))['gen_ai.usage.input_tokens']).toBeUndefined();
  });
});
