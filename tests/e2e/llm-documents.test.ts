import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { HumanMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import type { Limit, ModelProvider, PolicyDocument } from '@talosprotocol/contracts';
import { generateText } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  chatAnswer,
  type FakeProvider,
  messageAnswer,
  responseAnswer,
  sendJson,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import {
  reasoningItem,
  responseItemsAnswer,
} from '../../packages/server/src/gateway/llm/testing/fake-responses.js';
import { type LlmWorld, openLlmWorld, RATES } from '../support/llm-world.js';

let world: LlmWorld;
let key: string;
beforeAll(async () => {
  world = await openLlmWorld();
  key = await world.key();
  await world.configure(withWindows);
});
afterAll(() => world?.close());
beforeEach(() => {
  world.openai.answer = (response, asked) =>
    (asked.path.endsWith('/responses') ? responseAnswer('hello there') : chatAnswer('hello there'))(
      response,
      asked,
    );
  world.anthropic.answer = messageAnswer('good day');
  world.openai.asked.length = 0;
  world.anthropic.asked.length = 0;
});

/** What a model of the price table takes is known, at whatever price; of others it is not. */
function withWindows(document: PolicyDocument): PolicyDocument {
  const { openai, anthropic } = document.providers as Record<'openai' | 'anthropic', ModelProvider>;
  const models = { ...openai.models, 'gpt-5.4': {}, 'gpt-5-mini': { rates: RATES } };
  return {
    ...document,
    providers: {
      openai: { ...openai, prices: 'openai', models, translate: true },
      anthropic: { ...anthropic, prices: 'anthropic', translate: true, betas: ['context-1m-2025-08-07'] },
      ours: { ...openai, models: { 'no-window': { rates: RATES }, small: { rates: RATES, window: 20_000 } } },
      router: { ...openai, prices: 'openrouter', models: { 'openai/gpt-4o': { rates: RATES } } },
    },
  };
}

const pdf = (words: string, bytes = 300) => Buffer.from(`%PDF-1.7 ${words}`.padEnd(bytes)).toString('base64');
const DATA = pdf('quarterly canary figures');
const url = (data = DATA) => `data:application/pdf;base64,${data}`;
const filePart = (data = DATA) => ({
  type: 'file' as const,
  file: { file_data: url(data), filename: 'a.pdf' },
});
const block = (data = DATA) => ({
  type: 'document' as const,
  source: { type: 'base64' as const, media_type: 'application/pdf' as const, data },
  title: 'a.pdf',
});
const WORDS = { type: 'text' as const, text: 'what does it say?' };
const chat = (...parts: (typeof WORDS | ReturnType<typeof filePart>)[]) => ({
  model: 'openai/gpt-4o-mini',
  max_tokens: 10,
  messages: [{ role: 'user' as const, content: parts }],
});
const message = (...content: Anthropic.ContentBlockParam[]) => ({
  model: 'anthropic/claude-sonnet-4-5',
  max_tokens: 10,
  messages: [{ role: 'user' as const, content }],
});
const fileInput = {
  type: 'input_file' as const,
  file_data: url(),
  filename: 'a.pdf',
  detail: 'low' as const,
};
const response = (model = 'openai/gpt-4o-mini') => ({
  model,
  max_output_tokens: 20,
  input: [
    {
      role: 'user' as const,
      content: [{ type: 'input_text' as const, text: 'what does it say?' }, fileInput],
    },
  ],
});

const openai = (apiKey = key) => new OpenAI({ apiKey, baseURL: `${world.ready.gateway}/v1`, maxRetries: 0 });
const anthropic = (apiKey = key) =>
  new Anthropic({ apiKey, baseURL: `${world.ready.gateway}/anthropic`, maxRetries: 0 });

const [CHAT, MESSAGES, RESPONSES] = ['/v1/chat/completions', '/anthropic/v1/messages', '/v1/responses'];

async function post(path: string, body: object, apiKey = key, headers: Record<string, string> = {}) {
  const answer = await fetch(`${world.ready.gateway}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}`, ...headers },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  const error = answer.status < 400 ? undefined : JSON.parse(text).error;
  return { status: answer.status, text, error, headers: answer.headers };
}

const recordOf = ({ headers }: { readonly headers: Headers }) => world.record(headers.get('x-talos-receipt'));
const limited = (limit: Limit) => world.key(undefined, [limit]);
/** 128,000 and 200,000 of the table, and a tenth, as it rounds down. */
const WINDOW = 140_800;
const WINDOW_OF_MESSAGES = 220_000;

// LLM-37
describe('the official clients', () => {
  it('of OpenAI send a PDF in a chat, whole and as a stream', async () => {
    const { choices } = await openai().chat.completions.create(chat(WORDS, filePart()));
    expect(choices[0]?.message.content).toBe('hello there');
    const stream = openai().chat.completions.stream(chat(WORDS, filePart()));
    expect(await stream.finalContent()).toBe('hello there');
    expect(world.openai.asked).toHaveLength(2);
    for (const { body } of world.openai.asked)
      expect(body.messages).toEqual(chat(WORDS, filePart()).messages);
  });

  it('of OpenAI send one in a response, whole and as a stream, and as what a function found', async () => {
    expect((await openai().responses.create(response())).output_text).toBe('hello there');
    const stream = openai().responses.stream(response());
    expect((await stream.finalResponse()).output_text).toBe('hello there');
    for (const { body } of world.openai.asked) expect(body.input).toEqual(response().input);
    const found = [
      { type: 'function_call' as const, call_id: 'c', name: 'f', arguments: '{}' },
      { type: 'function_call_output' as const, call_id: 'c', output: [fileInput] },
    ];
    await openai().responses.create({ ...response(), input: found });
    expect(world.openai.asked.at(-1)?.body.input).toEqual(found);
  });

  it('of Anthropic send one in a message, whole and as a stream, and as what a tool found', async () => {
    const said = { ...block(), context: 'of last year', citations: { enabled: true } };
    const asked = message(said, WORDS);
    expect((await anthropic().messages.create(asked)).content).toEqual([{ type: 'text', text: 'good day' }]);
    expect(await anthropic().messages.stream(asked).finalText()).toBe('good day');
    for (const { body } of world.anthropic.asked) expect(body.messages).toEqual(asked.messages);
    const use = { type: 'tool_use' as const, id: 't', name: 'read', input: {} };
    const result = { type: 'tool_result' as const, tool_use_id: 't', content: [block()] };
    const messages = [
      ...[
        { role: 'user' as const, content: 'read it' },
        { role: 'assistant' as const, content: [use] },
      ],
      { role: 'user' as const, content: [result] },
    ];
    await anthropic().messages.create({ ...asked, messages });
    expect(world.anthropic.asked.at(-1)?.body.messages).toEqual(messages);
  });

  it('of Anthropic send words and pictures as documents, and the beta of PDFs', async () => {
    const text = { type: 'text' as const, media_type: 'text/plain' as const, data: 'words' };
    const png = { type: 'base64' as const, media_type: 'image/png' as const, data: 'iVBORw0KGgo=' };
    const blocks = [WORDS, { type: 'image' as const, source: png }];
    const asked = message(
      { type: 'document', source: text },
      { type: 'document', source: { type: 'content', content: blocks } },
    );
    await anthropic().beta.messages.create({ ...asked, betas: ['pdfs-2024-09-25'] });
    expect(world.anthropic.asked[0]?.body.messages).toEqual(asked.messages);
    expect(world.anthropic.asked[0]?.headers['anthropic-beta']).toBe('pdfs-2024-09-25');
  });

  it('are told what helps where a file lies at the provider', async () => {
    const refused = await openai()
      .chat.completions.create({
        ...chat(),
        messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }],
      })
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OpenAI.PermissionDeniedError);
    expect(String(refused)).toContain('Send the bytes of the file');
    const also = await anthropic()
      .messages.create(message({ type: 'document', source: { type: 'file', file_id: 'f' } }))
      .catch((error: unknown) => error);
    expect(also).toBeInstanceOf(Anthropic.PermissionDeniedError);
    expect(String(also)).toContain('as base64 of a PDF, or as text');
    expect(world.openai.asked.length + world.anthropic.asked.length).toBe(0);
  });
});

// LLM-37
describe('other clients', () => {
  const parts = [
    { type: 'text' as const, text: 'what does it say?' },
    { type: 'file' as const, data: DATA, mediaType: 'application/pdf', filename: 'a.pdf' },
  ];
  const sent = () => JSON.stringify(world.openai.asked.at(-1)?.body);

  it.each(['responses', 'chat'] as const)(
    'as the AI SDK send a PDF as they do elsewhere: %s',
    async (api) => {
      const sdk = createOpenAI({ apiKey: key, baseURL: `${world.ready.gateway}/v1` });
      const model = sdk[api]('gpt-4o-mini');
      const { text } = await generateText({
        model,
        messages: [{ role: 'user', content: parts }],
        maxRetries: 0,
      });
      expect(text).toBe('hello there');
      expect(sent()).toContain(`"file_data":"${url()}"`);
    },
  );

  it.each([true, false])('as LangChain do too: with responses %s', async (useResponsesApi) => {
    const configuration = { baseURL: `${world.ready.gateway}/v1` };
    const model = new ChatOpenAI({
      model: 'gpt-4o-mini',
      apiKey: key,
      configuration,
      useResponsesApi,
      maxRetries: 0,
    });
    const { text } = await model.invoke([
      new HumanMessage({ content: [WORDS, useResponsesApi ? fileInput : filePart()] }),
    ]);
    expect(text).toBe('hello there');
    expect(sent()).toContain(`"file_data":"${url()}"`);
  });
});

// LLM-3, LLM-37
describe('a document that is loaded by its provider', () => {
  const address = 'https://papers.example/a.pdf';
  const loaded: readonly (readonly [string, string, object])[] = [
    [
      'openai/model:gpt-4o-mini',
      RESPONSES,
      { ...response(), input: [{ role: 'user', content: [{ type: 'input_file', file_url: address }] }] },
    ],
    [
      'anthropic/model:claude-sonnet-4-5',
      MESSAGES,
      message({ type: 'document', source: { type: 'url', url: address } }),
    ],
  ] as const;

  it.each(loaded)('brings the feature of it into play: %s', async (model, path, body) => {
    const answer = await post(path, body);
    expect(answer.status, answer.text).toBe(200);
    const { decision } = await recordOf(answer);
    const { disclosures } = await world.audit.event(decision.id);
    const items = disclosures.find(({ pointer }) => pointer === '/items')?.value as { scope: string }[];
    expect(items.map(({ scope }) => scope)).toEqual([`llm:${model}`, `llm:${model}/feature:fetch`]);
    // Its model alone is not what such a key is for.
    const only = await world.key([{ scope: `llm:${model}/feature:fetch`, ops: ['write'] }]);
    expect((await post(path, body, only)).error.code).toBe('SCOPE_MISMATCH');
  });

  it.each(loaded)('holds what its model takes, as nobody knows how long it is: %s', async (_, path, body) => {
    const few = await limited({ per: 'total', tokens: 100_000 });
    expect((await post(path, body, few)).error.code).toBe('BUDGET_EXCEEDED');
    expect((await post(path, body, await limited({ per: 'total', tokens: 250_000 }))).status).toBe(200);
  });
});

const HELD: readonly (readonly [string, string, object, number])[] = [
  ['a chat', CHAT, chat(filePart()), WINDOW],
  ['a stream', CHAT, { ...chat(filePart()), stream: true }, WINDOW],
  ['a response', RESPONSES, response(), WINDOW],
  ['a message', MESSAGES, message(block()), WINDOW_OF_MESSAGES],
];

// LLM-6, LLM-37
describe('on a budget a document', () => {
  it.each(HELD)(
    'holds the whole window of its model, and is settled by what was counted: %s',
    async (_, path, body, window) => {
      const own = await limited({ per: 'total', tokens: window + 45 });
      for (let calls = 0; calls < 2; calls += 1) {
        const answer = await post(path, body, own);
        expect(answer.status, answer.text).toBe(200);
        const { decision, outcome } = await recordOf(answer);
        // What is read at a dollar a million, or 1.25 where a cache is written; 10 or 20 tokens at ten dollars.
        const [least, most] =
          path === MESSAGES ? [window * 1.25, window * 1.25 + 200] : [window, window + 200];
        expect(decision.held?.amount).toBeGreaterThanOrEqual(least);
        expect(decision.held?.amount).toBeLessThanOrEqual(most);
        expect(outcome.usage?.input).toBeLessThan(20);
        expect(outcome.cost?.amount).toBeLessThan(100);
        // A second one fits only as the first gave back what it did not use.
      }
    },
  );

  it.each(HELD)(
    'is refused where less than that is left, and words are not: %s',
    async (_, path, body, window) => {
      const few = await limited({ per: 'total', tokens: window });
      expect((await post(path, body, few)).error.code).toBe('BUDGET_EXCEEDED');
      const plain =
        path === CHAT ? chat(WORDS) : path === MESSAGES ? message(WORDS) : { ...response(), input: 'hi' };
      expect((await post(path, plain, few)).status).toBe(200);
    },
  );

  it('is held no less for than the rest of its request', async () => {
    const long = { type: 'text' as const, text: 'word '.repeat(60_000) };
    const of = async (body: object) => (await recordOf(await post(CHAT, body))).decision.held?.amount ?? 0;
    const [without, together] = [await of(chat(long)), await of(chat(long, filePart()))];
    expect(without).toBeGreaterThan(300_000);
    expect(together).toBeGreaterThanOrEqual(without);
    expect(together).toBeLessThan(without + 1_000);
  });

  it('of megabytes is held no more for than a small one', async () => {
    const own = await limited({ per: 'total', cost: { amount: WINDOW + 500, currency: 'USD' } });
    expect((await post(CHAT, chat(filePart(pdf('long', 3_000_000))), own)).status).toBe(200);
    const found = { ...fileInput, file_data: url(pdf('long', 3_000_000)) };
    const output = { type: 'function_call_output', call_id: 'c', output: [found] };
    expect((await post(RESPONSES, { ...response(), input: [output] }, own)).status).toBe(200);
    // What others say is read as text, as far as anybody knows.
    const tool = { role: 'assistant', content: [filePart(pdf('long', 300_000))] };
    const body = { ...chat(), messages: [tool, ...chat(WORDS).messages] };
    expect((await post(CHAT, body, own)).error.code).toBe('BUDGET_EXCEEDED');
  });

  it('is held for at the price of so much, and paid for at that of what it was', async () => {
    const body = { ...chat(filePart()), model: 'openai/gpt-5.4' };
    const answer = await post(
      CHAT,
      body,
      await limited({ per: 'total', cost: { amount: 5_800_000, currency: 'USD' } }),
    );
    expect(answer.status, answer.text).toBe(200);
    const { decision, outcome } = await recordOf(answer);
    // 1,050,000 and a tenth at five dollars a million: the step of more than 271,999. 12 were read, below it.
    expect(decision.held?.amount).toBe(5_775_000 + 225);
    expect(outcome.rates?.input).toBe(2_500_000);
    const few = await limited({ per: 'total', cost: { amount: 5_700_000, currency: 'USD' } });
    expect((await post(CHAT, body, few)).error.code).toBe('BUDGET_EXCEEDED');
  });

  it('is held for by the longer window that a beta opens', async () => {
    const body = message(block());
    const beta = { 'anthropic-beta': 'context-1m-2025-08-07' };
    const held = async (more: Record<string, string>) =>
      (await recordOf(await post(MESSAGES, body, key, more))).decision.held?.amount;
    expect(await held({})).toBe(WINDOW_OF_MESSAGES * 1.25 + 100);
    expect(await held(beta)).toBe(1_250_000 + 100);
  });

  it('counts as all that was held for it where nobody counted', async () => {
    world.openai.answer = chatAnswer('hello there', null);
    const { outcome } = await recordOf(await post(CHAT, chat(filePart())));
    expect(outcome.usage).toEqual({ input: WINDOW, output: 10, estimated: true });
  });
});

const UNKNOWN = { ...chat(filePart()), model: 'ours/no-window' };

// LLM-7, LLM-37
describe('a document for a model of which nobody knows what it takes', () => {
  it('is refused under a limit, with what helps, and words are not', async () => {
    for (const limit of [{ tokens: 50_000_000 }, { cost: { amount: 900_000_000, currency: 'USD' } }]) {
      const own = await limited({ per: 'total', ...limit });
      const { status, error } = await post(CHAT, UNKNOWN, own);
      expect([status, error.code, error.link, error.caveat]).toEqual([403, 'POLICY_DENIED', 1, 'a document']);
      expect(error.hint).toMatch(/ours\/no-window takes at once\. Send the document as text, or .*`window`/);
      expect((await post(CHAT, { ...UNKNOWN, messages: chat(WORDS).messages }, own)).status).toBe(200);
    }
    expect(world.openai.asked).toHaveLength(2);
  });

  it('is held for where the operator says what the model takes', async () => {
    const few = await limited({ per: 'total', tokens: 20_000 });
    const own = { ...UNKNOWN, model: 'ours/small' };
    expect((await post(CHAT, own, few)).error).toMatchObject({ code: 'BUDGET_EXCEEDED' });
    expect((await post(CHAT, own, await limited({ per: 'total', tokens: 20_100 }))).status).toBe(200);
  });

  it('passes without one, and under a limit of calls', async () => {
    expect((await post(CHAT, UNKNOWN)).status).toBe(200);
    expect((await post(CHAT, UNKNOWN, await limited({ per: 'total', calls: 1 }))).status).toBe(200);
  });

  it('is refused under a hard budget, and passes under one that warns', async () => {
    const budgets = (mode: 'hard' | 'warn') =>
      world.configure((policy) => ({
        ...policy,
        budgets: [{ name: 'all', per: 'day', tokens: 90_000_000, mode }],
      }));
    await budgets('hard');
    const { error } = await post(CHAT, UNKNOWN);
    expect([error.code, error.link]).toEqual(['POLICY_DENIED', undefined]);
    expect(error.hint).toContain('The budget all counts, and nobody knows how much');
    await budgets('warn');
    expect((await post(CHAT, UNKNOWN)).status).toBe(200);
    await world.configure(({ budgets: _, ...policy }) => policy);
  });

  it('is refused where costs are limited and its provider may charge for pages', async () => {
    const body = { ...chat(filePart()), model: 'router/openai/gpt-4o' };
    const own = await limited({ per: 'total', cost: { amount: 900_000_000, currency: 'USD' } });
    const { error } = await post(CHAT, body, own);
    expect([error.code, error.hint]).toEqual([
      'POLICY_DENIED',
      expect.stringContaining('charge for its pages'),
    ]);
    expect((await post(CHAT, { ...body, messages: chat(WORDS).messages }, own)).status).toBe(200);
    expect((await post(CHAT, body, await limited({ per: 'total', tokens: 900_000 }))).status).toBe(200);
    expect((await post(CHAT, body)).status).toBe(200);
  });

  it('is counted in tokens under a limit too, as no model runs', async () => {
    const own = await limited({ per: 'total', tokens: 10 });
    world.anthropic.answer = (answer) => sendJson(answer, 200, { input_tokens: 9 });
    const { max_tokens: _, ...body } = message(block());
    expect((await post(`${MESSAGES}/count_tokens`, body, own)).text).toBe('{"input_tokens":9}');
  });
});

// LIM-4, LLM-37
describe('where tokens are counted in time a document', () => {
  const rates = (perMinute: number) =>
    world.configure((policy) => ({
      ...policy,
      rates: [{ per: 'key', surface: 'llm', tokens: { perMinute, burst: perMinute } }],
    }));
  afterAll(() => world.configure(({ rates: _, ...policy }) => policy));

  it('takes the window of its model, and gives back what it was not', async () => {
    await rates(WINDOW + 1_000);
    const own = await world.key();
    for (let calls = 0; calls < 3; calls += 1)
      expect((await post(CHAT, chat(filePart()), own)).status).toBe(200);
    await rates(WINDOW - 1_000);
    const { status, error } = await post(CHAT, chat(filePart()), own);
    expect([status, error.code]).toEqual([403, 'POLICY_DENIED']);
    expect((await post(CHAT, chat(WORDS), own)).status).toBe(200);
  });

  it('of which nobody knows how much it takes is taken for more than any does', async () => {
    await rates(9_000_000);
    const { error } = await post(CHAT, UNKNOWN, await world.key());
    expect([error.code, error.hint]).toEqual(['POLICY_DENIED', expect.stringContaining('10000010 tokens')]);
  });
});

// LLM-31, LLM-37
describe('a document in a request that is translated', () => {
  it('is a document of messages for a client of a chat, whole and as a stream', async () => {
    const asked = { ...chat(WORDS, filePart()), model: 'anthropic/claude-sonnet-4-5' };
    expect((await openai().chat.completions.create(asked)).choices[0]?.message.content).toBe('good day');
    expect(await openai().chat.completions.stream(asked).finalContent()).toBe('good day');
    for (const { body } of world.anthropic.asked)
      expect(body.messages).toEqual(message(WORDS, block()).messages);
    // Held for is the window of the model that is asked.
    const few = await limited({ per: 'total', tokens: 200_000 });
    expect((await post(CHAT, asked, few)).error.code).toBe('BUDGET_EXCEEDED');
  });

  it('is a file of a chat for a client of messages, whole and as a stream', async () => {
    const asked = { ...message(WORDS, block()), model: 'openai/gpt-4o-mini' };
    expect((await anthropic().messages.create(asked)).content).toMatchObject([{ text: 'hello there' }]);
    expect(await anthropic().messages.stream(asked).finalText()).toBe('hello there');
    for (const { body } of world.openai.asked)
      expect(body.messages).toEqual(chat(WORDS, filePart()).messages);
  });

  it('has a name that says nothing in a chat, where it has no title', async () => {
    const { title: _, ...untitled } = block();
    const asked = { ...message(WORDS, untitled as never), model: 'openai/gpt-4o-mini' };
    expect((await post(MESSAGES, asked)).status).toBe(200);
    const [{ content }] = world.openai.asked.at(-1)!.body.messages;
    expect(content.at(-1)?.file.filename).toBe('document.pdf');
  });

  it('is refused with what the other protocol cannot say', async () => {
    for (const [content, caveat] of [
      [{ ...block(), context: 'x' }, 'document.context'],
      [{ type: 'tool_result', tool_use_id: 't', content: [block()] }, 'what is of type document'],
    ] as const) {
      const body = { ...message(content as never), model: 'openai/gpt-4o-mini' };
      expect((await post(MESSAGES, body)).error).toMatchObject({ code: 'POLICY_DENIED', caveat });
    }
    expect(world.openai.asked).toEqual([]);
  });
});

describe('what is kept of a document', () => {
  /** A piece of it, as no text of ours has. */
  const PIECE = DATA.slice(20, 60);

  it('LLM-37 is its hash: nothing of it is in what was logged, or in the log of evidence', async () => {
    for (const [path, body] of [
      [CHAT, chat(filePart())],
      [MESSAGES, message(block())],
      [RESPONSES, response()],
    ] as const)
      await recordOf(await post(path, body));
    // In a refusal neither.
    const odd = `${url()} `;
    await post(CHAT, {
      ...chat(),
      messages: [{ role: 'user', content: [{ type: 'file', file: { file_data: odd } }] }],
    });
    await post(CHAT, UNKNOWN, await limited({ per: 'total', tokens: 50_000_000 }));
    expect(Buffer.from(await world.audit.bundle()).toString()).not.toContain(PIECE);
    expect(world.log.join('')).not.toContain(PIECE);
  });

  it('LLM-34 makes a request another one, and the same again', async () => {
    await world.configure((policy) => {
      const own = policy.providers!['openai']!;
      return { ...policy, providers: { ...policy.providers, openai: { ...own, cacheSeconds: 60 } } };
    });
    const cache = async (data: string) =>
      (await post(CHAT, chat(filePart(data)))).headers.get('x-talos-cache');
    expect([await cache(DATA), await cache(DATA), await cache(pdf('other figures'))]).toEqual([
      null,
      'hit',
      null,
    ]);
    await world.configure((policy) => {
      const { cacheSeconds: _, ...own } = policy.providers!['openai']!;
      return { ...policy, providers: { ...policy.providers, openai: own } };
    });
  });

  it('LLM-36 is nothing: what a client refers to beside one is put in', async () => {
    const thought = reasoningItem('let me see');
    const answers: FakeProvider['answer'] = (...asked) => responseItemsAnswer([thought])(...asked);
    world.openai.answer = answers;
    const asked = response('openai/gpt-5-mini');
    await openai().responses.create(asked);
    const { id } = thought as { id: string };
    await openai().responses.create({
      ...asked,
      input: [...asked.input, { type: 'item_reference', id }, ...asked.input],
    });
    const [before, put, after] = world.openai.asked.at(-1)!.body.input;
    expect([before, after]).toEqual([...asked.input, ...asked.input]);
    expect(put).toMatchObject({ id, type: 'reasoning' });
  });
});
