import { verifyBundle } from '@talosprotocol/protocol';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../packages/cli/src/run.js';
import {
  chatAnswer,
  chatEvents,
  type FakeProvider,
  messageAnswer,
  openFakeProvider,
  sendJson,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { type LlmWorld, openLlmWorld, RATES } from '../support/llm-world.js';
import { openTerminal } from '../support/terminal.js';
import { crypto } from '../support/world.js';

let world: LlmWorld;
let second: FakeProvider;
let key: string;

beforeAll(async () => {
  world = await openLlmWorld();
  second = await openFakeProvider();
  await world.configure((document) => ({
    ...document,
    providers: {
      ...document.providers,
      second: {
        api: 'openai',
        baseUrl: `${second.url}/v1`,
        models: {
          mini: { rates: { ...RATES, input: 2_000_000 } },
          'no-price': {},
          'gpt-4o-search-preview': { rates: RATES },
        },
        firstByteSeconds: 1,
        totalSeconds: 3,
      },
      calm: {
        api: 'openai',
        baseUrl: `${second.url}/v1`,
        models: { mini: { rates: RATES } },
        drainSeconds: 1,
      },
      slow: { api: 'openai', baseUrl: `${second.url}/v1`, models: { mini: { rates: RATES } } },
      gone: { api: 'openai', baseUrl: 'http://127.0.0.1:9/v1', models: { m: { rates: RATES } } },
    },
    aliases: {
      smart: { models: [{ model: 'openai/gpt-4o-mini' }, { model: 'second/mini' }] },
      alone: { models: [{ model: 'openai/gpt-4o-mini' }, { model: 'second/mini' }], fallback: false },
      lost: { models: [{ model: 'gone/m' }, { model: 'second/mini' }] },
      both: { models: [{ model: 'openai/gpt-4o-mini' }, { model: 'anthropic/claude-sonnet-4-5' }] },
      mini: { models: [{ model: 'openai/gpt-4o-mini' }] },
      quiet: { models: [{ model: 'calm/mini' }, { model: 'openai/gpt-4o-mini' }] },
      halting: { models: [{ model: 'slow/mini' }, { model: 'openai/gpt-4o-mini' }] },
      seeking: { models: [{ model: 'second/gpt-4o-search-preview' }] },
      odd: { models: [{ model: 'openai/gpt-4o-mini' }, { model: 'second/no-price' }] },
    },
  }));
  key = await world.key();
});
afterAll(async () => {
  await world?.close();
  await second?.close();
});
beforeEach(async () => {
  world.openai.answer = chatAnswer('the first');
  // Whatever an earlier test had it say, it is well again.
  await ask('openai/gpt-4o-mini');
  world.anthropic.answer = messageAnswer('claude');
  second.answer = chatAnswer('the second');
  world.openai.asked.length = 0;
  second.asked.length = 0;
});

const failing =
  (status: number): FakeProvider['answer'] =>
  (response) =>
    sendJson(response, status, { error: { message: 'no' } });
const MESSAGES = [{ role: 'user' as const, content: 'hi' }];

const send = (model: string, more: object = {}, apiKey = key, signal?: AbortSignal) =>
  fetch(`${world.ready.gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({ model, messages: MESSAGES, ...more }),
    ...(signal && { signal }),
  });

async function ask(model: string, more: object = {}, apiKey = key) {
  const response = await send(model, more, apiKey);
  const text = await response.text();
  const { headers } = response;
  return {
    status: response.status,
    text,
    by: headers.get('x-talos-model'),
    receipt: headers.get('x-talos-receipt'),
    request: headers.get('x-request-id'),
  };
}

/** The decisions of one request, oldest first. */
async function decisionsOf(request: string | null) {
  const { events } = await world.audit.events({ limit: 50 });
  return events
    .map(({ event }) => event)
    .filter((event) => event.type === 'decision' && event.request === request)
    .toReversed();
}

// LLM-27
describe('an alias', () => {
  it('is asked for like a model, by an unmodified client, and the provider hears its own name', async () => {
    const client = new OpenAI({ apiKey: key, baseURL: `${world.ready.gateway}/v1`, maxRetries: 0 });
    const answer = await client.chat.completions.create({ model: 'smart', messages: MESSAGES });
    expect(answer.choices[0]?.message.content).toBe('the first');
    expect(world.openai.asked[0]?.body.model).toBe('gpt-4o-mini');
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['smart', 'lost', 'both', 'mini', 'gpt-4o-mini', 'second/mini']),
    );
    expect((await client.models.retrieve('smart')).owned_by).toBe('openai');
  });

  it('reaches no further than the capability, whatever stands behind it', async () => {
    const narrow = await world.key([{ scope: 'llm:second/model:mini', ops: ['write'] }]);
    expect(await ask('smart', {}, narrow)).toMatchObject({ status: 200, by: 'second/mini' });
    expect(world.openai.asked).toEqual([]);
    world.openai.answer = failing(503);
    const other = await world.key([{ scope: 'llm:openai', ops: ['write'] }]);
    expect((await ask('smart', {}, other)).status).toBe(503);
    expect(second.asked).toHaveLength(1);
    const none = await world.key([{ scope: 'llm:anthropic', ops: ['write'] }]);
    const refused = await ask('smart', {}, none);
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('SCOPE_MISMATCH')]);
    expect(await ask('smart', { nonsense: 1 }, none)).toMatchObject({ status: 403 });
  });

  // LLM-3, LLM-7
  it('of a model that searches unasked is a search, whose cost no limit bounds', async () => {
    const capped = await world.key(undefined, [
      { per: 'total', cost: { amount: 100_000_000, currency: 'USD' } },
    ]);
    for (const model of ['seeking', 'second/gpt-4o-search-preview']) {
      const refused = await ask(model, { max_tokens: 10 }, capped);
      expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('web_search')]);
    }
    expect(second.asked).toEqual([]);
    expect((await ask('seeking')).status).toBe(200);
  });

  it('serves each protocol by the models that speak it', async () => {
    const response = await fetch(`${world.ready.gateway}/anthropic/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      body: JSON.stringify({ model: 'both', max_tokens: 10, messages: MESSAGES }),
    });
    expect([response.status, response.headers.get('x-talos-model')]).toEqual([
      200,
      'anthropic/claude-sonnet-4-5',
    ]);
    const none = await fetch(`${world.ready.gateway}/anthropic/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      body: JSON.stringify({ model: 'smart', max_tokens: 10, messages: MESSAGES }),
    });
    expect(none.status).toBe(404);
  });
});

// LLM-28
describe('a model that has no answer', () => {
  it.each([401, 402, 403, 404, 408, 424, 429, 500, 503, 302])(
    'because it says %i leaves it to the next one',
    async (status) => {
      world.openai.answer = failing(status);
      expect(await ask('smart')).toMatchObject({ status: 200, by: 'second/mini' });
    },
  );

  // LLM-10
  it.each<[string, object]>([
    [
      'has no credit',
      { type: 'error', error: { type: 'x', message: 'Your credit balance is too low to access' } },
    ],
    [
      'takes its key for none',
      [{ error: { code: 400, message: 'API key not valid. Please pass a valid one.' } }],
    ],
  ])('because its operator %s, which it calls a fault, leaves it to the next one', async (_, body) => {
    world.openai.answer = (response) => sendJson(response, 400, body);
    expect(await ask('smart')).toMatchObject({ status: 200, by: 'second/mini' });
    const alone = await ask('openai/gpt-4o-mini');
    expect([alone.status, alone.text]).toEqual([502, expect.stringContaining('account of the operator')]);
    expect(alone.text).not.toMatch(/credit|API key/);
  });

  it('because it is busy is not asked again until one call finds that it is no more', async () => {
    world.openai.answer = (response) => {
      response.setHeader('retry-after', '60');
      sendJson(response, 429, { error: { message: 'slow down' } });
    };
    for (let calls = 0; calls < 20; calls += 1)
      expect(await ask('smart')).toMatchObject({ status: 200, by: 'second/mini' });
    expect(world.openai.asked).toHaveLength(1);
    // A reload of the policy makes no difference, and whoever asks for it by its name is told what it says.
    await world.configure((document) => ({ ...document, limits: { ...document.limits, bodySeconds: 29 } }));
    const before = await ask('smart');
    expect([before.by, (await decisionsOf(before.request)).length]).toEqual(['second/mini', 1]);
    expect((await ask('openai/gpt-4o-mini')).status).toBe(429);
    expect(world.openai.asked).toHaveLength(2);
    world.openai.answer = chatAnswer('the first');
    expect((await ask('openai/gpt-4o-mini')).status).toBe(200);
    expect((await ask('smart')).by).toBe('openai/gpt-4o-mini');
  });

  it('because it cannot be reached, or does not answer, leaves it to the next one', async () => {
    expect(await ask('lost')).toMatchObject({ status: 200, by: 'second/mini' });
    world.openai.answer = (response) => void response.destroy();
    expect(await ask('smart', { stream: true })).toMatchObject({
      status: 200,
      by: 'second/mini',
      text: expect.stringContaining('second'),
    });
  });

  // LLM-10
  it.each([
    [500, { status: 200, by: 'openai/gpt-4o-mini' }],
    [400, { status: 400, text: expect.stringContaining('refused the request') }],
  ])('because of a refusal (%i) that says nothing to its end is not waited for', async (status, told) => {
    second.answer = (response) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).write('{"error":');
    const began = performance.now();
    expect(await ask('halting')).toMatchObject(told);
    expect(performance.now() - began).toBeLessThan(4_500);
  });

  it.each([400, 413, 422])('because it finds fault with the request (%i) is the answer', async (status) => {
    world.openai.answer = failing(status);
    expect((await ask('smart')).status).toBe(status);
    expect(second.asked).toEqual([]);
  });

  it('is the answer where the policy wants no other, and where there is none left', async () => {
    world.openai.answer = failing(500);
    second.answer = failing(503);
    expect((await ask('alone')).status).toBe(502);
    expect(second.asked).toEqual([]);
    expect(await ask('smart')).toMatchObject({ status: 503 });
  });

  it('once its answer has begun is not replaced', async () => {
    world.openai.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[{"index":0,"delta":{"content":"half"}}]}\n\n');
      setTimeout(() => response.destroy(), 50);
    };
    const { text } = await ask('smart', { stream: true });
    expect(text).toContain('half');
    expect(text).toContain('error');
    world.openai.answer = (response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end('{"half');
    expect((await ask('smart')).status).toBe(502);
    expect(second.asked).toEqual([]);
  });

  it.each<[string, readonly string[]]>([
    ['is an error', ['data: {"error":{"message":"of org-77: sk-canary-openai-1f"}}\n\n']],
    ['is empty', []],
    [
      'says who speaks, and no word',
      ['data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'],
    ],
    ['ends at once', ['data: [DONE]\n\n']],
  ])('is asked for where a stream %s', async (_, events) => {
    world.openai.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(events.join(''));
    };
    const { status, text, by } = await ask('smart', { stream: true });
    if (events[0]?.includes('DONE')) return expect([status, by]).toEqual([200, 'openai/gpt-4o-mini']);
    expect([status, by]).toEqual([200, 'second/mini']);
    expect(text).toContain('second');
    expect(text).not.toContain('org-77');
    const alone = await ask('openai/gpt-4o-mini', { stream: true });
    expect(alone.text).toContain('UPSTREAM_FAILED');
    expect(alone.text).not.toContain('org-77');
  });

  it('and only comments to tell leaves it to the next one, however many they are', async () => {
    world.openai.answer = async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let n = 0; n < 20; n += 1) {
        response.write(': PROCESSING\n\n');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      response.end('data: {"error":{"message":"no"}}\n\n');
    };
    expect(await ask('smart', { stream: true })).toMatchObject({ status: 200, by: 'second/mini' });
  });

  it('but said a word that came in one packet with its error has that told', async () => {
    const [role, word] = chatEvents('gpt-4o-mini', 'half');
    world.openai.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`${role}${word}data: {"error":{"message":"no"}}\n\n`);
    };
    const { by, text } = await ask('smart', { stream: true });
    expect([by, text]).toEqual(['openai/gpt-4o-mini', expect.stringMatching(/half[\s\S]*UPSTREAM_FAILED/)]);
    expect(second.asked).toEqual([]);
  });

  it('and thinks longer than clients wait for headers has begun all the same', async () => {
    let hear = (): void => undefined;
    const headers = new Promise<void>((resolve) => {
      hear = resolve;
    });
    const [role, ...rest] = chatEvents('mini', 'at last');
    second.answer = async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(role);
      // Longer than it would take anyone to give up, if nothing is told before it speaks.
      await Promise.race([headers, new Promise((resolve) => setTimeout(resolve, 10_000))]);
      response.end(rest.join(''));
    };
    const answer = await send('quiet', { stream: true }, key, AbortSignal.timeout(8_000));
    hear();
    expect(answer.headers.get('x-talos-model')).toBe('calm/mini');
    expect(await answer.text()).toMatch(/assistant[\s\S]*at [\s\S]*last[\s\S]*DONE/);
    expect([second.asked.length, world.openai.asked.length]).toEqual([1, 0]);
  });

  it('is asked for its rest, if its client leaves before a word, as any other (LLM-8)', async () => {
    let closed: number | undefined;
    second.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chatEvents('mini', 'x')[0]);
      response.once('close', () => {
        closed = performance.now();
      });
    };
    const leaving = new AbortController();
    const left = send('quiet', { stream: true }, key, leaving.signal);
    await expect.poll(() => second.asked.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const began = performance.now();
    leaving.abort();
    await expect(left).rejects.toThrow();
    await expect.poll(() => closed, { timeout: 10_000 }).toBeDefined();
    // A second of its drain, and nothing of the time that a word is waited for.
    expect((closed ?? 0) - began).toBeLessThan(2_400);
    expect(world.openai.asked).toEqual([]);
  });

  it('is asked for where an answer is nothing but an error, whatever its status says', async () => {
    for (const body of [
      { error: { message: 'upstream is down', code: 502 } },
      { type: 'error', error: {} },
      { id: 'x', object: 'chat.completion', choices: [], error: { message: 'upstream is down' } },
      { choices: null, base_resp: { status_code: 1004, status_msg: 'upstream is down' } },
      { detail: 'upstream is down' },
    ]) {
      world.openai.answer = (response) => sendJson(response, 200, body);
      expect(await ask('smart')).toMatchObject({ status: 200, by: 'second/mini' });
      const alone = await ask('alone');
      expect([alone.status, alone.text]).toEqual([502, expect.stringContaining('that it calls a success')]);
      expect(alone.text).not.toContain('is down');
      // It may have worked for it: what nobody counted is as much as was held.
      expect((await world.record(alone.receipt)).outcome).toMatchObject({
        status: 'failed',
        usage: { estimated: true },
      });
    }
    world.openai.answer = (response) =>
      void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>is down</html>');
    for (const stream of [false, true])
      expect(await ask('smart', { stream })).toMatchObject({ status: 200, by: 'second/mini' });
    expect((await ask('alone')).status).toBe(502);
    // One that comes with an answer goes to the client as it is.
    const choices = [
      { index: 0, message: { role: 'assistant', content: 'so far' }, finish_reason: 'length' },
    ];
    world.openai.answer = (response) =>
      sendJson(response, 200, { id: 'x', object: 'chat.completion', choices, error: { message: 'cut' } });
    expect(await ask('smart')).toMatchObject({ status: 200, by: 'openai/gpt-4o-mini' });
  });

  it('is a call of its own: two decisions and two receipts of one request, and the budget pays for one', async () => {
    const capped = await world.key(undefined, [
      { per: 'total', cost: { amount: 100_000_000, currency: 'USD' } },
    ]);
    world.openai.answer = failing(503);
    const answer = await ask('smart', { max_tokens: 10 }, capped);
    expect(answer).toMatchObject({ status: 200, by: 'second/mini' });
    const { decision, outcome } = await world.record(answer.receipt);
    expect(decision.action).toMatchObject({ provider: 'second', model: 'mini' });
    // 12 read at two dollars, 3 written at ten.
    expect(outcome.cost).toEqual({ amount: 54, currency: 'USD' });
    const all = await decisionsOf(answer.request);
    expect(all.map((event) => event.type === 'decision' && [event.effect, event.action.provider])).toEqual([
      ['allow', 'openai'],
      ['allow', 'second'],
    ]);
    const failed = await world.record(all[0]?.id.replace('evt_', 'rcp_') ?? null);
    expect(failed.outcome.status).toBe('failed');
    expect(failed.outcome.cost).toBeUndefined();
  });

  it('is not followed by one that the budget cannot pay, or whose price nobody knows', async () => {
    world.openai.answer = failing(503);
    const capped = await world.key(undefined, [
      { per: 'total', cost: { amount: 100_000_000, currency: 'USD' } },
    ]);
    const refused = await ask('odd', {}, capped);
    expect([refused.status, refused.text]).toEqual([
      403,
      expect.stringContaining('second/no-price has no price'),
    ]);
    expect(second.asked).toEqual([]);
  });

  it.each(['session', 'request'] as const)(
    'is found for whoever proves by %s too: one number or proof, and decisions that go on from one another',
    async (prove) => {
      const agent = await world.agent(undefined, { prove });
      world.openai.answer = failing(503);
      const answer = await agent.fetch(`${world.ready.gateway}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'smart', messages: MESSAGES }),
      });
      await answer.text();
      expect([answer.status, answer.headers.get('x-talos-model')]).toEqual([200, 'second/mini']);
      await world.record(answer.headers.get('x-talos-receipt'));
      const [first, next] = await decisionsOf(answer.headers.get('x-request-id'));
      if (first?.type !== 'decision' || next?.type !== 'decision') throw new Error('no two decisions');
      expect([first.after, next.after, next.credential]).toEqual([undefined, first.id, first.credential]);
      const request = answer.headers.get('x-request-id') ?? '';
      const { io, out } = openTerminal({ env: { TALOS_DATA: world.ready.data }, cwd: world.files.root });
      expect(await run(['why', request, '--kernel', world.ready.kernel], io)).toBe(0);
      expect(out()).toMatch(/^ {2}call {5}chat\/completions second mini$/m);
      expect(out()).toContain(`  after    ${first.id.replace('evt_', 'rcp_')}\n`);
      await agent.close();
      const one = { agent: [agent.did] };
      for (const [ask, calls] of [
        [{}, 2],
        [one, 2],
        [{ ...one, tool: ['second'] }, 1],
      ] as const) {
        const { counts } = verifyBundle(await world.audit.bundle(ask), await world.trust(), crypto);
        expect(counts.allowed).toBeGreaterThanOrEqual(calls);
      }
    },
  );
});
