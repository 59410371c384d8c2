import type { RateRule } from '@talosprotocol/contracts';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chatAnswer, chatEvents } from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { type OwnRedis, startRedis } from '../../packages/server/src/platform/testing/redis.js';
import { type LlmWorld, openLlmWorld } from '../support/llm-world.js';

let redis: OwnRedis;
let world: LlmWorld;
let key: string;
beforeAll(async () => {
  redis = await startRedis();
  world = await openLlmWorld({ TALOS_REDIS_URL: redis.url });
});
afterAll(async () => {
  await world?.close();
  await redis?.close();
});
beforeEach(async () => {
  world.openai.answer = chatAnswer('hello there');
  // A key of its own: counters of others are of no meaning to it.
  key = await world.key();
});

const ASK = { model: 'gpt-4o-mini', max_tokens: 100, messages: [{ role: 'user' as const, content: 'hi' }] };
const limit = (...rates: RateRule[]) => world.configure((document) => ({ ...document, rates }));

async function post(path = '/v1/chat/completions', body: object = ASK) {
  const response = await fetch(`${world.ready.gateway}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: JSON.parse(text) };
}

async function metric(name: string): Promise<number> {
  const headers = { authorization: `Bearer ${world.adminToken}` };
  const text = await (await fetch(new URL('/metrics', world.ready.gateway), { headers })).text();
  const line = text.split('\n').find((one) => one.startsWith(name)) ?? '';
  return Number(line.split(' ').at(-1));
}

describe('a rate of requests', () => {
  it('LIM-5 LIM-7 is told in the headers, and refuses with 429 and when to come again', async () => {
    await limit({ per: 'key', surface: 'llm', requests: { perMinute: 6, burst: 2 } });
    const first = await post();
    expect(first.status).toBe(200);
    expect(first.headers.get('ratelimit-policy')).toBe('"key-requests";q=2;w=20');
    expect(first.headers.get('ratelimit')).toBe('"key-requests";r=1;t=10');
    expect(first.headers.get('x-ratelimit-limit-requests')).toBe('2');
    expect(first.headers.get('x-ratelimit-remaining-requests')).toBe('1');
    expect(first.headers.get('x-ratelimit-reset-requests')).toBe('10s');
    expect((await post()).status).toBe(200);
    const refused = await post();
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toMatch(/^(9|10)$/);
    expect(refused.headers.get('x-should-retry')).toBe('true');
    expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('0');
    expect(refused.body.error).toMatchObject({ code: 'RATE_LIMITED', caveat: '6 requests a minute per key' });
    // Refused before the provider, and recorded.
    const id = refused.headers.get('x-talos-receipt')?.replace('rcp_', 'evt_');
    await expect
      .poll(async () => (await world.audit.events({ limit: 20 })).events.map(({ event }) => event.id))
      .toContain(id);
    expect(await metric('talos_rate_refusals_total{kind="requests",per="key"}')).toBe(1);
  });

  it('is what the official client calls a rate limit', async () => {
    await limit({ per: 'key', requests: { perMinute: 1 } });
    const client = new OpenAI({ apiKey: key, baseURL: `${world.ready.gateway}/v1`, maxRetries: 0 });
    await client.chat.completions.create(ASK);
    const error = await client.chat.completions.create(ASK).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
  });
});

describe('a rate of tokens', () => {
  it('LIM-4 takes what a call may come to, and gives back what it did not', async () => {
    await limit({ per: 'key', tokens: { perMinute: 3_000 } });
    const first = await post();
    expect(first.status).toBe(200);
    const held = 3_000 - Number(first.headers.get('x-ratelimit-remaining-tokens'));
    // 1,024, the bytes of the request, and the maximum it states.
    expect(held).toBeGreaterThan(1_124);
    // 15 tokens were used; what was held is there again.
    await expect
      .poll(async () => Number((await post()).headers.get('x-ratelimit-remaining-tokens')))
      .toBeGreaterThan(3_000 - held - 50);
  });

  it('LIM-4 refuses what would never pass, and states a maximum where there is none', async () => {
    await limit({ per: 'key', tokens: { perMinute: 20_000 } });
    const { max_tokens: _, ...open } = ASK;
    expect((await post('/v1/chat/completions', open)).status).toBe(200);
    expect(world.openai.asked.at(-1)?.body).toMatchObject({ max_tokens: 8192 });
    const refused = await post('/v1/chat/completions', { ...ASK, max_tokens: 50_000 });
    expect([refused.status, refused.body.error.code]).toEqual([403, 'POLICY_DENIED']);
    expect(refused.headers.get('x-should-retry')).toBe('false');
  });
});

describe('a rate of calls at one time', () => {
  it('LIM-3 holds its place until the last event of a stream', async () => {
    await limit({ per: 'model', model: 'openai/*', concurrent: 1 });
    let finish: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    world.openai.answer = async (response, { body }) => {
      const [first, ...rest] = chatEvents(body.model, 'hello there');
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(first);
      await held;
      response.end(rest.join(''));
    };
    const client = new OpenAI({ apiKey: key, baseURL: `${world.ready.gateway}/v1`, maxRetries: 0 });
    const stream = await client.chat.completions.create({ ...ASK, stream: true });
    const refused = await post();
    expect([refused.status, refused.body.error.caveat]).toEqual([429, '1 calls at one time per model']);
    expect(refused.headers.get('ratelimit-policy')).toBe('"model-concurrent";q=1;qu="concurrent-requests"');
    finish();
    for await (const _ of stream);
    world.openai.answer = chatAnswer('hello');
    await expect.poll(async () => (await post()).status).toBe(200);
  });
});

describe('the limiter', () => {
  it('LIM-6 that is down or slow denies with 503, and recovers by itself, empty', async () => {
    await limit({ per: 'key', requests: { perMinute: 1, burst: 1 } });
    expect((await post()).status).toBe(200);
    expect((await post()).status).toBe(429);
    redis.signal('SIGSTOP');
    const slow = await post().finally(() => redis.signal('SIGCONT'));
    expect([slow.status, slow.body.error.code]).toEqual([503, 'UNAVAILABLE']);
    await redis.kill();
    try {
      for (let calls = 0; calls < 3; calls += 1) {
        const down = await post();
        expect([down.status, down.body.error.code]).toEqual([503, 'UNAVAILABLE']);
        expect(down.headers.get('retry-after')).toBe('1');
        expect(down.headers.get('x-talos-receipt')).toMatch(/^rcp_/);
      }
      await limit({ per: 'key', requests: { perMinute: 1, burst: 1 }, onDown: 'allow' });
      expect((await post()).status).toBe(200);
      // Who may not call at all is told so all the same.
      key = await world.key([{ scope: 'llm:anthropic', ops: ['write'] }]);
      expect((await post()).status).toBe(403);
      key = await world.key();
      await limit({ per: 'key', requests: { perMinute: 1, burst: 1 } });
      expect((await post()).status).toBe(503);
    } finally {
      await redis.restart();
    }
    await expect.poll(async () => (await post()).status).toBe(200);
    expect((await post()).status).toBe(429);
    expect(await metric('talos_rate_outages_total{effect="deny"}')).toBeGreaterThanOrEqual(5);
    expect(await metric('talos_rate_outages_total{effect="allow"}')).toBe(1);
  });

  it('is asked about nothing where there are no rates', async () => {
    await limit();
    await redis.kill();
    try {
      const { status, headers } = await post();
      expect(status).toBe(200);
      expect([...headers.keys()].filter((name) => name.includes('ratelimit'))).toEqual([]);
    } finally {
      await redis.restart();
    }
  });
});
