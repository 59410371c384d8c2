import { createHash } from 'node:crypto';
import Anthropic from '@anthropic-ai/sdk';
import { LLMock } from '@copilotkit/aimock';
import type { Bundle } from '@talosprotocol/contracts';
import { verifyBundle } from '@talosprotocol/protocol';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bedrockAnswer } from '../../packages/server/src/gateway/llm/testing/fake-bedrock.js';
import {
  chatAnswer,
  chatCallAnswer,
  chatEvents,
  type FakeProvider,
  messageAnswer,
  messageEvents,
  openFakeProvider,
  sendEvents,
  sendJson,
  wholeMessage,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { type LlmWorld, openLlmWorld, RATES } from '../support/llm-world.js';
import { crypto } from '../support/world.js';

let world: LlmWorld;
let mock: LLMock;
let bedrock: FakeProvider;
let key: string;

/** An answer of the stand-in, which speaks both protocols, by another hand than ours. */
const USAGE = {
  prompt_tokens: 21,
  input_tokens: 21,
  completion_tokens: 8,
  output_tokens: 8,
  total_tokens: 29,
};
const PICTURE = { type: 'base64' as const, media_type: 'image/png' as const, data: 'iVBORw0KGgo=' };

beforeAll(async () => {
  mock = await LLMock.create({ port: 0 });
  const result = { hasToolResult: true };
  mock.on({ userMessage: 'add', ...result }, { content: 'it is three', usage: USAGE });
  mock.on(
    { userMessage: 'add' },
    { content: 'I add', toolCalls: [{ name: 'add', arguments: '{"a":1,"b":2}' }], usage: USAGE },
  );
  mock.on({ userMessage: /.*/ }, { content: 'good day, said the model', usage: USAGE });
  world = await openLlmWorld();
  bedrock = await openFakeProvider();
  const models = { m: { rates: RATES } };
  const quick = { firstByteSeconds: 2, idleSeconds: 2, totalSeconds: 8, drainSeconds: 2, translate: true };
  await world.configure((document) => {
    const { openai, anthropic } = document.providers!;
    return {
      ...document,
      providers: {
        'own-openai': openai!,
        openai: { ...openai!, translate: true },
        anthropic: { ...anthropic!, translate: true },
        bedrock: {
          ...quick,
          ...{ api: 'anthropic', host: 'aws', region: 'us-east-1', baseUrl: bedrock.url },
          models: { 'anthropic.claude:0': { rates: RATES } },
        },
        'mock-openai': { ...quick, api: 'openai', baseUrl: `${mock.url}/v1`, models },
        'mock-anthropic': { ...quick, api: 'anthropic', baseUrl: `${mock.url}/v1`, models },
      },
      aliases: {
        either: { models: [{ model: 'anthropic/claude-sonnet-4-5' }, { model: 'openai/gpt-4o-mini' }] },
        claude: { models: [{ model: 'anthropic/claude-sonnet-4-5' }] },
      },
    };
  });
  key = await world.key();
});
afterAll(async () => {
  await world?.close();
  await mock?.stop();
  await bedrock?.close();
});
beforeEach(() => {
  world.openai.answer = chatAnswer('hello there');
  world.anthropic.answer = messageAnswer('good day');
  world.openai.asked.length = 0;
  world.anthropic.asked.length = 0;
  mock.clearRequests();
});

const openai = (apiKey = key) => new OpenAI({ apiKey, baseURL: `${world.ready.gateway}/v1`, maxRetries: 0 });
const anthropic = (apiKey = key) =>
  new Anthropic({ apiKey, baseURL: `${world.ready.gateway}/anthropic`, maxRetries: 0 });
const HI = { role: 'user' as const, content: 'hi' };
const SCHEMA = {
  type: 'object' as const,
  properties: { a: { type: 'number' }, b: { type: 'number' } },
  required: ['a', 'b'],
};
const PATHS = { chat: '/v1/chat/completions', messages: '/anthropic/v1/messages' } as const;
const CLAUDE = { model: 'claude-sonnet-4-5', messages: [HI] };
const GPT = { model: 'gpt-4o-mini', max_tokens: 100, messages: [HI] };

async function post(protocol: keyof typeof PATHS, body: object, apiKey = key) {
  const response = await fetch(`${world.ready.gateway}${PATHS[protocol]}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const { status, headers } = response;
  return {
    status,
    headers,
    text,
    receipt: headers.get('x-talos-receipt'),
    cost: headers.get('x-talos-cost'),
  };
}

/** What a client makes of an answer. */
interface Heard {
  readonly text: string;
  readonly calls: readonly { readonly name: string; readonly input: unknown }[];
  readonly end: string | null;
  readonly read: number;
  readonly written: number;
}

/** A conversation in which a tool is called, as a client of OpenAI has it. */
async function chatOf(model: string, stream: boolean, content: string): Promise<Heard[]> {
  const tools = [{ type: 'function' as const, function: { name: 'add', parameters: SCHEMA } }];
  const url = `data:${PICTURE.media_type};base64,${PICTURE.data}`;
  const messages: OpenAI.ChatCompletionMessageParam[] = [
    { role: 'system', content: 'be brief' },
    {
      role: 'user',
      content: [
        { type: 'text', text: content },
        { type: 'image_url', image_url: { url } },
      ],
    },
  ];
  const heard: Heard[] = [];
  for (;;) {
    const asked = { model, messages, tools, max_tokens: 100 };
    const answer = stream
      ? await openai()
          .chat.completions.stream({ ...asked, stream_options: { include_usage: true } })
          .finalChatCompletion()
      : await openai().chat.completions.create(asked);
    const [{ message, finish_reason: end } = expect.fail('no answer')] = answer.choices;
    const calls = (message.tool_calls ?? []).flatMap((call) => (call.type === 'function' ? [call] : []));
    heard.push({
      text: message.content ?? '',
      calls: calls.map(({ function: own }) => ({ name: own.name, input: JSON.parse(own.arguments) })),
      end: { stop: 'end', tool_calls: 'call' }[end as string] ?? end,
      read: answer.usage?.prompt_tokens ?? -1,
      written: answer.usage?.completion_tokens ?? -1,
    });
    if (calls.length === 0) return heard;
    const { parsed: _, ...said } = message as typeof message & { parsed?: unknown };
    messages.push(said);
    for (const { id } of calls) messages.push({ role: 'tool', tool_call_id: id, content: '3' });
  }
}

/** The same, as a client of Anthropic has it. */
async function messagesOf(model: string, stream: boolean, content: string): Promise<Heard[]> {
  const tools = [{ name: 'add', input_schema: SCHEMA }];
  const messages: Anthropic.MessageParam[] = [
    {
      role: 'user',
      content: [
        { type: 'text', text: content },
        { type: 'image', source: PICTURE },
      ],
    },
  ];
  const heard: Heard[] = [];
  for (;;) {
    const asked = { model, messages, tools, system: 'be brief', max_tokens: 100 };
    const answer = stream
      ? await anthropic().messages.stream(asked).finalMessage()
      : await anthropic().messages.create(asked);
    const calls = answer.content.flatMap((block) => (block.type === 'tool_use' ? [block] : []));
    heard.push({
      text: answer.content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
      calls: calls.map(({ name, input }) => ({ name, input })),
      end: { end_turn: 'end', tool_use: 'call' }[answer.stop_reason as string] ?? answer.stop_reason,
      read: answer.usage.input_tokens,
      written: answer.usage.output_tokens,
    });
    if (calls.length === 0) return heard;
    const results = calls.map(({ id }) => ({ type: 'tool_result' as const, tool_use_id: id, content: '3' }));
    messages.push({ role: 'assistant', content: answer.content }, { role: 'user', content: results });
  }
}

// LLM-30 to LLM-33
describe.each([
  ['OpenAI', chatOf, 'mock-openai/m', 'mock-anthropic/m', '/v1/messages'],
  ['Anthropic', messagesOf, 'mock-anthropic/m', 'mock-openai/m', '/v1/chat/completions'],
] as const)('the official client of %s', (_, converse, own, other, path) => {
  it.each([false, true])(
    'hears of the other protocol what it hears of its own, as a stream: %s',
    async (stream) => {
      for (const content of ['hi', 'add one and two']) {
        const [native, translated] = [
          await converse(own, stream, content),
          await converse(other, stream, content),
        ];
        expect(translated).toEqual(native);
        expect(native.map(({ end }) => end)).toEqual(content === 'hi' ? ['end'] : ['call', 'end']);
        expect(native[0]).toMatchObject({ read: 21, written: 8 });
      }
      const asked = mock.getRequests().filter(({ path: one }) => one === path);
      expect(asked).toHaveLength(3);
      expect(asked.map(({ response }) => response.status)).toEqual([200, 200, 200]);
    },
  );
});

// LLM-30, LLM-31
describe('a call that is translated', () => {
  it('of a chat is told to its provider as messages, all of it', async () => {
    world.anthropic.answer = messageAnswer('good day');
    const { data, response } = await openai()
      .chat.completions.create({
        ...CLAUDE,
        messages: [{ role: 'developer', content: 'be brief' }, HI],
        temperature: 0.5,
        stop: 'x',
        user: 'u-1',
        parallel_tool_calls: false,
        tools: [{ type: 'function', function: { name: 'now' } }],
      })
      .withResponse();
    expect(world.anthropic.asked).toHaveLength(1);
    const [asked] = world.anthropic.asked;
    expect(asked?.path).toBe('/v1/messages');
    expect(asked?.headers['anthropic-version']).toBe('2023-06-01');
    expect(asked?.body).toEqual({
      model: 'claude-sonnet-4-5',
      system: 'be brief',
      messages: [HI],
      // What the operator lets an answer be that nobody bounds.
      max_tokens: 8192,
      temperature: 0.5,
      stop_sequences: ['x'],
      metadata: { user_id: 'u-1' },
      tools: [{ name: 'now', input_schema: { type: 'object', properties: {} } }],
      tool_choice: { type: 'auto', disable_parallel_tool_use: true },
    });
    expect(data.choices[0]).toMatchObject({ message: { content: 'good day' }, finish_reason: 'stop' });
    // 10 plain, 4 from a cache and 2 into it: a chat counts them as one.
    expect(data.usage).toMatchObject({
      prompt_tokens: 16,
      completion_tokens: 5,
      total_tokens: 21,
      prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 2 },
    });
    expect(response.headers.get('x-talos-model')).toBe('anthropic/claude-sonnet-4-5');
  });

  it('of messages is told to its provider as a chat, all of it', async () => {
    const { data, response } = await anthropic()
      .messages.create({ ...GPT, system: 'be brief', stop_sequences: ['x'], tool_choice: { type: 'any' } })
      .withResponse();
    expect(world.openai.asked[0]?.path).toBe('/v1/chat/completions');
    expect(world.openai.asked[0]?.body).toEqual({
      model: 'gpt-4o-mini',
      messages: [{ role: 'system', content: 'be brief' }, HI],
      max_tokens: 100,
      stop: ['x'],
      tool_choice: 'required',
    });
    expect(data).toMatchObject({
      type: 'message',
      content: [{ type: 'text', text: 'hello there' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 12, output_tokens: 3 },
    });
    expect(response.headers.get('x-talos-cost')).toBe('42 USD');
  });

  it('goes to whatever host its provider has', async () => {
    bedrock.answer = bedrockAnswer('good day to you');
    for (const stream of [false, true]) {
      const { text } = await post('chat', { ...CLAUDE, model: 'bedrock/anthropic.claude:0', stream });
      expect([...text.matchAll(/"content":"([^"]*)"/g)].map(([, one]) => one).join('')).toBe(
        'good day to you',
      );
      expect(bedrock.asked.at(-1)?.path).toMatch(/^\/model\/anthropic.claude%3A0\/invoke/);
      expect(bedrock.asked.at(-1)?.body).toMatchObject({
        anthropic_version: 'bedrock-2023-05-31',
        messages: [HI],
      });
    }
  });

  // LLM-33
  it('costs and records what it would in the protocol of its provider', async () => {
    const native = await post('messages', { ...CLAUDE, max_tokens: 50 });
    for (const stream of [false, true]) {
      const body = { ...CLAUDE, max_tokens: 50, stream };
      const told = await post('chat', body);
      if (!stream) expect(told.cost).toBe(native.cost);
      const [one, other] = [await world.record(native.receipt), await world.record(told.receipt)];
      expect([other.outcome.cost, other.outcome.usage]).toEqual([one.outcome.cost, one.outcome.usage]);
      expect(other.decision.held?.currency).toBe('USD');
      expect(other.decision).toMatchObject({
        effect: 'allow',
        action: { method: 'chat/completions', provider: 'anthropic', model: 'claude-sonnet-4-5' },
      });
      const { entries } = JSON.parse(Buffer.from(await world.audit.bundle()).toString()) as Bundle;
      const disclosed = entries.find(({ event }) => event.id === other.decision.id)?.disclosures ?? [];
      const sealed = Object.fromEntries(disclosed.map(({ pointer, value }) => [pointer, value]));
      expect(sealed['/request_hash']).toBe(hash(JSON.stringify(body)));
      expect(sealed['/forwarded_hash']).toBe(hash(JSON.stringify(world.anthropic.asked.at(-1)?.body)));
    }
    const report = verifyBundle(await world.audit.bundle(), await world.trust(), crypto);
    expect(report.counts.allowed).toBeGreaterThan(2);
  });

  it('is counted in its stream for a chat that asks for it, and for no other', async () => {
    for (const wanted of [true, false]) {
      const { text } = await post('chat', {
        ...CLAUDE,
        stream: true,
        ...(wanted ? { stream_options: { include_usage: true } } : {}),
      });
      expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
      expect([text.includes('"prompt_tokens":16'), text.includes('usage')]).toEqual([wanted, wanted]);
    }
    const { text } = await post('messages', { ...GPT, stream: true });
    expect(text).toContain('"usage":{"input_tokens":12');
  });

  it('reaches no further than the capability, and is on record where it is refused', async () => {
    const narrow = await world.key([{ scope: 'llm:openai', ops: ['write'] }]);
    const refused = await post('chat', CLAUDE, narrow);
    expect([refused.status, JSON.parse(refused.text).error.code]).toEqual([403, 'SCOPE_MISMATCH']);
    const url = { type: 'image_url', image_url: { url: 'https://pictures.example/a.png' } };
    const fetching = { ...CLAUDE, messages: [{ role: 'user', content: [url] }] };
    const plain = await world.key([{ scope: 'llm:anthropic/model:claude-sonnet-4-5', ops: ['write'] }]);
    expect((await post('chat', CLAUDE, plain)).status).toBe(200);
    expect((await post('chat', fetching, plain)).status).toBe(200);
    expect(world.anthropic.asked.at(-1)?.body.messages[0].content[0].source).toEqual({
      type: 'url',
      url: 'https://pictures.example/a.png',
    });
  });

  it.each<[keyof typeof PATHS, object, string]>([
    ['chat', { ...CLAUDE, response_format: { type: 'json_object' } }, 'response_format'],
    ['chat', { ...CLAUDE, n: 2 }, 'n'],
    ['chat', { ...CLAUDE, zz: 1 }, 'zz'],
    ['chat', { ...CLAUDE, tools: [{ type: 'web_search' }] }, 'a tool of type web_search'],
    ['messages', { ...GPT, top_k: 5 }, 'top_k'],
    [
      'messages',
      { ...GPT, system: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral' } }] },
      'text.cache_control',
    ],
  ])('of %s that loses something is refused and on record: %j', async (protocol, body, member) => {
    const { status, text, receipt } = await post(protocol, body);
    expect(status).toBe(403);
    const { error } = JSON.parse(text);
    expect(error).toMatchObject({ code: 'POLICY_DENIED', caveat: member });
    expect(error.hint).toContain(member);
    expect(receipt).toMatch(/^rcp_/);
    expect([world.openai.asked, world.anthropic.asked]).toEqual([[], []]);
  });

  it('is not made where the operator does not let it, nor of what has no counterpart', async () => {
    const off = await post('messages', { ...GPT, model: 'own-openai/gpt-4o-mini' });
    expect([off.status, JSON.parse(off.text).error.code]).toEqual([404, 'UNKNOWN_MODEL']);
    expect(JSON.parse(off.text).error.hint).toContain('translate');
    const count = anthropic().messages.countTokens({ model: 'openai/gpt-4o-mini', messages: [HI] });
    await expect(count).rejects.toMatchObject({ status: 404 });
    const responses = openai().responses.create({ model: 'claude-sonnet-4-5', input: 'hi', store: false });
    await expect(responses).rejects.toMatchObject({ status: 404, code: 'UNKNOWN_MODEL' });
    expect([world.openai.asked, world.anthropic.asked]).toEqual([[], []]);
  });

  it('is held for and refused on a budget as any other', async () => {
    const capped = await world.key(undefined, [{ per: 'total', cost: { amount: 100, currency: 'USD' } }]);
    const refused = await post('chat', CLAUDE, capped);
    expect(JSON.parse(refused.text).error.code).toBe('BUDGET_EXCEEDED');
    expect(world.anthropic.asked).toEqual([]);
  });
});

// LLM-30
describe('models of the other protocol', () => {
  it('are listed where they may be used', async () => {
    const listed: string[] = [];
    for await (const { id } of openai().models.list()) listed.push(id);
    expect(listed).toEqual(
      expect.arrayContaining(['either', 'claude', 'claude-sonnet-4-5', 'mock-anthropic/m']),
    );
    const others: string[] = [];
    for await (const { id } of anthropic().models.list()) others.push(id);
    expect(others).toEqual(expect.arrayContaining(['either', 'claude', 'gpt-4o-mini', 'm']));
    expect(others).not.toContain('own-openai/gpt-4o-mini');
    // What would only be counted is not translated.
    const reader = await world.key([{ scope: 'llm:openai', ops: ['read'] }]);
    const none: string[] = [];
    for await (const { id } of anthropic(reader).models.list()) none.push(id);
    expect(none).toEqual([]);
  });

  it('stand behind an alias with models of its own, each asked in what it speaks', async () => {
    expect((await post('chat', { ...CLAUDE, model: 'either' })).headers.get('x-talos-model')).toMatch(
      /^anthropic/,
    );
    world.anthropic.answer = (response) => sendJson(response, 503, { type: 'error', error: {} });
    const next = await post('chat', { ...CLAUDE, model: 'either' });
    expect([next.status, next.headers.get('x-talos-model')]).toEqual([200, 'openai/gpt-4o-mini']);
    expect(next.text).toContain('hello there');
  });

  it('are passed over by what cannot be said to them, if another stands behind the alias', async () => {
    const json = { response_format: { type: 'json_object' } };
    const answer = await post('chat', { ...CLAUDE, model: 'either', ...json });
    expect([answer.status, answer.headers.get('x-talos-model')]).toEqual([200, 'openai/gpt-4o-mini']);
    expect(world.anthropic.asked).toEqual([]);
    const alone = await post('chat', { ...CLAUDE, model: 'claude', ...json });
    expect(JSON.parse(alone.text).error).toMatchObject({ code: 'POLICY_DENIED', caveat: 'response_format' });
  });
});

// LLM-32
describe('a provider of the other protocol', () => {
  it('that finds fault is heard in the protocol of the client', async () => {
    world.anthropic.answer = (response) =>
      sendJson(response, 400, {
        type: 'error',
        error: { type: 'invalid_request_error', message: 'too long' },
      });
    const fault = await openai()
      .chat.completions.create(CLAUDE)
      .catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(OpenAI.BadRequestError);
    expect(fault).toMatchObject({ status: 400, type: 'invalid_request_error', code: 'UPSTREAM_FAILED' });
    expect(String(fault)).toContain('too long');
    world.openai.answer = (response) => sendJson(response, 422, { error: { message: 'no such', type: 'x' } });
    const other = await anthropic()
      .messages.create(GPT)
      .catch((error: unknown) => error);
    expect(other).toMatchObject({
      status: 422,
      error: { type: 'error', error: { message: expect.any(String) } },
    });
    expect(String(other)).toContain('no such');
  });

  it('that says what the client cannot be told has worked for it all the same', async () => {
    world.openai.answer = chatCallAnswer({ name: 'add', arguments: '{"a":' });
    const { status, text, receipt } = await post('messages', GPT);
    expect(status).toBe(502);
    expect(JSON.parse(text)).toMatchObject({
      type: 'error',
      error: { type: 'api_error', code: 'UPSTREAM_FAILED' },
    });
    expect(JSON.parse(text).error.hint).toContain('arguments');
    const { outcome } = await world.record(receipt);
    expect(outcome).toMatchObject({
      status: 'failed',
      cost: { amount: 42 },
      usage: { input: 12, output: 3 },
    });
    expect(outcome.usage?.estimated).toBeUndefined();
  });

  it.each(['messages', 'chat'] as const)(
    'is paid once by an official client of %s, which asks again by itself',
    async (protocol) => {
      world.openai.answer = chatCallAnswer({ name: 'add', arguments: '{"a":' });
      world.anthropic.answer = (response) =>
        sendJson(response, 200, {
          ...wholeMessage('m', 'x'),
          content: [{ type: 'thinking', thinking: 'hm' }],
        });
      const gateway = world.ready.gateway;
      const asking =
        protocol === 'messages'
          ? new Anthropic({ apiKey: key, baseURL: `${gateway}/anthropic` }).messages.create(GPT)
          : new OpenAI({ apiKey: key, baseURL: `${gateway}/v1` }).chat.completions.create(CLAUDE);
      await expect(asking).rejects.toMatchObject({ status: 502 });
      expect(world.openai.asked.length + world.anthropic.asked.length).toBe(1);
    },
  );

  const message = (events: readonly object[]): FakeProvider['answer'] => {
    const texts = events.map((event) => `data: ${JSON.stringify(event)}\n\n`);
    return (response) => sendEvents(response, texts);
  };
  const [start, begun, , piece, , stopped] = messageEvents('m', 'good day') as readonly object[];
  const use = { ...begun, content_block: { type: 'tool_use', id: 'toolu_1', name: 'add', input: {} } };
  const input = (partial_json: string) => ({ ...piece, delta: { type: 'input_json_delta', partial_json } });
  it.each<[string, readonly object[]]>([
    ['ends early', messageEvents('m', 'a b').slice(0, 4)],
    ['has its events in another order', [start!, piece!]],
    ['thinks', [start!, { ...begun, content_block: { type: 'thinking', thinking: '' } }]],
    ['has arguments that are no JSON', [start!, use, input('{"a":'), stopped!]],
    ['has arguments without end', [start!, use, ...Array(17).fill(input('x'.repeat(65_536)))]],
    ['fails', [start!, { type: 'error', error: { type: 'overloaded_error', message: 'canary' } }]],
  ])('whose stream of messages %s ends in an error of a chat, which its client hears', async (_, events) => {
    world.anthropic.answer = message(events);
    const { text, receipt } = await post('chat', { ...CLAUDE, stream: true });
    expect(text).toContain('"code":"UPSTREAM_FAILED"');
    expect(text).not.toMatch(/\[DONE\]|canary|event: /);
    const { outcome } = await world.record(receipt);
    expect(outcome).toMatchObject({ status: 'failed', usage: { estimated: true } });
    expect(outcome.cost?.amount).toBeGreaterThan(0);
    const heard = (async () => {
      for await (const _ of await openai().chat.completions.create({ ...CLAUDE, stream: true }));
    })();
    await expect(heard).rejects.toBeInstanceOf(OpenAI.APIError);
  });

  const chunk = (delta: object) =>
    `data: ${JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`;
  const call = (index: number, text: string, more: object = {}) =>
    chunk({ tool_calls: [{ index, function: { arguments: text }, ...more }] });
  const first = call(0, '', { id: '1', function: { name: 'add', arguments: '' } });
  const last = chatEvents('m', 'x').slice(-3);
  it.each<[string, readonly string[]]>([
    ['ends early', chatEvents('m', 'a b').slice(0, 2)],
    ['says that it is over before it is', [chunk({ content: 'x' }), 'data: [DONE]\n\n']],
    ['is not counted', [...chatEvents('m', 'a b', null)]],
    ['reasons', [chunk({ reasoning_content: 'hm' })]],
    ['has calls out of their order', [call(1, '{}', { id: '1' })]],
    ['has arguments that are no JSON', [first, call(0, '{"a":'), ...last]],
    ['has arguments without end', [first, ...Array(17).fill(call(0, 'x'.repeat(65_536)))]],
  ])('whose stream of a chat %s ends in an error of messages, which its client hears', async (_, events) => {
    world.openai.answer = (response) => sendEvents(response, events);
    const { text, receipt } = await post('messages', { ...GPT, max_tokens: 10_000, stream: true });
    expect(text).toMatch(/event: error\ndata: \{"type":"error".*UPSTREAM_FAILED/);
    expect(text).not.toContain('message_stop');
    const { outcome } = await world.record(receipt);
    expect(outcome).toMatchObject({ status: 'failed' });
    expect(outcome.cost?.amount).toBeGreaterThan(0);
    const heard = anthropic()
      .messages.stream({ ...GPT, max_tokens: 10_000 })
      .finalMessage();
    await expect(heard).rejects.toThrow();
  });

  it('that writes more than was held for is cut', async () => {
    world.anthropic.answer = messageAnswer('a '.repeat(500));
    const { text, receipt } = await post('chat', { ...CLAUDE, max_tokens: 5, stream: true });
    expect(text).toContain('"code":"BUDGET_EXCEEDED"');
    expect(text).not.toContain('[DONE]');
    expect((await world.record(receipt)).outcome.status).toBe('failed');
  });
});

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
