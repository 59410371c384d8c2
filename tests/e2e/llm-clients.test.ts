import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { HumanMessage, ToolMessage, type UsageMetadata } from '@langchain/core/messages';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import {
  APICallError,
  embed,
  generateText,
  jsonSchema,
  type LanguageModel,
  stepCountIs,
  streamText,
  tool,
} from 'ai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  chatAnswer,
  chatCallAnswer,
  embeddingAnswer,
  type FakeProvider,
  responseAnswer,
  responseCallAnswer,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { type LlmWorld, openLlmWorld } from '../support/llm-world.js';

let world: LlmWorld;
let key: string;
let narrow: string;
beforeAll(async () => {
  world = await openLlmWorld();
  key = await world.key();
  narrow = await world.key([{ scope: 'llm:openai/model:other', ops: ['write'] }]);
});
afterAll(() => world?.close());
beforeEach(() => {
  world.openai.asked.length = 0;
  world.openai.answer = provider();
});

/** Answers each protocol by its path; calls `add` first where the client brings it, and then says what it came to. */
function provider(): FakeProvider['answer'] {
  return (response, asked) => {
    const answers: Record<string, FakeProvider['answer']> = {
      '/v1/chat/completions': isToBeCalled(asked.body) ? chatCallAnswer(CALL) : chatAnswer('hello there'),
      '/v1/responses': isToBeCalled(asked.body) ? responseCallAnswer(CALL) : responseAnswer('hello there'),
      '/v1/embeddings': embeddingAnswer(),
    };
    return answers[asked.path]!(response, asked);
  };
}

const CALL = { name: 'add', arguments: '{"a":1,"b":2}' };

function isToBeCalled({ tools, messages, input }: { tools?: []; messages?: object[]; input?: object[] }) {
  const results = JSON.stringify(messages ?? input ?? []);
  return tools !== undefined && !/"role":"tool"|function_call_output/.test(results);
}

const SCHEMA = {
  type: 'object',
  properties: { a: { type: 'number' }, b: { type: 'number' } },
  required: ['a', 'b'],
  additionalProperties: false,
} as const;
const base = () => `${world.ready.gateway}/v1`;

type Sdk = (apiKey: string) => LanguageModel;
const ask = (model: LanguageModel) => ({ model, prompt: 'hi', maxRetries: 0 });
const sdks: readonly (readonly [string, Sdk])[] = [
  ['openai, responses', (apiKey) => createOpenAI({ apiKey, baseURL: base() })('gpt-4o-mini')],
  ['openai, chat', (apiKey) => createOpenAI({ apiKey, baseURL: base() }).chat('gpt-4o-mini')],
  [
    'openai-compatible',
    (apiKey) => createOpenAICompatible({ name: 'talos', apiKey, baseURL: base() })('gpt-4o-mini'),
  ],
];

// LLM-1, LLM-24
describe.each(sdks)('the AI SDK (%s)', (name, sdk) => {
  const add = () => {
    const execute = ({ a, b }: { a: number; b: number }) => Promise.resolve(a + b);
    return { add: tool({ inputSchema: jsonSchema<{ a: number; b: number }>(SCHEMA), execute }) };
  };

  it('gets a text and its count', async () => {
    const { text, usage } = await generateText(ask(sdk(key)));
    expect([text, usage.inputTokens, usage.outputTokens]).toEqual(['hello there', 12, 3]);
  });

  it('gets a stream and its count', async () => {
    const answer = streamText(ask(sdk(key)));
    const pieces = [];
    for await (const piece of answer.textStream) pieces.push(piece);
    expect(pieces).toEqual(['hello ', 'there']);
    expect((await answer.usage).outputTokens).toBe(name === 'openai-compatible' ? undefined : 3);
  });

  it.each([false, true])('has its tool called, as a stream: %s', async (isStream) => {
    const request = { ...ask(sdk(key)), tools: add(), stopWhen: stepCountIs(3) };
    const answer = isStream ? streamText(request) : await generateText(request);
    expect(await answer.text).toBe('hello there');
    const results = (await answer.steps).flatMap(({ toolResults }) => toolResults);
    expect(results.map(({ output }) => output)).toEqual([3]);
    expect(world.openai.asked).toHaveLength(2);
  });

  it('reads a refusal as an error, with its code', async () => {
    const refused = await generateText(ask(sdk(narrow))).catch((error: unknown) => error);
    expect(APICallError.isInstance(refused)).toBe(true);
    expect(refused).toMatchObject({ statusCode: 403, isRetryable: false });
    expect(String(refused)).toContain('SCOPE_MISMATCH');
    const errors: unknown[] = [];
    await streamText({
      ...ask(sdk(narrow)),
      onError: ({ error }) => void errors.push(error),
    }).consumeStream();
    expect(errors).toMatchObject([{ statusCode: 403 }]);
    expect(world.openai.asked).toEqual([]);
  });

  it('reads as an error that a stream is cut', async () => {
    world.openai.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(': nothing\n\n');
    };
    const errors: unknown[] = [];
    const answer = streamText({ ...ask(sdk(key)), onError: ({ error }) => void errors.push(error) });
    await answer.consumeStream();
    expect(JSON.stringify(errors)).toContain('UPSTREAM_FAILED');
  });
});

describe('the AI SDK', () => {
  it('gets embeddings', async () => {
    const openai = createOpenAI({ apiKey: key, baseURL: base() });
    const compatible = createOpenAICompatible({ name: 'talos', apiKey: key, baseURL: base() });
    const id = 'text-embedding-3-small';
    for (const model of [openai.embedding(id), compatible.embeddingModel(id)]) {
      const { embedding, usage } = await embed({ model, value: 'good day', maxRetries: 0 });
      expect([embedding, usage.tokens]).toEqual([[0.25, -0.5], 7]);
    }
  });

  // LLM-24, LLM-36
  it.each([true, false])('goes on with what was said (it believes it kept: %s)', async (store) => {
    const model = createOpenAI({ apiKey: key, baseURL: base() })('gpt-4o-mini');
    const more = { model, maxRetries: 0, ...(store ? {} : { providerOptions: { openai: { store } } }) };
    const messages = [{ role: 'user' as const, content: 'hi' }];
    const { response } = await generateText({ ...more, messages });
    const second = generateText({ ...more, messages: [...messages, ...response.messages, ...messages] });
    expect((await second).text).toBe('hello there');
    expect(world.openai.asked.at(-1)?.body.input[1].content[0].text).toBe('hello there');
  });
});

function writtenOf(message: object): number | undefined {
  return (message as { usage_metadata?: UsageMetadata }).usage_metadata?.output_tokens;
}

const chains: readonly (readonly [string, object])[] = [
  ['chat', {}],
  ['responses', { useResponsesApi: true, zdrEnabled: true }],
];

describe.each(chains)('LangChain (%s)', (_, options) => {
  const chat = (apiKey = key) =>
    new ChatOpenAI({
      ...options,
      model: 'gpt-4o-mini',
      apiKey,
      maxRetries: 0,
      configuration: { baseURL: base() },
    });
  const ADD = { type: 'function' as const, function: { name: 'add', parameters: SCHEMA } };

  it('gets a text and its count', async () => {
    const answer = await chat().invoke('hi');
    expect([answer.text, writtenOf(answer)]).toEqual(['hello there', 3]);
  });

  it('gets a stream and its count', async () => {
    let [text, written] = ['', 0];
    for await (const chunk of await chat().stream('hi')) {
      text += chunk.text;
      written += writtenOf(chunk) ?? 0;
    }
    expect([text, written]).toEqual(['hello there', 3]);
  });

  it('has its tool called', async () => {
    const model = chat().bindTools([ADD]);
    const asked = new HumanMessage('add');
    const first = await model.invoke([asked]);
    expect(first.tool_calls).toMatchObject([{ name: 'add', args: { a: 1, b: 2 } }]);
    const result = new ToolMessage({ content: '3', tool_call_id: first.tool_calls![0]!.id! });
    expect((await model.invoke([asked, first, result])).text).toBe('hello there');
  });

  it('reads a refusal as an error, with its code', async () => {
    const refused = await chat(narrow)
      .invoke('hi')
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: 403, code: 'SCOPE_MISMATCH' });
    expect(world.openai.asked).toEqual([]);
  });
});

describe('LangChain', () => {
  it('gets embeddings', async () => {
    const embeddings = new OpenAIEmbeddings({
      model: 'text-embedding-3-small',
      apiKey: key,
      configuration: { baseURL: base() },
    });
    expect(await embeddings.embedQuery('good day')).toEqual([0.25, -0.5]);
    expect(await embeddings.embedDocuments(['good day'])).toEqual([[0.25, -0.5]]);
  });
});
