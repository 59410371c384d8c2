import type { Limit } from '@talosprotocol/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  messageAnswer,
  sendEvents,
  sendJson,
  wholeMessage,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { type LlmWorld, openLlmWorld, RATES } from '../support/llm-world.js';

const BETA = 'fast-mode-2026-02-01';

let world: LlmWorld;
let key: string;
beforeAll(async () => {
  world = await openLlmWorld();
  world.anthropic.answer = messageAnswer('hello');
  key = await world.key();
});
afterAll(() => world?.close());

const allow = (betas: string[]) =>
  world.configure((document) => {
    const { anthropic } = document.providers as Record<string, object>;
    return { ...document, providers: { ...document.providers, anthropic: { ...anthropic, betas } } } as never;
  });

async function ask(beta: string) {
  const headers = { 'content-type': 'application/json', 'x-api-key': key, 'anthropic-beta': beta };
  const messages = [{ role: 'user', content: 'hi' }];
  const body = JSON.stringify({ model: 'claude-sonnet-4-5', max_tokens: 9, messages });
  const url = `${world.ready.gateway}/anthropic/v1/messages`;
  const response = await fetch(url, { method: 'POST', headers, body });
  return { status: response.status, text: await response.text() };
}

// LLM-5
it('the operator adds betas of a provider, and takes them away, while it runs', async () => {
  const refused = await ask(BETA);
  expect(refused.status).toBe(403);
  expect(refused.text).toContain('POLICY_DENIED');
  expect(refused.text).toContain('`betas` of the provider');
  expect(world.anthropic.asked).toEqual([]);
  await allow([BETA]);
  expect((await ask(`${BETA}, effort-2025-11-24`)).status).toBe(200);
  expect(world.anthropic.asked.at(-1)?.headers['anthropic-beta']).toBe(`${BETA},effort-2025-11-24`);
  expect((await ask('another-2026-02-01')).status).toBe(403);
  await allow([]);
  expect((await ask(BETA)).status).toBe(403);
  expect(world.anthropic.asked).toHaveLength(1);
});

// LLM-5
it.each([['a b'], ['a,b'], [''], ['x'.repeat(65)]])(
  'a policy with %j for a beta is not taken',
  async (name) => {
    await allow([BETA]);
    await allow([name]).catch(() => undefined);
    // The one before is still in force.
    expect((await ask(BETA)).status).toBe(200);
  },
);

const WINDOW = 200_000;
/** With more thoughts between calls of tools than the maximum of the request, which its provider takes then. */
async function think(by: string, budget: number, stream = false) {
  const response = await fetch(`${world.ready.gateway}/anthropic/v1/messages`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-api-key': by,
      'anthropic-beta': 'interleaved-thinking-2025-05-14',
    },
    body: JSON.stringify({
      model: 'thinks',
      max_tokens: 2_000,
      stream,
      thinking: { type: 'enabled', budget_tokens: budget },
      messages: [{ role: 'user', content: 'hi' }],
    }),
  });
  return {
    status: response.status,
    text: await response.text(),
    receipt: response.headers.get('x-talos-receipt'),
  };
}

// LLM-6
it('what may be thought beyond the maximum of a request is held for, and is not cut', async () => {
  const models = { thinks: { rates: RATES, window: WINDOW } };
  await world.configure(
    (document) =>
      ({
        ...document,
        providers: {
          ...document.providers,
          anthropic: { ...(document.providers as Record<string, object>)['anthropic'], models, betas: [] },
        },
      }) as never,
  );
  const limits: Limit[] = [{ per: 'total', cost: { amount: 1_000_000, currency: 'USD' } }];
  const poor = await world.key(undefined, limits);
  const before = world.anthropic.asked.length;
  for (const budget of [2_000, 150_000]) {
    const refused = await think(poor, budget);
    expect([refused.status, refused.text]).toEqual([402, expect.stringContaining('BUDGET_EXCEEDED')]);
  }
  expect(world.anthropic.asked).toHaveLength(before);
  expect((await think(poor, 1_999)).status).toBe(200);
  const { decision } = await world.record((await think(key, 150_000)).receipt);
  expect(decision.held?.amount).toBeGreaterThanOrEqual(WINDOW * 10);

  const thought = {
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'thinking_delta', thinking: 'so ' },
  };
  const events = [
    { type: 'message_start', message: { id: 'm', usage: { input_tokens: 9, output_tokens: 1 } } },
    { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } },
    ...Array.from({ length: 2_500 }, () => thought),
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2_600 } },
    { type: 'message_stop' },
  ].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  world.anthropic.answer = (response) => sendEvents(response, events);
  const told = await think(key, 150_000, true);
  expect(told.text).not.toContain('BUDGET_EXCEEDED');
  expect((await world.record(told.receipt)).outcome).toMatchObject({
    status: 'completed',
    usage: { output: 2_600 },
  });
});

// LLM-7, AUD-126
it('a cache that is kept for an hour costs what its provider asks, and not what one of five minutes does', async () => {
  const rates = { ...RATES, cache_read: 100_000, cache_write: 1_250_000 };
  await world.configure(
    (document) =>
      ({
        ...document,
        providers: {
          ...document.providers,
          anthropic: {
            ...(document.providers as Record<string, object>)['anthropic'],
            models: { caches: { rates } },
            betas: [],
          },
        },
      }) as never,
  );
  const usage = { input_tokens: 10, cache_creation_input_tokens: 100, output_tokens: 1 };
  world.anthropic.answer = (response) => sendJson(response, 200, { ...wholeMessage('caches', 'x'), usage });
  const costs = [];
  for (const ttl of ['5m', '1h']) {
    const response = await fetch(`${world.ready.gateway}/anthropic/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      body: JSON.stringify({
        model: 'caches',
        max_tokens: 9,
        system: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl } }],
        messages: [{ role: 'user', content: 'hi' }],
      }),
    });
    const { outcome } = await world.record(response.headers.get('x-talos-receipt'));
    costs.push([response.headers.get('x-talos-cost'), outcome.cost?.amount, outcome.rates?.cache_write]);
  }
  expect(costs).toEqual([
    ['145 USD', 145, 1_250_000],
    ['220 USD', 220, 2_000_000],
  ]);
});

// LLM-7, AUD-126
it('what a client has kept in a cache is held and costs a quarter more than what is read where nobody says its price', async () => {
  await world.configure((document) => ({
    ...document,
    providers: {
      ...document.providers,
      anthropic: { ...document.providers!['anthropic']!, models: { caches: { rates: RATES } } },
    },
  }));
  const limited = await world.key(undefined, [
    { per: 'total', cost: { amount: 1_000_000, currency: 'USD' } },
  ]);
  const usage = { input_tokens: 10, cache_creation_input_tokens: 1_000, output_tokens: 1 };
  world.anthropic.answer = (response) => sendJson(response, 200, { ...wholeMessage('caches', 'x'), usage });
  const came = [];
  for (const mark of [{}, { cache_control: { type: 'ephemeral' } }]) {
    const response = await fetch(`${world.ready.gateway}/anthropic/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': limited },
      body: JSON.stringify({
        model: 'caches',
        max_tokens: 1,
        system: [{ type: 'text', text: 'x', ...mark }],
        messages: [{ role: 'user', content: 'hi' }],
      }),
    });
    const { decision, outcome } = await world.record(response.headers.get('x-talos-receipt'));
    const held = decision.held!.amount - 10;
    came.push({
      share: held / (JSON.stringify(world.anthropic.asked.at(-1)!.body).length + 1_024),
      cost: outcome.cost?.amount,
      excess: outcome.excess,
    });
  }
  expect(came).toMatchObject([
    { share: 1, cost: 1_020 },
    { share: expect.closeTo(1.25, 2), cost: 1_270 },
  ]);
  expect(came.map(({ excess }) => excess)).toEqual([undefined, undefined]);
});
