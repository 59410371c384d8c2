import { Readable } from 'node:stream';
import { TrustError } from '@talosprotocol/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestLog } from '../../platform/testing/test-log.js';
import type { ModelTarget } from './model-name.js';
import { compileProvider, type ProviderPolicy } from './provider.js';
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
  /** The policy in force; a test puts another one in its place. */
  const policy = { providers: new Map([provider, other].map((one) => [one.name, one])) };
  const reach = createReach(
    { send, close: async () => undefined },
    { clock, log: createTestLog(lines), providers: () => policy.providers },
  );
  const ask = (of = provider, signal = new AbortController().signal, others: readonly ModelTarget[] = []) =>
    reach.send({ provider: of, model: 'm', others, path: '/x', headers: {}, body: new Uint8Array(), signal });
  /** Behind an alias, before another model. */
  const askFirst = (of = provider) => ask(of, undefined, [{ provider: other, model: 'm' }]);
  return { ask, askFirst, seen, lines, reach, policy };
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

// LLM-12
describe('a model that says it is busy', () => {
  it('is not asked again for a call that another model may answer, and left alone behind an alias', async () => {
    const { ask, askFirst, seen, reach } = reachOf(() => answer(429));
    expect(await askFirst()).toMatchObject({ status: 429 });
    expect([reach.isLeftAlone(provider, 'm'), reach.isLeftAlone(provider, 'n')]).toEqual([true, false]);
    expect(await askFirst()).toMatchObject({ kind: 'failure', wasSent: false });
    expect(seen).toHaveLength(1);
    // By its own name it is asked, and says so itself.
    expect(await after(ask())).toMatchObject({ status: 429 });
    expect(seen.length).toBeGreaterThan(1);
  });

  it.each<[string, number, number | undefined, number]>([
    ['for as long as it says', 429, 7, 7_000],
    ['for as long as it says, also if it is away', 503, 7, 7_000],
    ['for as long as it says, also if it is overloaded', 529, 7, 7_000],
    ['for a minute at most', 429, 3_600, 60_000],
    ['for a second if it says none', 429, 0, 1_000],
    ['for two seconds if it says nothing', 429, undefined, 2_000],
  ])('is left alone %s', async (_, status, retryAfter, ms) => {
    const { askFirst, reach } = reachOf(() => answer(status, retryAfter));
    await askFirst();
    await vi.advanceTimersByTimeAsync(ms - 1);
    expect(reach.isLeftAlone(provider, 'm')).toBe(true);
    await vi.advanceTimersByTimeAsync(1);
    expect(reach.isLeftAlone(provider, 'm')).toBe(false);
  });

  it('is left alone for longer each time that it says nothing, which calls under way together say once', async () => {
    const { askFirst, reach } = reachOf(() => answer(429));
    for (const ms of [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      await Promise.all([askFirst(), askFirst(), askFirst()]);
      await vi.advanceTimersByTimeAsync(ms - 1);
      expect(reach.isLeftAlone(provider, 'm')).toBe(true);
      await vi.advanceTimersByTimeAsync(1);
      expect(reach.isLeftAlone(provider, 'm')).toBe(false);
    }
  });

  it('is tried by one call after that, and asked by all once it answers', async () => {
    const { askFirst, seen, reach } = reachOf(
      () => answer(429),
      () => answer(500),
      () => answer(200),
    );
    await askFirst();
    await vi.advanceTimersByTimeAsync(2_000);
    const three = [askFirst(), askFirst(), askFirst()];
    expect(reach.isLeftAlone(provider, 'm')).toBe(true);
    expect((await Promise.all(three)).map(({ kind }) => kind)).toEqual(['answer', 'failure', 'failure']);
    expect(seen).toHaveLength(2);
    // It answered, if not well: it is busy no more.
    expect(reach.isLeftAlone(provider, 'm')).toBe(false);
    await Promise.all([askFirst(), askFirst(), askFirst()]);
    expect(seen).toHaveLength(5);
  });

  it('is not well because of a call that had begun before it said so', async () => {
    let finish: () => void = () => undefined;
    const slow = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let calls = 0;
    const send = async (): Promise<Result> => {
      calls += 1;
      if (calls === 2) return answer(429);
      await slow;
      return answer(200);
    };
    const providers = () => new Map([[provider.name, provider]]);
    const reach = createReach(
      { send, close: async () => undefined },
      { clock, log: createTestLog([]), providers },
    );
    const others = [{ provider: other, model: 'm' }];
    const { signal } = new AbortController();
    const ask = () =>
      reach.send({ provider, model: 'm', others, path: '/x', headers: {}, body: new Uint8Array(), signal });
    const first = ask();
    await ask();
    finish();
    expect(await first).toMatchObject({ status: 200 });
    expect(reach.isLeftAlone(provider, 'm')).toBe(true);
    await vi.advanceTimersByTimeAsync(2_000);
    await ask();
    expect(reach.isLeftAlone(provider, 'm')).toBe(false);
  });

  it('is tried by another call where nothing came of the first', async () => {
    const { askFirst, seen, reach } = reachOf(
      () => answer(429),
      () => failure(true),
      () => answer(429),
      () => answer(200),
    );
    await askFirst();
    await vi.advanceTimersByTimeAsync(2_000);
    await askFirst();
    expect(reach.isLeftAlone(provider, 'm')).toBe(false);
    await askFirst();
    await vi.advanceTimersByTimeAsync(3_999);
    expect([seen.length, reach.isLeftAlone(provider, 'm')]).toEqual([3, true]);
    await vi.advanceTimersByTimeAsync(1);
    await askFirst();
    expect(reach.isLeftAlone(provider, 'm')).toBe(false);
  });

  it('is asked where all the others are left alone too', async () => {
    const { ask, askFirst, seen } = reachOf(() => answer(429, 30));
    await askFirst();
    await ask(other);
    await askFirst();
    expect(seen).toHaveLength(3);
  });
});

// LLM-12
describe('a reload of the policy', () => {
  const spec = { api: 'openai', baseUrl: 'https://models.example/v1' } as const;
  const inForce = (policy: { providers: ReadonlyMap<string, ProviderPolicy> }, one?: ProviderPolicy) => {
    policy.providers = new Map(one === undefined ? [] : [[one.name, one]]);
  };

  it('changes nothing of a model that is left alone, or of how often calls are tried again', async () => {
    const broken = reachOf(() => failure(true));
    const busy = reachOf(() => answer(429));
    for (let calls = 0; calls < 10; calls += 1) await after(busy.ask());
    for (let calls = 0; calls < 5; calls += 1) await broken.ask();
    const again = compileProvider('p', { ...spec, totalSeconds: 9, models: { m: {} } });
    inForce(broken.policy, again);
    inForce(busy.policy, again);
    expect([broken.reach, busy.reach].map((one) => one.isLeftAlone(again, 'm'))).toEqual([true, true]);
    expect(await broken.ask(again)).toMatchObject({ kind: 'failure', wasSent: false });
    expect(broken.seen).toHaveLength(5);
    // Ten calls have used up what may be tried again, but for a tenth: it is not tried twice more.
    const before = busy.seen.length;
    await after(busy.ask(again));
    expect(busy.seen.length).toBeLessThan(before + 3);
  });

  it.each<[string, Parameters<typeof compileProvider>[1]]>([
    ['another address', { ...spec, baseUrl: 'https://other.example/v1' }],
    ['another host', { ...spec, host: 'azure' }],
    ['another protocol', { ...spec, api: 'anthropic' }],
  ])('that gives a provider %s begins anew', async (_, changed) => {
    const { ask, reach, policy } = reachOf(() => failure(true));
    for (let calls = 0; calls < 5; calls += 1) await ask();
    const moved = compileProvider('p', changed);
    inForce(policy, moved);
    expect(reach.isLeftAlone(moved, 'm')).toBe(false);
    expect(await ask(moved)).toMatchObject({ wasSent: true });
  });

  it('that no longer names a provider forgets it', async () => {
    const { ask, reach, policy } = reachOf(() => failure(true));
    for (let calls = 0; calls < 5; calls += 1) await ask();
    inForce(policy);
    expect(reach.isLeftAlone(other, 'm')).toBe(false);
    inForce(policy, provider);
    expect(reach.isLeftAlone(provider, 'm')).toBe(false);
  });
});
