import { createHash } from 'node:crypto';
import Anthropic from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import OpenAI, { AzureOpenAI } from 'openai';
import { makeParseableResponseFormat, makeParseableTool } from 'openai/lib/parser';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  chatAnswer,
  chatCallAnswer,
  chatEvents,
  type FakeProvider,
  messageAnswer,
  sendEvents,
  sendJson,
  wholeMessage,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { type LlmWorld, openLlmWorld } from '../support/llm-world.js';

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
const HI = { role: 'user' as const, content: 'hi' };
const ASK = { model: 'gpt-4o-mini', messages: [HI] };
const ASK_CLAUDE = { model: 'claude-sonnet-4-5', max_tokens: 100, messages: [HI] };
const hash = (text: string) => createHash('sha256').update(text).digest('hex');

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${world.ready.gateway}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
    body: text,
  });
  const told = await response.text();
  return { status: response.status, headers: response.headers, text: told, body: tryJson(told), sent: text };
}

function tryJson(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const chat = (...messages: object[]) => post('/v1/chat/completions', { ...ASK, messages: [HI, ...messages] });
const message = (content: object[], more: object = {}) =>
  post('/anthropic/v1/messages', { ...ASK_CLAUDE, messages: [{ role: 'user', content }], ...more });

// LLM-4
describe('what an official client read, sent back as history', () => {
  const CALL = { name: 'add', arguments: '{"a":1}' };

  it('of OpenAI goes on as it was read, without what its library parsed', async () => {
    const format = makeParseableResponseFormat(
      { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' }, strict: true } },
      (text) => ({ said: text }),
    );
    const first = await openai().chat.completions.parse({ ...ASK, response_format: format });
    const { message: said } = first.choices[0]!;
    expect(said.parsed).toEqual({ said: 'hello there' });
    await openai().chat.completions.create({ ...ASK, messages: [HI, said, HI] });
    expect(world.openai.asked.at(-1)?.body.messages).toEqual([
      HI,
      { role: 'assistant', content: 'hello there' },
      HI,
    ]);
  });

  it('of OpenAI goes on with its calls, without their parsed arguments', async () => {
    world.openai.answer = chatCallAnswer(CALL);
    const parameters = { type: 'object', properties: {}, additionalProperties: false };
    const tool = makeParseableTool<{ name: string; arguments: { a: number } }>(
      { type: 'function', function: { name: 'add', parameters, strict: true } },
      { callback: undefined, parser: (text) => JSON.parse(text) },
    );
    const first = await openai().chat.completions.parse({ ...ASK, tools: [tool] });
    const { message: said } = first.choices[0]!;
    expect(said.tool_calls![0]!.function.parsed_arguments).toEqual({ a: 1 });
    const result = { role: 'tool' as const, tool_call_id: 'call_1', content: '1' };
    await openai().chat.completions.create({ ...ASK, messages: [HI, said, result] });
    const [, sent] = world.openai.asked.at(-1)!.body.messages;
    expect(sent).toEqual({
      role: 'assistant',
      content: null,
      tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: CALL }],
    });
  });

  it('as Python dumps it goes on without its nulls, and both hashes are of what was sent', async () => {
    const dumped = {
      ...{ content: 'x', refusal: null, role: 'assistant', annotations: null, audio: null },
      ...{ function_call: null, tool_calls: null, parsed: null },
    };
    const answer = await chat(dumped, HI);
    expect(answer.status, answer.text).toBe(200);
    const { body } = world.openai.asked.at(-1)!;
    expect(body.messages[1]).toEqual({ content: 'x', role: 'assistant' });
    const { decision } = await world.record(answer.headers.get('x-talos-receipt'));
    const { entries } = JSON.parse(Buffer.from(await world.audit.bundle()).toString()) as {
      entries: { event: { id: string }; disclosures?: { pointer: string; value: unknown }[] }[];
    };
    const disclosed = entries.find(({ event }) => event.id === decision.id)?.disclosures ?? [];
    const opened = Object.fromEntries(disclosed.map(({ pointer, value }) => [pointer, value]));
    expect(opened['/request_hash']).toBe(hash(answer.sent));
    expect(opened['/forwarded_hash']).toBe(hash(JSON.stringify(body)));
  });

  it('of Gemini goes on with the signatures of its thoughts, of words and of calls', async () => {
    const [google, vertex] = [
      { google: { thought_signature: 'c2ln', thought: true } },
      { vertex: { thought_signature: 'c2ln' } },
    ];
    const words = { role: 'assistant', content: 'x', extra_content: google };
    const call = { id: 'c', type: 'function', function: CALL, extra_content: vertex };
    const calls = { role: 'assistant', content: null, tool_calls: [call] };
    const found = { role: 'tool', tool_call_id: 'c', content: '2' };
    expect((await chat(words, HI, calls, found)).status).toBe(200);
    expect(world.openai.asked.at(-1)?.body.messages).toEqual([HI, words, HI, calls, found]);
  });

  it.each<[string, object]>([
    ['messages.audio', { role: 'assistant', content: 'x', audio: { id: 'audio_1' } }],
    ['messages.parsed_output', { role: 'assistant', content: 'x', parsed_output: {} }],
    [
      'tool_calls.function.other',
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c', type: 'function', function: { ...CALL, other: 1 } }],
      },
    ],
    [
      'tool_calls.extra_content.google.file',
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c', type: 'function', function: CALL, extra_content: { google: { file: 'f' } } }],
      },
    ],
    ['messages.extra_content.other', { role: 'assistant', content: 'x', extra_content: { other: {} } }],
  ])('is refused with %s, and its hint is one that helps', async (caveat, said) => {
    const answer = await chat(said, HI);
    expect([answer.status, answer.body.error]).toMatchObject([403, { code: 'POLICY_DENIED', caveat }]);
    expect(answer.body.error.hint).toContain('without it');
    expect(answer.body.error.hint).not.toContain('`fields`');
    const top = await post('/v1/chat/completions', { ...ASK, other: null });
    expect(top.body.error.hint).toContain('`fields` of the provider');
    expect(world.openai.asked).toEqual([]);
  });

  it('of Anthropic goes on without nulls and what its library parsed', async () => {
    const said = [
      { type: 'text', text: 'x', citations: null, parsed_output: { a: 1 } },
      { type: 'tool_use', id: 't', name: 'add', input: { a: null }, caller: null },
      { type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'y', citations: null }] },
    ];
    const system = [{ type: 'text', text: 'z', cache_control: null }];
    const answer = await message(said, { system });
    expect(answer.status, answer.text).toBe(200);
    const { body } = world.anthropic.asked.at(-1)!;
    expect(body.system).toEqual([{ type: 'text', text: 'z' }]);
    expect(body.messages[0].content).toEqual([
      { type: 'text', text: 'x' },
      { type: 'tool_use', id: 't', name: 'add', input: { a: null } },
      { type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'y' }] },
    ]);
    const refused = await message([{ type: 'text', text: 'x', file_id: 'f' }]);
    expect([refused.status, refused.body.error.caveat]).toEqual([403, 'text.file_id']);
  });
});

// LLM-4, LLM-5, LLM-9
describe('the beta client of Anthropic', () => {
  const callsThenSays: FakeProvider['answer'] = (response, asked) => {
    const isTold = JSON.stringify(asked.body.messages).includes('tool_result');
    if (isTold) return messageAnswer('it is 3')(response, asked);
    const content = [{ type: 'tool_use', id: 'toolu_1', name: 'add', input: { a: 1, b: 2 } }];
    sendJson(response, 200, { ...wholeMessage('m', ''), content, stop_reason: 'tool_use' });
  };
  const add = () =>
    betaTool({
      name: 'add',
      description: 'adds',
      inputSchema: {
        type: 'object',
        properties: { a: { type: 'number' }, b: { type: 'number' } },
        required: ['a', 'b'],
      } as const,
      run: ({ a, b }) => String(a + b),
    });

  it('runs tools by its defaults, without a thread at the provider', async () => {
    world.anthropic.answer = callsThenSays;
    const runner = anthropic().beta.messages.toolRunner({ ...ASK_CLAUDE, tools: [add()] });
    const { content } = await runner.runUntilDone();
    expect(content).toMatchObject([{ type: 'text', text: 'it is 3' }]);
    expect(world.anthropic.asked).toHaveLength(2);
    for (const { body } of world.anthropic.asked) expect(body).not.toHaveProperty('thread');
    expect(world.anthropic.asked[1]?.body.messages).toHaveLength(3);
  });

  it('is told of a thread as its provider tells it', async () => {
    const asked = anthropic().beta.messages.create({ ...ASK_CLAUDE, thread: { type: 'create' } });
    const refused = await asked.catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Anthropic.BadRequestError);
    expect(refused).toMatchObject({
      status: 400,
      errorCode: 'thread_unsupported_request',
      error: { error: { type: 'invalid_request_error', code: 'POLICY_DENIED', caveat: 'thread' } },
    });
    expect(world.anthropic.asked).toEqual([]);
  });

  it('has betas passed on that keep and cost nothing, and others refused', async () => {
    const betas = ['interleaved-thinking-2025-05-14', 'fine-grained-tool-streaming-2025-05-14'];
    await anthropic().beta.messages.create({ ...ASK_CLAUDE, betas });
    await anthropic().beta.messages.parse(ASK_CLAUDE);
    await anthropic().messages.create(ASK_CLAUDE);
    expect(world.anthropic.asked.map(({ headers }) => headers['anthropic-beta'])).toEqual([
      betas.join(','),
      'structured-outputs-2025-12-15',
      undefined,
    ]);
    for (const [beta, code] of [
      ['context-1m-2025-08-07', 'POLICY_DENIED'],
      ['files-api-2025-04-14', 'POLICY_DENIED'],
      ['no such', 'MALFORMED'],
    ]) {
      const more = { 'anthropic-beta': `${betas[0]}, ${beta}` };
      const refused = await post('/anthropic/v1/messages', ASK_CLAUDE, more);
      expect(refused.body.error).toMatchObject({ code, hint: expect.stringContaining('anthropic-beta') });
    }
  });

  it('counts tokens', async () => {
    world.anthropic.answer = (response) => sendJson(response, 200, { input_tokens: 7 });
    const { model, messages } = ASK_CLAUDE;
    expect((await anthropic().beta.messages.countTokens({ model, messages })).input_tokens).toBe(7);
    expect(world.anthropic.asked[0]?.headers['anthropic-beta']).toBe('token-counting-2024-11-01');
  });

  // LLM-34
  it('is not given an answer again that was made with other betas', async () => {
    await world.configure((document) => {
      const { anthropic: own } = document.providers!;
      return { ...document, providers: { ...document.providers, anthropic: { ...own!, cacheSeconds: 60 } } };
    });
    const betas = ['interleaved-thinking-2025-05-14'];
    for (const more of [{}, {}, { betas }, { betas }])
      await anthropic().beta.messages.create({ ...ASK_CLAUDE, ...more });
    expect(world.anthropic.asked).toHaveLength(2);
    await world.configure((document) => {
      const { cacheSeconds: _, ...own } = document.providers!['anthropic']!;
      return { ...document, providers: { ...document.providers, anthropic: own } };
    });
  });

  it('may ask for the tier that it has without asking', async () => {
    for (const service_tier of ['auto', 'standard_only'] as const)
      await anthropic().messages.create({ ...ASK_CLAUDE, service_tier });
    expect(world.anthropic.asked).toHaveLength(2);
  });

  it('of OpenAI may say that its cache is the usual one, and no other', async () => {
    const usual = { ...ASK, prompt_cache_retention: 'in_memory' as const };
    await openai().chat.completions.create(usual);
    expect(world.openai.asked.at(-1)?.body).toEqual(usual);
    const kept = await post('/v1/chat/completions', { ...ASK, prompt_cache_retention: '24h' });
    expect(kept.body.error.hint).toContain('would keep the request');
  });

  it.each<[string, string, object]>([
    ['speed', 'standard', { speed: 'fast' }],
    ['inference_geo', 'global', { inference_geo: 'us' }],
  ])('may say the usual %s, and no other, whatever the operator adds', async (name, usual, dear) => {
    const added = (fields: string[]) =>
      world.configure((document) => {
        const own = { ...document.providers!['anthropic']!, fields };
        return { ...document, providers: { ...document.providers, anthropic: own } };
      });
    const content = [{ type: 'text', text: 'hi' }];
    for (const fields of [[], [name]]) {
      await added(fields);
      for (const value of [usual, null]) {
        const answer = await message(content, { [name]: value });
        expect(answer.status, answer.text).toBe(200);
      }
      const refused = await message(content, dear);
      expect([refused.status, refused.body.error]).toMatchObject([403, { caveat: name }]);
      expect(refused.body.error.hint).toContain('it changes the price');
    }
    await added([]);
    expect(world.anthropic.asked).toHaveLength(4);
  });
});

// LLM-9
describe('a request that cannot be read', () => {
  const OPENAI = '/v1/chat/completions';
  const ANTHROPIC = '/anthropic/v1/messages';

  it.each<[string, string, object]>([
    ['a lone surrogate', '{"a":"\\ud800"}', { status: 400, hint: 'cut in half' }],
    ['a large seed', '{"seed":9007199254740993}', { status: 400, hint: '2^53-1' }],
    ['a byte order mark', '\ufeff{}', { status: 400, hint: 'byte order mark' }],
    ['a member twice', '{"a":1,"a":2}', { status: 400, hint: 'send one' }],
    ['no JSON', '{"a":', { status: 400, hint: 'one JSON object' }],
  ])('says what helps: %s', async (_, sent, { status, hint }: { status?: number; hint?: string }) => {
    for (const path of [OPENAI, ANTHROPIC]) {
      const { status: told, body } = await post(path, sent);
      expect([told, body.error]).toMatchObject([
        status,
        { type: 'invalid_request_error', code: 'MALFORMED' },
      ]);
      expect(body.error.hint).toContain(hint);
      expect(body.error.hint).not.toContain('credential');
    }
  });

  it('is told with the type that its protocol has', async () => {
    for (const path of [OPENAI, ANTHROPIC]) {
      const { status, body } = await post(path, '{}', { 'content-type': 'text/plain' });
      expect([status, body.error.type]).toEqual([415, 'invalid_request_error']);
      expect(body.error.hint).toContain('Content-Type: application/json');
    }
  });

  it('is told in the form of its protocol what is wrong with the request itself, before anything is read of it', async () => {
    const two = { authorization: `Bearer ${key}`, 'x-api-key': key };
    const asked = { model: 'm', messages: [{ role: 'user' as const, content: 'x' }], max_tokens: 1 };
    const by = await openai()
      .chat.completions.create(asked, { headers: two })
      .catch((error: unknown) => error);
    expect(by).toMatchObject({ status: 400, code: 'MALFORMED', type: 'invalid_request_error' });
    expect(String(by)).toContain('more than one credential');
    const also = await anthropic()
      .messages.create(asked, { headers: { ...two, origin: 'https://elsewhere.example' } })
      .catch((error: unknown) => error);
    expect(also).toMatchObject({ status: 400, error: { type: 'error' } });
    const page = await anthropic()
      .messages.create(asked, { headers: { origin: 'https://elsewhere.example' } })
      .catch((error: unknown) => error);
    expect(page).toMatchObject({ status: 403, type: 'permission_error' });
    expect(String(page)).toContain('ORIGIN_REFUSED');
  });

  it('is told in the form of its protocol where nothing is served', async () => {
    const gone = await openai()
      .post('/nothing', { body: {} })
      .catch((error: unknown) => error);
    expect(gone).toBeInstanceOf(OpenAI.NotFoundError);
    expect(gone).toMatchObject({ code: 'NOT_FOUND', type: 'invalid_request_error' });
    expect(String(gone)).toContain('POST /v1/chat/completions');
    const wrong = await openai()
      .get('/chat/completions')
      .catch((error: unknown) => error);
    expect(wrong).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' });
    const also = await anthropic()
      .post('/v1/nothing', { body: {} })
      .catch((error: unknown) => error);
    expect(also).toBeInstanceOf(Anthropic.NotFoundError);
    expect(also).toMatchObject({ type: 'not_found_error', error: { type: 'error' } });
    const azure = new AzureOpenAI({
      apiKey: key,
      endpoint: world.ready.gateway,
      apiVersion: '2024-10-21',
      maxRetries: 0,
    });
    await expect(azure.chat.completions.create(ASK)).rejects.toMatchObject({
      status: 404,
      code: 'NOT_FOUND',
    });
    const plain = await fetch(`${world.ready.gateway}/v1/nothing`);
    expect([plain.status, plain.headers.get('x-should-retry')]).toEqual([404, 'false']);
    const elsewhere = await fetch(`${world.ready.gateway}/nothing`);
    expect(elsewhere.headers.get('content-type')).toBe('application/problem+json');
  });
});

// LLM-8
describe('a stream of a chat', () => {
  const answers = (events: readonly string[]) => {
    world.openai.answer = (response) => sendEvents(response, events);
  };
  const raw = (more: object = {}) => post('/v1/chat/completions', { ...ASK, stream: true, ...more });
  const outcomeOf = async ({ headers }: { headers: Headers }) =>
    (await world.record(headers.get('x-talos-receipt'))).outcome;

  it('that ends after its count without saying so is completed, and its client is told the end', async () => {
    answers(chatEvents('m', 'a b').slice(0, -1));
    const answer = await raw({ stream_options: { include_usage: true } });
    expect(answer.text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(await outcomeOf(answer)).toMatchObject({ status: 'completed', usage: { input: 12, output: 3 } });
    const stream = openai().chat.completions.stream(ASK);
    expect((await stream.finalChatCompletion()).choices[0]?.message.content).toBe('a b');
  });

  // LLM-32
  it('that is told as one of messages has its end there too', async () => {
    await world.configure((document) => {
      const { openai: own } = document.providers!;
      return { ...document, providers: { ...document.providers, openai: { ...own!, translate: true } } };
    });
    answers(chatEvents('m', 'a b').slice(0, -1));
    const stream = anthropic().messages.stream({ ...ASK_CLAUDE, model: 'openai/gpt-4o-mini' });
    expect(await stream.finalText()).toBe('a b');
    expect((await stream.finalMessage()).usage.output_tokens).toBe(3);
    await world.configure((document) => {
      const { translate: _, ...own } = document.providers!['openai']!;
      return { ...document, providers: { ...document.providers, openai: own } };
    });
  });

  it.each<[string, string[], object]>([
    ['a reason to end', chatEvents('m', 'a b').filter((one) => !/"stop"|DONE/.test(one)), {}],
    ['its count', chatEvents('m', 'a b', null).slice(0, -1), {}],
    ['a reason to end for each answer', chatEvents('m', 'a b').slice(0, -1), { n: 2 }],
  ])('that ends without %s has failed', async (_, events, more) => {
    answers(events);
    const answer = await raw(more);
    expect(answer.text).toContain('UPSTREAM_FAILED');
    expect(answer.text).not.toContain('[DONE]');
    expect((await outcomeOf(answer)).status).toBe('failed');
  });

  it('hides a count that nobody asked for, wherever its provider puts it, and nothing else', async () => {
    const usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 };
    const last = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage, extra: 'é' };
    const events = [...chatEvents('m', 'a b').slice(0, 3), `data: ${JSON.stringify(last)}\n\n`];
    answers([...events, 'data: [DONE]\n\n']);
    const hidden = await raw();
    const { usage: _, ...rest } = last;
    expect(hidden.text).toContain(`data: ${JSON.stringify(rest)}\n\n`);
    expect(hidden.text).not.toContain('prompt_tokens');
    expect((await outcomeOf(hidden)).usage).toMatchObject({ input: 12, output: 3 });
    expect((await raw({ stream_options: { include_usage: true } })).text).toContain('"prompt_tokens":12');
    // Also where it does not say its end.
    answers(events);
    const cut = await raw();
    expect(cut.text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect((await outcomeOf(cut)).status).toBe('completed');
  });
});

// LLM-1, LLM-6
describe('a picture', () => {
  const picture = (bytes: number) => Buffer.alloc(bytes, 7).toString('base64');
  const url = (data: string) => `data:image/png;base64,${data}`;
  const see = (data: string) => ({
    ...ASK,
    max_tokens: 1,
    messages: [
      { role: 'user' as const, content: [{ type: 'image_url' as const, image_url: { url: url(data) } }] },
    ],
  });

  it('of three megabytes passes, and is held for by what a picture counts as', async () => {
    const data = picture(3_000_000);
    const { response } = await openai().chat.completions.create(see(data)).withResponse();
    expect(world.openai.asked[0]?.body.messages[0].content[0].image_url.url).toHaveLength(data.length + 22);
    const { decision } = await world.record(response.headers.get('x-talos-receipt'));
    // 50,000 for it, 1,024 and the rest of the request at a dollar a million, one token at ten.
    expect(decision.held!.amount).toBeGreaterThan(51_000);
    expect(decision.held!.amount).toBeLessThan(52_000);
    const source = { type: 'base64' as const, media_type: 'image/png' as const, data };
    const content = [{ type: 'image' as const, source }];
    const also = await anthropic()
      .messages.create({ ...ASK_CLAUDE, max_tokens: 1, messages: [{ role: 'user', content }] })
      .withResponse();
    const held = (await world.record(also.response.headers.get('x-talos-receipt'))).decision.held!;
    expect(held.amount).toBeLessThan(70_000);
  });

  it('too large is told so in each protocol, and of a refused caller none is read', async () => {
    const { status, body } = await post('/v1/chat/completions', see(picture(13_000_000)));
    expect([status, body.error.type]).toEqual([413, 'invalid_request_error']);
    expect(body.error.hint).toMatch(/16777216 bytes.*limits\.modelBodyBytes/);
    const also = await post('/anthropic/v1/messages', `"${'x'.repeat(17_000_000)}"`);
    expect([also.status, also.body.error.type]).toEqual([413, 'request_too_large']);
    const nobody = await post('/v1/chat/completions', see(picture(3_000_000)), {
      authorization: 'Bearer sk-nobody',
    });
    expect(nobody.status).toBe(401);
  });

  it('of a session, which shows by its body who sent it, may be as large as any body', async () => {
    const agent = await world.agent();
    const ask = (bytes: number) =>
      agent.fetch(`${world.ready.gateway}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(see(picture(bytes))),
      });
    expect((await ask(600_000)).status).toBe(200);
    expect((await ask(1_200_000)).status).toBe(413);
  });
});
