import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  chatAnswer,
  chatEvents,
  responseAnswer,
  responseEvents,
  sendEvents,
  sendJson,
  wholeResponse,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { type LlmWorld, openLlmWorld } from '../support/llm-world.js';

let world: LlmWorld;
let [one, two] = ['', ''];
beforeAll(async () => {
  world = await openLlmWorld();
  [one, two] = [await world.key(), await world.key()];
});
afterAll(() => world?.close());
beforeEach(async () => {
  world.openai.answer = chatAnswer('first');
  world.openai.asked.length = 0;
  await keep(60);
});

/** Another number of seconds is another policy, under which nothing is kept yet. */
let policies = 60;
async function keep(seconds: number | undefined): Promise<void> {
  await world.configure((document) => {
    const { cacheSeconds: _, ...openai } = document.providers?.['openai'] ?? ({} as never);
    const cacheSeconds = seconds === undefined ? {} : { cacheSeconds: policies++ };
    return { ...document, providers: { ...document.providers, openai: { ...openai, ...cacheSeconds } } };
  });
}

async function ask(more: object = {}, { key = one, headers = {}, path = '/v1/chat/completions' } = {}) {
  const response = await fetch(`${world.ready.gateway}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
    body: JSON.stringify({
      model: 'gpt-4o-mini',
      max_tokens: 10,
      messages: [{ role: 'user', content: 'hi' }],
      ...more,
    }),
  });
  return {
    status: response.status,
    text: await response.text(),
    cache: response.headers.get('x-talos-cache'),
    receipt: response.headers.get('x-talos-receipt'),
  };
}

describe('LLM-34 an answer that was given before', () => {
  it.each([false, true])('is given again, costs nothing, and is on record (stream: %s)', async (stream) => {
    const first = await ask({ stream });
    world.openai.answer = chatAnswer('second');
    const again = await ask({ stream });
    expect(again).toMatchObject({ status: 200, text: first.text, cache: 'hit' });
    expect(first.cache).toBeNull();
    expect(world.openai.asked).toHaveLength(1);
    const { outcome, decision } = await world.record(again.receipt);
    expect(decision).toMatchObject({ effect: 'allow', held: { currency: 'USD' } });
    expect(outcome).toMatchObject({ status: 'completed', usage: { input: 0, output: 0 } });
    expect(outcome.cost).toBeUndefined();
    expect((await world.record(first.receipt)).outcome.cost).toMatchObject({ currency: 'USD' });
  });

  it.each([
    ['nothing of it is an answer', { foo: 1 }],
    [
      'it has an error beside',
      { choices: [], error: { message: 'busy' }, usage: { prompt_tokens: 1, completion_tokens: 0 } },
    ],
  ])('is kept only if it was one: %s', async (_, junk) => {
    world.openai.answer = (response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(junk));
    for (let times = 1; times <= 2; times++) {
      const { cache } = await ask();
      expect([cache, world.openai.asked.length]).toEqual([null, times]);
    }
  });

  it("is nobody else's, no other request's, and no other policy's", async () => {
    await ask();
    for (const [more, how] of [
      [{}, { key: two }],
      [{ temperature: 0.5 }, {}],
      [{ stream: true }, {}],
      [{ max_tokens: 11 }, {}],
      [{}, { headers: { 'cache-control': 'no-cache' } }],
      [{}, { headers: { 'cache-control': 'max-age=0, No-Store' } }],
    ] as [object, Parameters<typeof ask>[1]][])
      expect((await ask(more, how)).cache).toBeNull();
    expect(world.openai.asked).toHaveLength(7);
    expect((await ask()).cache).toBe('hit');
    await keep(60);
    expect((await ask()).cache).toBeNull();
    await keep(undefined);
    await ask();
    expect((await ask()).cache).toBeNull();
  });

  it('reaches no further than the capability', async () => {
    const narrowed = await world.key([{ scope: 'llm:openai/model:no-price', ops: ['write'] }]);
    await ask();
    expect((await ask({}, { key: narrowed })).status).toBe(403);
  });

  it('is kept only if it was complete', async () => {
    world.openai.answer = (response) => {
      response.writeHead(500).end('{}');
    };
    expect((await ask()).status).toBe(502);
    world.openai.answer = async (response, { body }) =>
      sendEvents(response, chatEvents(body.model, 'cut off').slice(0, -2));
    expect((await ask({ stream: true })).text).toContain('UPSTREAM_FAILED');
    world.openai.answer = chatAnswer('whole');
    expect((await ask()).cache).toBeNull();
    expect((await ask({ stream: true })).text).toContain('whole');
  });

  it.each([false, true])('is kept only if it did not end by an error (stream: %s)', async (stream) => {
    const usage = { prompt_tokens: 3, completion_tokens: 2 };
    world.openai.answer = (response, { body: { model } }) => {
      const failed = { index: 0, finish_reason: 'error' };
      const chunk = (delta: object) =>
        `data: ${JSON.stringify({ choices: [{ ...failed, delta }], usage })}\n\n`;
      return stream
        ? sendEvents(response, [chunk({ content: 'so far' }), 'data: [DONE]\n\n'])
        : sendJson(response, 200, { model, choices: [{ ...failed, message: { content: 'so far' } }], usage });
    };
    expect((await ask({ stream })).text).toContain('so far');
    world.openai.answer = chatAnswer('well again');
    expect(await ask({ stream })).toMatchObject({ cache: null, text: expect.stringContaining('well') });
    expect((await ask({ stream })).cache).toBe('hit');
  });

  it.each([false, true])('is kept only if its provider did not fail (stream: %s)', async (stream) => {
    const asking = () =>
      ask({ messages: undefined, max_tokens: undefined, input: 'hi', stream }, { path: '/v1/responses' });
    world.openai.answer = (response, { body }) =>
      stream
        ? sendEvents(response, responseEvents(body.model, 'a b', undefined, 'failed'))
        : sendJson(response, 200, wholeResponse(body.model, [], { status: 'failed' }));
    expect((await asking()).text).toContain('"status":"failed"');
    world.openai.answer = responseAnswer('well again');
    expect(await asking()).toMatchObject({ cache: null, text: expect.stringContaining('well again') });
    expect((await asking()).cache).toBe('hit');
  });

  it('passes guards again, which may have changed their mind', async () => {
    world.openai.answer = chatAnswer('write to [EMAIL_1] or ann@example.org');
    await world.configure((document) => ({
      ...document,
      guards: [{ name: 'people', kind: 'personal', action: 'mask' }],
    }));
    const asking = (mail: string) => ask({ messages: [{ role: 'user', content: `to ${mail}` }] });
    expect((await asking('jo@example.com')).text).toContain('write to jo@example.com or [EMAIL]');
    const other = await asking('max@example.com');
    expect(other).toMatchObject({
      cache: 'hit',
      text: expect.stringContaining('write to max@example.com or [EMAIL]'),
    });
    await world.configure((document) => ({ ...document, guards: [] }));
  });
});
