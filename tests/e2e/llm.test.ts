import type { ServerResponse } from 'node:http';
import Anthropic from '@anthropic-ai/sdk';
import { parseBearerKey, verifyBundle } from '@talosprotocol/protocol';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  chatAnswer,
  chatEvents,
  messageAnswer,
  messageEvents,
  sendEvents,
  sendJson,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { type LlmWorld, openLlmWorld, PROVIDER_KEYS } from '../support/llm-world.js';
import { crypto } from '../support/world.js';

let world: LlmWorld;
let key: string;
beforeAll(async () => {
  world = await openLlmWorld();
  key = await world.key();
});
afterAll(() => world?.close());
beforeEach(() => {
  world.openai.answer = chatAnswer('hello there');
  world.anthropic.answer = messageAnswer('good day');
  world.openai.asked.length = 0;
  world.anthropic.asked.length = 0;
});

const openai = (apiKey = key) => new OpenAI({ apiKey, baseURL: `${world.ready.gateway}/v1`, maxRetries: 0 });
const anthropic = (apiKey = key) =>
  new Anthropic({ apiKey, baseURL: `${world.ready.gateway}/anthropic`, maxRetries: 0 });
const ASK = { model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content: 'hi' }] };
const ASK_CLAUDE = { model: 'claude-sonnet-4-5', max_tokens: 100, messages: ASK.messages };

async function post(body: unknown, headers: Record<string, string> = { authorization: `Bearer ${key}` }) {
  const response = await fetch(`${world.ready.gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
}

const record = (receipt: string | null) => world.record(receipt);

// LLM-1, LLM-9
describe('the official clients', () => {
  it('of OpenAI get a completion, whole', async () => {
    const { data, response } = await openai().chat.completions.create(ASK).withResponse();
    expect(data.choices[0]?.message.content).toBe('hello there');
    expect(data.usage?.total_tokens).toBe(15);
    expect(response.headers.get('x-talos-model')).toBe('openai/gpt-4o-mini');
    // 12 read at a dollar, 3 written at ten dollars a million.
    expect(response.headers.get('x-talos-cost')).toBe('42 USD');
    const [asked] = world.openai.asked;
    expect(asked?.headers.authorization).toBe(`Bearer ${PROVIDER_KEYS.openai}`);
    expect(asked?.path).toBe('/v1/chat/completions');
    expect(asked?.body).toEqual(ASK);
  });

  it('of OpenAI get a stream, with the count of tokens if they ask for it and not otherwise', async () => {
    for (const wanted of [true, false]) {
      const stream = await openai().chat.completions.create({
        ...ASK,
        stream: true,
        ...(wanted ? { stream_options: { include_usage: true } } : {}),
      });
      const chunks = [];
      for await (const chunk of stream) chunks.push(chunk);
      expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('hello there');
      expect(chunks.filter(({ usage }) => usage != null)).toHaveLength(wanted ? 1 : 0);
      expect(world.openai.asked.at(-1)?.body.stream_options).toEqual({ include_usage: true });
    }
  });

  it('of Anthropic get a message, whole and as a stream', async () => {
    const { data, response } = await anthropic().messages.create(ASK_CLAUDE).withResponse();
    expect(data.content).toEqual([{ type: 'text', text: 'good day' }]);
    const [asked] = world.anthropic.asked;
    expect([asked?.path, asked?.headers['x-api-key']]).toEqual(['/v1/messages', PROVIDER_KEYS.anthropic]);
    // 10 plain, 4 from the cache, 2 into it, 5 written: 10 + 0.4 + 2.5 + 50, rounded up once.
    expect(response.headers.get('x-talos-cost')).toBe('63 USD');
    const stream = anthropic().messages.stream(ASK_CLAUDE);
    expect(await stream.finalText()).toBe('good day');
    expect((await stream.finalMessage()).usage.output_tokens).toBe(5);
  });

  it('take the key where they put it, and nothing else for one', async () => {
    for (const headers of [{ 'x-api-key': key }, { 'api-key': key }, { authorization: `Bearer ${key}` }])
      expect((await post(ASK, headers as Record<string, string>)).status).toBe(200);
    const both = await post(ASK, { authorization: `Bearer ${key}`, 'x-api-key': key });
    expect([both.status, both.body.error.code]).toEqual([400, 'MALFORMED']);
    for (const headers of [{}, { authorization: 'Bearer sk-1234567890' }, { 'x-goog-api-key': key }])
      expect((await post(ASK, headers as Record<string, string>)).status).toBe(401);
  });

  it('understand a refusal, each in its own form', async () => {
    const narrow = await world.key([{ scope: 'llm:openai/model:other', ops: ['write'] }]);
    const refused = await openai(narrow)
      .chat.completions.create(ASK)
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OpenAI.PermissionDeniedError);
    expect(refused).toMatchObject({ status: 403, code: 'SCOPE_MISMATCH' });
    expect(String(refused)).toContain('llm:openai/model:gpt-4o-mini');
    const also = await anthropic(narrow)
      .messages.create(ASK_CLAUDE)
      .catch((error: unknown) => error);
    expect(also).toBeInstanceOf(Anthropic.PermissionDeniedError);
    expect(also).toMatchObject({ status: 403, error: { error: { code: 'SCOPE_MISMATCH' } } });
    const nobody = await openai('talos_x')
      .chat.completions.create(ASK)
      .catch((error: unknown) => error);
    expect(nobody).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(world.openai.asked).toEqual([]);
  });
});

// LLM-2 to LLM-5
describe('a call of a model', () => {
  it('leaves a decision and an outcome, from which its price follows (AUD-126)', async () => {
    const answer = await post(ASK);
    const { decision, outcome } = await record(answer.headers.get('x-talos-receipt'));
    expect(decision).toMatchObject({
      surface: 'llm',
      effect: 'allow',
      action: { method: 'chat/completions', provider: 'openai', model: 'gpt-4o-mini', op: 'write' },
      pin: null,
      held: { currency: 'USD' },
      prices: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(outcome).toMatchObject({
      status: 'completed',
      cost: { amount: 42, currency: 'USD' },
      usage: { input: 12, output: 3 },
      rates: { currency: 'USD', input: 1_000_000, output: 10_000_000 },
    });
  });

  it('is in the evidence, which verifies, and whose sum is that of the answers', async () => {
    await post(ASK);
    await record((await post(ASK)).headers.get('x-talos-receipt'));
    const report = verifyBundle(await world.audit.bundle(), await world.trust(), crypto);
    expect(report.counts.allowed).toBeGreaterThan(3);
    expect(report.costs.map(({ currency }) => currency)).toEqual(['USD']);
  });

  // LLM-2, LLM-3
  it('is found by its model', async () => {
    await record((await post(ASK)).headers.get('x-talos-receipt'));
    const { events } = await world.audit.events({ server: 'openai', tool: 'gpt-4o-mini', limit: 5 });
    expect(events.length).toBeGreaterThan(0);
  });

  it('can be narrowed by its holder, offline, to models and to values of the request', async () => {
    const { chain } = parseBearerKey(key, crypto);
    expect(chain.links.length).toBe(2);
    const cheap = await world.key([
      {
        scope: 'llm:openai/model:gpt-4o-mini',
        ops: ['write'],
        where: [{ ptr: '/max_tokens', op: 'le', value: 50 }],
      },
    ]);
    const send = (max_tokens: number) => post({ ...ASK, max_tokens }, { authorization: `Bearer ${cheap}` });
    expect((await send(50)).status).toBe(200);
    expect((await send(51)).body.error.code).toBe('CONSTRAINT_VIOLATED');
  });

  // LLM-4
  it.each<[string, object, string]>([
    ['keeps the call at the provider', { store: true }, 'POLICY_DENIED'],
    ['costs another price', { service_tier: 'priority' }, 'POLICY_DENIED'],
    ['keeps what is cached', { prompt_cache_retention: '24h' }, 'POLICY_DENIED'],
    ['writes sound', { modalities: ['text', 'audio'] }, 'POLICY_DENIED'],
    ['lets another gateway choose other models', { models: ['x/y'] }, 'POLICY_DENIED'],
    ['is no member at all', { no_such: 1 }, 'POLICY_DENIED'],
    [
      'names a file at the provider',
      { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }] },
      'POLICY_DENIED',
    ],
    [
      'lets the provider read its own disk',
      {
        messages: [
          { role: 'user', content: [{ type: 'image_url', image_url: { url: 'file:///etc/passwd' } }] },
        ],
      },
      'POLICY_DENIED',
    ],
    [
      'lets it ask a host by http',
      {
        messages: [
          { role: 'user', content: [{ type: 'image_url', image_url: { url: 'http://10.0.0.1/' } }] },
        ],
      },
      'POLICY_DENIED',
    ],
    ['has no messages', { messages: 'hi' }, 'MALFORMED'],
    ['has a maximum of nothing', { max_tokens: 0 }, 'MALFORMED'],
    ['asks for very many answers', { n: 1_000_000 }, 'MALFORMED'],
    [
      'says two maxima, of which one would be held',
      { max_tokens: 9_999, max_completion_tokens: 1 },
      'MALFORMED',
    ],
    ['names a model nobody has', { model: 'gpt-9' }, 'UNKNOWN_MODEL'],
    ['names one of another protocol', { model: 'claude-sonnet-4-5' }, 'UNKNOWN_MODEL'],
    ['names no model', { model: 7 }, 'UNKNOWN_MODEL'],
  ])('is refused, and reaches no provider, if it %s', async (_, more, code) => {
    const answer = await post({ ...ASK, ...more });
    expect(answer.body.error).toMatchObject({
      code,
      hint: expect.any(String),
      request_id: expect.any(String),
    });
    expect(answer.headers.get('x-talos-receipt')).toMatch(/^rcp_/);
    expect(world.openai.asked).toEqual([]);
  });

  it('that the capability does not reach is refused as that, whether there is one or not', async () => {
    const narrow = await world.key([{ scope: 'llm:openai/model:gpt-4o-mini', ops: ['write'] }]);
    const ask = async (body: object) => {
      const { status, body: answer } = await post(body, { authorization: `Bearer ${narrow}` });
      const { code, link, item } = answer.error;
      return { status, code, link, item: item?.replace(/model:.*/, '') };
    };
    const there = await ask({ ...ASK, model: 'openai/no-price' });
    expect(there).toMatchObject({ status: 403, code: 'SCOPE_MISMATCH' });
    expect(await ask({ ...ASK, model: 'openai/not-there' })).toEqual(there);
    // Nor does what else is wrong with the request tell.
    expect(await ask({ model: 'openai/no-price', messages: 7, store: true })).toEqual(there);
    expect(await ask({ model: 'openai/not-there', messages: 7, store: true })).toEqual(there);
    expect((await ask({ ...ASK, model: 'nobody/m' })).code).toBe('SCOPE_MISMATCH');
    expect((await ask({ ...ASK, model: 'no-such-plain-name' })).code).toBe('UNKNOWN_MODEL');
    expect(world.openai.asked).toEqual([]);
  });

  it('says its maximum under the name that the provider heeds', async () => {
    await post({ ...ASK, max_completion_tokens: 7 });
    await post({ ...ASK, max_tokens: 8 });
    const sent = world.openai.asked.map(({ body }) => [body.max_tokens, body.max_completion_tokens]);
    expect(sent).toEqual([
      [7, undefined],
      [8, undefined],
    ]);
  });

  it('brings a hosted tool only with a grant for it', async () => {
    const tools = [{ type: 'web_search_preview' }];
    const scope = 'llm:openai/model:gpt-4o-mini/feature:web_search_preview';
    const only = await world.key([{ scope, ops: ['write'] }]);
    // The model itself is not covered by a grant of one of its tools.
    expect((await post({ ...ASK, tools }, { authorization: `Bearer ${only}` })).status).toBe(403);
    expect((await post({ ...ASK, tools })).status).toBe(200);
  });

  it('brings a tool that its client runs under a limit too, with what it adds to what is read', async () => {
    const messages = (tools: readonly object[], tokens: number) =>
      world.key(undefined, [{ per: 'total', tokens }]).then((limited) =>
        fetch(`${world.ready.gateway}/anthropic/v1/messages`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-api-key': limited },
          body: JSON.stringify({
            ...{ model: 'claude-sonnet-4-5', max_tokens: 10, tools },
            messages: [{ role: 'user', content: 'hi' }],
          }),
        }),
      );
    const [bash, search] = [
      { type: 'bash_20250124', name: 'bash' },
      { type: 'web_search_20250305', name: 'web_search' },
    ];
    expect((await messages([bash], 6_000)).status).toBe(200);
    // 1,024 and the bytes would fit.
    expect((await messages([bash], 4_000)).status).toBe(402);
    expect((await messages([bash, bash], 6_000)).status).toBe(402);
    expect((await messages([bash, search], 100_000)).status).toBe(403);
  });

  it.each(['{"model":"a","model":"b"}', '[]', 'x', '{"model":', '{"a":1e400}', `${'[{"a":'.repeat(100)}1`])(
    'is refused when it is no JSON object in one reading: %s',
    async (body) => {
      const answer = await post(body);
      expect([answer.status, answer.body.error.code]).toEqual([400, 'MALFORMED']);
      expect(world.openai.asked).toEqual([]);
    },
  );
});

// LLM-5, LLM-10
describe('a provider', () => {
  it.each<[string, number, object, number, string]>([
    ['refuses the key of the operator', 401, { error: { message: 'Incorrect API key: sk-canary' } }, 502, ''],
    ['has a model that failed', 424, { message: 'arn of canary' }, 502, ''],
    ['takes no more', 429, { error: { message: 'slow down' } }, 429, ''],
    ['is broken', 500, { error: { message: 'at /srv/secret/path' } }, 502, ''],
    ['finds fault with the request', 400, { error: { message: 'bad temperature' } }, 400, 'bad temperature'],
    [
      'finds it in a list, as Google does',
      400,
      [{ error: { message: 'bad name' } }],
      400,
      '"message":"bad name',
    ],
    ['sends elsewhere', 302, {}, 502, ''],
  ])('that %s says no more than concerns the client', async (_, status, body, told, words) => {
    world.openai.answer = (response) => {
      if (status === 302) response.setHeader('location', 'http://127.0.0.1:1/');
      sendJson(response, status, body);
    };
    const answer = await post(ASK);
    expect([answer.status, answer.text.includes('canary'), answer.text.includes('/srv')]).toEqual([
      told,
      false,
      false,
    ]);
    expect(answer.text).toContain(words);
    const { outcome } = await record(answer.headers.get('x-talos-receipt'));
    expect(outcome).toMatchObject({ status: 'failed' });
    expect(outcome.cost).toBeUndefined();
  });

  it.each<[string, (typeof world)['openai']['answer']]>([
    ['hangs up', (response) => void response.destroy()],
    ['is silent', () => undefined],
    [
      'stops in the middle',
      (response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{"a'),
    ],
    [
      'sends no JSON',
      (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    ],
    [
      'sends an encoding',
      (response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    ],
    [
      'sends half a character',
      (response) =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end(Buffer.from([0x22, 0xc3])),
    ],
  ])('that %s is answered for with 502', async (_, answer) => {
    world.openai.answer = answer;
    const told = await post(ASK);
    expect([told.status, told.body.error.code]).toEqual([502, 'UPSTREAM_FAILED']);
  });

  it('that sends no JSON is said to have done that, and not to have been away', async () => {
    world.openai.answer = (response) =>
      void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
    expect((await post(ASK)).body.error.hint).toContain('the answer is not JSON');
    world.openai.answer = (response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end('{"a":NaN}');
    expect((await post(ASK)).body.error.hint).not.toContain('could not be reached');
  });

  it('that repeats a part of its key says nothing more', async () => {
    const message = `no model for ${PROVIDER_KEYS.openai.slice(5, 15)}****`;
    world.openai.answer = (response) => sendJson(response, 400, { error: { message } });
    const { status, text } = await post(ASK);
    expect([status, text.includes('no model')]).toEqual([400, false]);
  });

  it.each([
    ['says nothing of what it came to', undefined, { input: 0, output: 0 }],
    ['counts it', { prompt_tokens: 12, completion_tokens: 40 }, { input: 12, output: 40 }],
  ])('that refuses what its model wrote does not tell it, and %s', async (_, usage, spent) => {
    const error = {
      message: 'no JSON',
      type: 'x',
      code: 'json_validate_failed',
      failed_generation: 'answer',
    };
    world.openai.answer = (response) => sendJson(response, 400, { error, usage });
    const { status, text, headers } = await post(ASK);
    expect([status, JSON.parse(text)]).toEqual([
      400,
      { error: { message: 'no JSON', type: 'x', code: 'json_validate_failed' } },
    ]);
    const { outcome } = await record(headers.get('x-talos-receipt'));
    expect(outcome).toMatchObject({ status: 'failed', usage: spent });
  });

  it('whose numbers are written in more digits than they came in is held for what is sent', async () => {
    const numbers = Array.from({ length: 1_000 }, () => '1e15').join(',');
    const tool = `{"type":"function","function":{"name":"f","parameters":{"enum":[${numbers}]}}}`;
    const capped = await world.key(undefined, [{ per: 'total', tokens: 1_000_000 }]);
    const body = `{"model":"gpt-4o-mini","max_tokens":5,"messages":[{"role":"user","content":"x"}],"tools":[${tool}]}`;
    const headers = { authorization: `Bearer ${capped}` };
    const { headers: told } = await post(body, headers);
    const { decision } = await record(told.get('x-talos-receipt'));
    expect(decision.held?.amount).toBeGreaterThan(16_000);
    expect(body.length).toBeLessThan(6_000);
  });

  it('that cannot be reached has cost nothing', async () => {
    await world.configure((document) => {
      const { openai: own } = document.providers!;
      return {
        ...document,
        providers: { ...document.providers, gone: { ...own!, baseUrl: 'http://127.0.0.1:1/v1' } },
      };
    });
    const answer = await post({ ...ASK, model: 'gone/gpt-4o-mini' });
    expect([answer.status, answer.body.error.code]).toEqual([502, 'UPSTREAM_FAILED']);
    const { outcome } = await record(answer.headers.get('x-talos-receipt'));
    expect(outcome).toMatchObject({ status: 'failed', usage: { input: 0, output: 0 } });
    expect(outcome.cost).toBeUndefined();
    await world.configure((document) => {
      const { gone: _, ...others } = document.providers!;
      return { ...document, providers: others };
    });
  });

  it('that is busy for a moment is asked again', async () => {
    let asked = 0;
    world.openai.answer = async (response, call) => {
      asked += 1;
      if (asked === 1) return sendJson(response, 503, {});
      await chatAnswer('now')(response, call);
    };
    const answer = await post(ASK);
    expect([answer.status, asked]).toEqual([200, 2]);
  });

  it('may send what strict readers refuse, and it passes as it came', async () => {
    const usage = { prompt_tokens: 12, completion_tokens: 3 };
    const odd = `{ "big": 12345678901234567890, "half": "\\ud83d", "usage": ${JSON.stringify(usage)}, "choices": [] }`;
    world.openai.answer = (response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(odd);
    const whole = await post(ASK);
    expect([whole.status, whole.text]).toEqual([200, odd]);
    expect(whole.headers.get('x-talos-cost')).toBe('42 USD');
    world.openai.answer = (response) =>
      void response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end(
          'data: {"choices":[{"delta":{"content":"\\ud83d"}}]}\n\ndata: {"choices":[{"delta":{"content":"\\ude00"}}]}\n\ndata: [DONE]\n\n',
        );
    const stream = await fetch(`${world.ready.gateway}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ ...ASK, stream: true }),
    });
    expect(await stream.text()).toContain('[DONE]');
  });

  it('that nests without end is answered for', async () => {
    world.openai.answer = (response) =>
      void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(`{"choices":[{"message":${'['.repeat(200_000)}${']'.repeat(200_000)}}]}`);
    expect((await post(ASK)).body.error.code).toBe('UPSTREAM_FAILED');
  });

  it('that does not count is counted for, and the record says so', async () => {
    world.openai.answer = chatAnswer('hello there', null);
    const answer = await post({ ...ASK, max_tokens: 1000 });
    const { decision, outcome } = await record(answer.headers.get('x-talos-receipt'));
    expect(outcome.usage).toMatchObject({ estimated: true, output: 1000 });
    expect(outcome.cost).toEqual(decision.held);
  });

  it('that counts more than there can be does not break the sum, and it is seen', async () => {
    world.openai.answer = chatAnswer('x', { prompt_tokens: 900_000_000, completion_tokens: 5 });
    const answer = await post({ ...ASK, max_tokens: 5 });
    const { decision, outcome } = await record(answer.headers.get('x-talos-receipt'));
    expect(outcome.cost).toEqual(decision.held);
    expect(outcome.excess!.amount).toBe(900_000_050 - decision.held!.amount);
    verifyBundle(await world.audit.bundle(), await world.trust(), crypto);
  });

  it('whose key is missing is not asked, and nobody is answered in its place', async () => {
    await world.configure((document) => {
      const { openai: own, ...others } = document.providers!;
      return { ...document, providers: { ...others, openai: { ...own!, key: 'not-set' } } };
    });
    const answer = await post(ASK);
    expect([answer.status, answer.body.error.code]).toEqual([503, 'UNAVAILABLE']);
    expect(answer.body.error.hint).toContain('talos secrets set not-set');
    expect(world.openai.asked).toEqual([]);
    await world.configure((document) => {
      const { openai: own, ...others } = document.providers!;
      return { ...document, providers: { ...others, openai: { ...own!, key: 'openai-key' } } };
    });
  });
});

// LLM-8
describe('a stream', () => {
  const STREAM = { ...ASK, stream: true, max_tokens: 100 };
  const raw = async (body: object = STREAM) => {
    const response = await fetch(`${world.ready.gateway}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify(body),
    });
    return { receipt: response.headers.get('x-talos-receipt'), text: await response.text() };
  };

  it('costs what the same answer costs whole', async () => {
    const { receipt } = await raw();
    const { outcome } = await record(receipt);
    expect(outcome).toMatchObject({
      status: 'completed',
      cost: { amount: 42 },
      usage: { input: 12, output: 3 },
    });
    expect(outcome.usage?.estimated).toBeUndefined();
  });

  it('may be cut anywhere on its way, also in the middle of a character', async () => {
    world.openai.answer = async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const bytes = Buffer.from(chatEvents('gpt-4o-mini', 'zwölf 🙂 Bögen').join(''));
      for (const byte of bytes) {
        response.write(Uint8Array.of(byte));
        if (byte > 127) await new Promise(setImmediate);
      }
      response.end();
    };
    const { text, receipt } = await raw();
    const content = [...text.matchAll(/"content":"([^"]*)"/g)].map(([, one]) => one).join('');
    expect([content, text.endsWith('data: [DONE]\n\n')]).toEqual(['zwölf 🙂 Bögen', true]);
    expect((await record(receipt)).outcome.status).toBe('completed');
  });

  it.each<[string, readonly string[], boolean]>([
    ['ends too early', chatEvents('m', 'a b c').slice(0, 2), true],
    ['stalls', chatEvents('m', 'a b c').slice(0, 2), false],
    ['sends what is no JSON', ['data: {"choices":[\n\n'], true],
    ['sends JSON twice over', ['data: {"choices":[],"choices":[]}\n\n'], true],
  ])('of a provider that %s ends in an error of the protocol, and is estimated', async (_, events, ends) => {
    world.openai.answer = async (response) => {
      if (ends) return sendEvents(response, events);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const event of events) response.write(event);
    };
    const { text, receipt } = await raw();
    expect(text).toContain('"code":"UPSTREAM_FAILED"');
    expect(text).not.toContain('[DONE]');
    const { outcome } = await record(receipt);
    expect(outcome).toMatchObject({ status: 'failed', usage: { estimated: true } });
  });

  const framed = (events: readonly { readonly type: string }[]): string[] =>
    events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  it.each<[string, (response: ServerResponse) => void, boolean]>([
    ['stays open', () => undefined, true],
    ['breaks off', (response) => void setTimeout(() => response.destroy(), 30), true],
    ['says more', (response) => void response.end('data: {"error":{"message":"canary"}}\n\n'), true],
    ['breaks off, and left out its end,', (response) => void setTimeout(() => response.destroy(), 30), false],
  ])('whose connection %s behind its end is whole, and its client has it soon', async (_, go, hasEnd) => {
    const answer = (events: readonly string[]) => (response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(events.join(''));
      go(response);
    };
    const chat = chatEvents('gpt-4o-mini', 'hello there');
    world.openai.answer = answer(hasEnd ? chat : chat.slice(0, -1));
    world.anthropic.answer = answer(framed(messageEvents('claude-sonnet-4-5', 'good day')));
    const began = Date.now();
    const { text, receipt } = await raw();
    expect(text).toMatch(/\[DONE\]\n\n$/);
    const message = await anthropic().messages.stream(ASK_CLAUDE).finalMessage();
    expect(message.content).toMatchObject([{ text: 'good day' }]);
    // Well below the two seconds that a silent stream has.
    expect(Date.now() - began).toBeLessThan(1_900);
    const { outcome } = await record(receipt);
    expect(outcome).toMatchObject({ status: 'completed', usage: { input: 12, output: 3 } });
  });

  it('has nothing behind its end, also of what comes at once with it: no word, no error and no other count', async () => {
    const said = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' };
    const word = { ...said, choices: [{ index: 0, delta: { content: 'behind' }, finish_reason: null }] };
    const usage = { prompt_tokens: 1, completion_tokens: 200, total_tokens: 201 };
    const behind = [...Array(150).fill(word), { ...said, choices: [], usage }];
    const chat = chatEvents('gpt-4o-mini', 'hello there');
    const late = behind.map((one) => `data: ${JSON.stringify(one)}\n\n`);
    const atOnce = (events: readonly string[]) => (response: ServerResponse) =>
      void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(events.join(''));
    world.openai.answer = atOnce([...chat, ...late]);
    const { text, receipt } = await raw();
    expect(text).toMatch(/\[DONE\]\n\n$/);
    const { outcome } = await record(receipt);
    expect(outcome).toMatchObject({ status: 'completed', usage: { input: 12, output: 3 } });

    const events = messageEvents('claude-sonnet-4-5', 'good day');
    const more = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'behind' } };
    world.anthropic.answer = atOnce(framed([...events, more]));
    const message = await anthropic().messages.stream(ASK_CLAUDE).finalMessage();
    expect(message.content).toMatchObject([{ text: 'good day' }]);
  });

  it('of messages that ends before its count is estimated: at its beginning it counts one token of all', async () => {
    const events = messageEvents('m', 'a few words that were written').slice(0, -2);
    const texts = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    world.anthropic.answer = (response) => sendEvents(response, texts);
    const response = await fetch(`${world.ready.gateway}/anthropic/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      body: JSON.stringify({ ...ASK_CLAUDE, stream: true }),
    });
    expect(await response.text()).toContain('UPSTREAM_FAILED');
    const { outcome } = await record(response.headers.get('x-talos-receipt'));
    expect(outcome).toMatchObject({ status: 'failed', usage: { output: 100, estimated: true } });
  });

  it('is cut when its provider writes more than was asked for and held', async () => {
    world.openai.answer = async (response) => {
      const events = chatEvents('m', 'word '.repeat(500));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(events.slice(0, 40).join(''));
      // The rest comes later, if anybody still reads.
      await Promise.race([
        new Promise((resolve) => response.once('close', resolve)),
        new Promise((resolve) => setTimeout(resolve, 5_000)),
      ]);
      response.end(events.slice(40).join(''));
    };
    const { text, receipt } = await raw({ ...STREAM, max_tokens: 10 });
    expect(text).toContain('"code":"BUDGET_EXCEEDED"');
    expect(text.match(/word/g)!.length).toBeLessThan(100);
    const { decision, outcome } = await record(receipt);
    expect(outcome.cost!.amount).toBeLessThanOrEqual(decision.held!.amount);
  });

  it('is cut there too when all of it comes at once, and its client does not take it for whole', async () => {
    const events = chatEvents('m', 'word '.repeat(50));
    world.openai.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(events.join(''));
    };
    const { text, receipt } = await raw({ ...STREAM, max_tokens: 10 });
    expect(text.match(/word/g)).toHaveLength(10);
    expect(text).toContain('"code":"BUDGET_EXCEEDED"');
    expect(text).not.toContain('[DONE]');
    const { decision, outcome } = await record(receipt);
    expect(outcome.status).toBe('failed');
    expect(outcome.cost!.amount).toBeLessThanOrEqual(decision.held!.amount);
    const heard = openai()
      .chat.completions.stream({ ...ASK, max_tokens: 10 })
      .finalChatCompletion();
    await expect(heard).rejects.toThrow('BUDGET_EXCEEDED');
    const spoken = messageEvents('m', 'word '.repeat(50));
    world.anthropic.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(spoken.map((one) => `event: ${one.type}\ndata: ${JSON.stringify(one)}\n\n`).join(''));
    };
    const message = anthropic()
      .messages.stream({ ...ASK_CLAUDE, max_tokens: 10 })
      .finalMessage();
    await expect(message).rejects.toThrow('BUDGET_EXCEEDED');
  });

  it('whose client leaves is read on for its count', async () => {
    let go = (): void => undefined;
    const left = new Promise<void>((resolve) => {
      go = resolve;
    });
    world.openai.answer = async (response) => {
      const events = chatEvents('m', 'a b c');
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(events[0]);
      await left;
      for (const event of events.slice(1)) response.write(event);
      response.end();
    };
    const controller = new AbortController();
    const response = await fetch(`${world.ready.gateway}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify(STREAM),
      signal: controller.signal,
    });
    controller.abort();
    await new Promise((resolve) => setTimeout(resolve, 100));
    go();
    const { outcome } = await record(response.headers.get('x-talos-receipt'));
    expect(outcome).toMatchObject({ status: 'cancelled', usage: { input: 12, output: 3 } });
  });

  it('whose client leaves and whose provider stalls is estimated after the drain', async () => {
    world.openai.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chatEvents('m', 'a b')[0]);
    };
    const controller = new AbortController();
    const response = await fetch(`${world.ready.gateway}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify(STREAM),
      signal: controller.signal,
    });
    controller.abort();
    const { outcome } = await record(response.headers.get('x-talos-receipt'));
    expect(outcome).toMatchObject({ status: 'cancelled', usage: { estimated: true } });
  });

  it('ends when its capability is revoked, in an error of the protocol', async () => {
    const own = await world.key();
    world.openai.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chatEvents('m', 'a b')[0]);
    };
    const response = await fetch(`${world.ready.gateway}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${own}` },
      body: JSON.stringify(STREAM),
    });
    await world.kernel.revoke({ lid: parseBearerKey(own, crypto).chain.links[0]!.lid });
    expect(await response.text()).toContain('"code":"REVOKED"');
    const { outcome } = await record(response.headers.get('x-talos-receipt'));
    expect(outcome.status).toBe('revoked_during');
  });
});

// LLM-6, LLM-7
describe('a budget', () => {
  const limited = (amount: number) =>
    world.key(undefined, [{ per: 'day', cost: { amount, currency: 'USD' } }]);
  const ask = (own: string, more: object = {}) =>
    post({ ...ASK, max_tokens: 3, ...more }, { authorization: `Bearer ${own}` });

  it('is spent by what calls come to, and refuses what could exceed it', async () => {
    // One call holds about 1,160 for what it reads and 30 for what it writes, and comes to 42.
    const own = await limited(1_500);
    for (let calls = 0; calls < 5; calls += 1) {
      const answer = await ask(own);
      expect(answer.status, answer.text).toBe(200);
      await record(answer.headers.get('x-talos-receipt'));
    }
    const refused = await ask(own, { max_tokens: 200 });
    expect([refused.status, refused.body.error.code]).toEqual([402, 'BUDGET_EXCEEDED']);
    expect(world.openai.asked).toHaveLength(5);
  });

  it('is never overspent by calls that come together', async () => {
    const own = await limited(5_000);
    let refused = 0;
    // No call ends, and gives back what it does not need, before all of them have been decided.
    world.openai.answer = async (response, asked) => {
      while (world.openai.asked.length + refused < 20)
        await new Promise((resolve) => setTimeout(resolve, 10));
      await chatAnswer('x')(response, asked);
    };
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const answer = await ask(own);
        if (answer.status !== 200) refused += 1;
        return answer;
      }),
    );
    const allowed = answers.filter(({ status }) => status === 200).length;
    expect(allowed).toBeGreaterThan(0);
    expect(allowed).toBeLessThan(5);
    expect(answers.filter(({ status }) => status === 402)).toHaveLength(20 - allowed);
  });

  it('puts a maximum into a request that names none, so that what is held is the most', async () => {
    const own = await limited(1_000_000);
    const answer = await post(ASK, { authorization: `Bearer ${own}` });
    expect(answer.status).toBe(200);
    expect(world.openai.asked[0]?.body.max_tokens).toBe(8192);
  });

  it('refuses what has no price', async () => {
    const own = await limited(1_000_000);
    const answer = await ask(own, { model: 'no-price' });
    expect([answer.status, answer.body.error.code]).toEqual([403, 'POLICY_DENIED']);
    expect(answer.body.error.hint).toContain('no price');
    expect((await ask(own, { tools: [{ type: 'web_search' }] })).body.error.code).toBe('POLICY_DENIED');
    expect(world.openai.asked).toEqual([]);
  });

  it('of tokens counts what was read and written', async () => {
    const own = await world.key(undefined, [{ per: 'total', tokens: 1_300 }]);
    for (let calls = 0; calls < 3; calls += 1) await record((await ask(own)).headers.get('x-talos-receipt'));
    expect((await ask(own, { max_tokens: 500 })).body.error.code).toBe('BUDGET_EXCEEDED');
    world.openai.asked.length = 0;
    // What it finds would be read, as much as it finds.
    expect((await ask(own, { tools: [{ type: 'web_search' }] })).body.error.code).toBe('POLICY_DENIED');
    expect(world.openai.asked).toEqual([]);
  });
});

describe('no key of a provider', () => {
  it('is in what the platform logged, or in its log of evidence', async () => {
    const bundle = Buffer.from(await world.audit.bundle()).toString('latin1');
    for (const secret of Object.values(PROVIDER_KEYS)) {
      expect(world.log.join('')).not.toContain(secret);
      expect(bundle).not.toContain(secret);
    }
  });
});
