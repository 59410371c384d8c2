import { Readable } from 'node:stream';
import { TrustError } from '@talosprotocol/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestLog } from '../../platform/testing/test-log.js';
import { compileProvider } from './provider.js';
import { createReach } from './reach.js';
import type { UpstreamAnswer, UpstreamFailure } from './upstream.js';

const provider = compileProvider('p', { api: 'openai', baseUrl: 'https://models.example/v1' });
const other = compileProvider('q', { api: 'openai', baseUrl: 'https://models.example/v1' });
/** Whose time a test moves on. */
const clock = { now: () => Date.now(), monotonic: () => Date.now() };
type Result = UpstreamAnswer | UpstreamFailure;

const answer = (status: number, retryAfter?: number): UpstreamAnswer => ({
  kind: 'answer',
  status,
  type: 'application/json',
  retryAfter,
  body: Readable.from([Buffer.from('{}')]),
});
const failure = (
  wasSent: boolean,
  code: 'UPSTREAM_FAILED' | 'REVOKED' = 'UPSTREAM_FAILED',
): UpstreamFailure => ({
  kind: 'failure',
  wasSent,
  error: new TrustError(code, 'it failed'),
});

/** A reach over a provider that answers by this script, the last line of it for ever. */
function reachOf(...script: readonly (() => Result)[]) {
  const seen: Result[] = [];
  const lines: string[] = [];
  const send = async (): Promise<Result> => {
    const result = (script[Math.min(seen.length, script.length - 1)] as () => Result)();
    seen.push(result);
    return result;
  };
  const reach = createReach({ send, close: async () => undefined }, { clock, log: createTestLog(lines) });
  const ask = (of = provider, signal = new AbortController().signal) =>
    reach.send({ provider: of, model: 'm', path: '/x', headers: {}, body: new Uint8Array(), signal });
  return { ask, seen, lines, reach };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets the pauses between tries pass. */
async function after<T>(work: Promise<T>): Promise<T> {
  await vi.advanceTimersByTimeAsync(10_000);
  return work;
}

// LLM-11
describe('another try', () => {
  it.each<[string, () => Result]>([
    ['could not be reached', () => failure(false)],
    ['was busy', () => answer(429)],
    ['was away', () => answer(503)],
  ])('is made of what a provider cannot have done: it %s', async (_, first) => {
    const { ask, seen } = reachOf(first, () => answer(200));
    expect(await after(ask())).toMatchObject({ status: 200 });
    expect(seen).toHaveLength(2);
    const [given] = seen;
    if (given?.kind === 'answer') expect(given.body.destroyed).toBe(true);
  });

  it.each<[string, () => Result]>([
    ['it may have begun', () => failure(true)],
    ['it failed inside', () => answer(500)],
    ['the request is wrong', () => answer(400)],
    ['the key is wrong', () => answer(401)],
    ['it said when', () => answer(429, 1)],
    ['it was revoked meanwhile', () => failure(true, 'REVOKED')],
  ])('is not made where %s', async (_, only) => {
    const { ask, seen } = reachOf(only);
    const result = await after(ask());
    expect(seen).toEqual([result]);
    if (result.kind === 'answer') expect(result.body.destroyed).toBe(false);
  });

  it('is made twice at most, and the last answer can be read', async () => {
    const { ask, seen } = reachOf(() => answer(503));
    const last = (await after(ask())) as UpstreamAnswer;
    expect(seen).toHaveLength(3);
    expect([seen[2] === last, last.body.destroyed]).toEqual([true, false]);
  });

  it('is made of a share of calls only, once all of them fail', async () => {
    const { ask, seen } = reachOf(() => answer(429));
    for (let calls = 0; calls < 100; calls += 1) await after(ask());
    // Ten at once, and then one in ten.
    expect(seen.length).toBeLessThan(100 + 10 + 15);
    expect(seen.length).toBeGreaterThan(100 + 10);
  });

  it('is not made once nobody waits for it', async () => {
    const controller = new AbortController();
    const { ask, seen } = reachOf(() => {
      controller.abort();
      return failure(false);
    });
    await after(ask(provider, controller.signal));
    expect(seen).toHaveLength(1);
  });
});

// LLM-12
describe('a provider that keeps failing', () => {
  const down = () => failure(true);

  it('is left alone, tried by one call after a while, and used again when that one is answered', async () => {
    let isDown = true;
    const { ask, seen, lines, reach } = reachOf(() => (isDown ? down() : answer(200)));
    expect(reach.isLeftAlone(provider, 'm')).toBe(false);
    for (let calls = 0; calls < 5; calls += 1) await ask();
    expect(await ask()).toMatchObject({ kind: 'failure', wasSent: false });
    expect(seen).toHaveLength(5);
    expect([reach.isLeftAlone(provider, 'm'), reach.isLeftAlone(other, 'm')]).toEqual([true, false]);
    await vi.advanceTimersByTimeAsync(10_001);
    expect(reach.isLeftAlone(provider, 'm')).toBe(false);
    await ask();
    expect(await ask()).toMatchObject({ wasSent: false });
    expect(seen).toHaveLength(6);
    expect(reach.isLeftAlone(provider, 'm')).toBe(true);
    isDown = false;
    await vi.advanceTimersByTimeAsync(10_001);
    expect(await ask()).toMatchObject({ status: 200 });
    expect(await ask()).toMatchObject({ status: 200 });
    expect(lines.join('')).toMatch(/is left alone[\s\S]*answers again/);
    expect(reach.isLeftAlone(provider, 'm')).toBe(false);
  });

  it('takes no other one with it', async () => {
    const { ask, seen } = reachOf(down);
    for (let calls = 0; calls < 6; calls += 1) await ask();
    await ask(other);
    expect(seen).toHaveLength(6);
  });

  it.each([400, 401, 404, 429, 500])('is not one that answers %i', async (status) => {
    const { ask, seen } = reachOf(() => answer(status, 1));
    for (let calls = 0; calls < 20; calls += 1) await ask();
    expect(seen).toHaveLength(20);
  });

  it('is told apart from the other models of its provider', async () => {
    const { ask, reach } = reachOf(down);
    for (let calls = 0; calls < 6; calls += 1) await ask();
    expect([reach.isLeftAlone(provider, 'm'), reach.isLeftAlone(provider, 'n')]).toEqual([true, false]);
  });

  it('is left alone after five calls, however often each was tried', async () => {
    const { ask, seen, reach } = reachOf(() => answer(503));
    for (let calls = 0; calls < 4; calls += 1) await after(ask());
    expect([seen.length, reach.isLeftAlone(provider, 'm')]).toEqual([12, false]);
    await after(ask());
    expect(reach.isLeftAlone(provider, 'm')).toBe(true);
  });

  it('is not one whose calls were revoked on our side', async () => {
    const { ask, seen } = reachOf(() => failure(true, 'REVOKED'));
    for (let calls = 0; calls < 20; calls += 1) await ask();
    expect(seen).toHaveLength(20);
  });
});
