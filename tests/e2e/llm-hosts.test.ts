import { createHash, createHmac } from 'node:crypto';
import Anthropic from '@anthropic-ai/sdk';
import type { ModelProvider } from '@talosprotocol/contracts';
import { createSecretsClient } from '@talosprotocol/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  awsEvent,
  awsMessage,
  bedrockAnswer,
} from '../../packages/server/src/gateway/llm/testing/fake-bedrock.js';
import {
  type Asked,
  chatAnswer,
  chatCallAnswer,
  embeddingAnswer,
  type FakeProvider,
  messageAnswer,
  openFakeProvider,
  sendJson,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { type LlmWorld, openLlmWorld, RATES } from '../support/llm-world.js';
import { messageCallAnswer } from '../support/tool-answers.js';

const BEARER = 'host-canary-key-5d21';
const ACCESS = 'AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY:c2Vzc2lvbi10b2tlbi1vZi1hd3M=';

interface Host {
  readonly name: string;
  readonly provider: Omit<ModelProvider, 'baseUrl'>;
  /** Below the fake's address. */
  readonly base: string;
  readonly model: string;
  /** Of one that wants none it is empty. */
  readonly key: string;
  readonly answer: (text: string) => FakeProvider['answer'];
  /** The path of a whole answer and of a stream. */
  readonly paths: readonly [string, string];
  readonly shows: (asked: Asked) => void;
  /** How the host says that a request is wrong. */
  readonly fault: object;
}

const keyless = ({ headers }: Asked): void =>
  expect([headers.authorization, headers['api-key'], headers['x-api-key']]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
const bearer = ({ headers }: Asked): void => expect(headers.authorization).toBe(`Bearer ${BEARER}`);
const openAiFault = { error: { message: 'too long', type: 'invalid_request_error' } };

const HOSTS: readonly Host[] = [
  {
    name: 'openai',
    provider: { api: 'openai' },
    base: '/v1',
    model: 'm',
    key: BEARER,
    answer: chatAnswer,
    paths: ['/v1/chat/completions', '/v1/chat/completions'],
    shows: bearer,
    fault: openAiFault,
  },
  {
    name: 'gemini',
    provider: { api: 'openai' },
    base: '/v1beta/openai',
    model: 'gemini-2.5-flash',
    key: BEARER,
    answer: chatAnswer,
    paths: ['/v1beta/openai/chat/completions', '/v1beta/openai/chat/completions'],
    shows: bearer,
    fault: openAiFault,
  },
  {
    name: 'ollama',
    provider: { api: 'openai' },
    base: '/v1',
    model: 'llama3.2:1b',
    key: '',
    answer: chatAnswer,
    paths: ['/v1/chat/completions', '/v1/chat/completions'],
    shows: keyless,
    fault: openAiFault,
  },
  {
    name: 'vllm',
    provider: { api: 'openai' },
    base: '/v1',
    model: 'meta-llama/Llama-3.1-8B-Instruct',
    key: BEARER,
    answer: chatAnswer,
    paths: ['/v1/chat/completions', '/v1/chat/completions'],
    shows: bearer,
    // As vLLM tells it, without an error in it.
    fault: { object: 'error', message: 'too long', type: 'BadRequestError', code: 400 },
  },
  {
    name: 'azure',
    provider: { api: 'openai', host: 'azure' },
    base: '/openai/v1',
    model: 'my-deployment',
    key: BEARER,
    answer: chatAnswer,
    paths: ['/openai/v1/chat/completions', '/openai/v1/chat/completions'],
    shows: ({ headers }) => expect([headers['api-key'], headers.authorization]).toEqual([BEARER, undefined]),
    fault: openAiFault,
  },
  {
    name: 'azure-dated',
    provider: { api: 'openai', host: 'azure', apiVersion: '2024-10-21' },
    base: '/openai',
    model: 'my/deployment',
    key: BEARER,
    answer: chatAnswer,
    paths: [
      '/openai/deployments/my%2Fdeployment/chat/completions?api-version=2024-10-21',
      '/openai/deployments/my%2Fdeployment/chat/completions?api-version=2024-10-21',
    ],
    shows: ({ headers }) => expect(headers['api-key']).toBe(BEARER),
    fault: openAiFault,
  },
  {
    name: 'aws-openai',
    provider: { api: 'openai', host: 'aws', region: 'eu-central-1' },
    base: '/openai/v1',
    model: 'openai.gpt-oss-20b-1:0',
    key: BEARER,
    answer: chatAnswer,
    paths: ['/openai/v1/chat/completions', '/openai/v1/chat/completions'],
    shows: bearer,
    fault: { message: 'too long' },
  },
  {
    name: 'anthropic',
    provider: { api: 'anthropic' },
    base: '/v1',
    model: 'claude-sonnet-4-5',
    key: BEARER,
    answer: messageAnswer,
    paths: ['/v1/messages', '/v1/messages'],
    shows: ({ headers }) => {
      expect(headers['x-api-key']).toBe(BEARER);
      expect(headers['anthropic-version']).toBe('2023-06-01');
    },
    fault: { type: 'error', error: { type: 'invalid_request_error', message: 'too long' } },
  },
  {
    name: 'bedrock',
    provider: { api: 'anthropic', host: 'aws', region: 'us-east-1' },
    base: '',
    model: 'us.anthropic.claude-sonnet-4-20250514-v1:0',
    key: BEARER,
    answer: bedrockAnswer,
    paths: [
      '/model/us.anthropic.claude-sonnet-4-20250514-v1%3A0/invoke',
      '/model/us.anthropic.claude-sonnet-4-20250514-v1%3A0/invoke-with-response-stream',
    ],
    shows: (asked) => {
      bearer(asked);
      expect(asked.body).toMatchObject({ anthropic_version: 'bedrock-2023-05-31', max_tokens: 50 });
      expect(asked.body).not.toHaveProperty('model');
      expect(asked.body).not.toHaveProperty('stream');
    },
    fault: { message: 'too long' },
  },
  {
    name: 'bedrock-signed',
    provider: { api: 'anthropic', host: 'aws', region: 'us-east-1' },
    base: '',
    model: 'anthropic.claude-3-haiku-20240307-v1:0',
    key: ACCESS,
    answer: bedrockAnswer,
    paths: [
      '/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke',
      '/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke-with-response-stream',
    ],
    shows: assertSigned,
    fault: { message: 'too long' },
  },
];

let world: LlmWorld;
let key: string;
const fakes = new Map<string, FakeProvider>();

beforeAll(async () => {
  world = await openLlmWorld();
  const secrets = createSecretsClient({ url: world.ready.kernel, adminToken: world.adminToken });
  const providers: Record<string, ModelProvider> = {};
  for (const { name, provider, base, model, key: value } of HOSTS) {
    const fake = await openFakeProvider();
    fakes.set(name, fake);
    if (value !== '') await secrets.set(`${name}-key`, value);
    const models = { [model]: { rates: RATES } };
    providers[name] = {
      ...provider,
      baseUrl: `${fake.url}${base}`,
      ...(value === '' ? {} : { key: `${name}-key` }),
      models,
      firstByteSeconds: 2,
    };
  }
  await world.configure((document) => ({ ...document, providers }));
  key = await world.key();
});
afterAll(async () => {
  await world?.close();
  await Promise.all([...fakes.values()].map((fake) => fake.close()));
});

const MESSAGES = [{ role: 'user' as const, content: 'hi' }];

/** Asks as an unmodified client does. */
async function ask(
  { name, provider, model }: Host,
  stream: boolean,
): Promise<{ text: string; output: number }> {
  const asked = { model: `${name}/${model}`, max_tokens: 50, messages: MESSAGES };
  if (provider.api === 'anthropic') {
    const client = new Anthropic({ apiKey: key, baseURL: `${world.ready.gateway}/anthropic`, maxRetries: 0 });
    const message = stream
      ? await client.messages.stream(asked).finalMessage()
      : await client.messages.create(asked);
    const [block] = message.content;
    return { text: block?.type === 'text' ? block.text : '', output: message.usage.output_tokens };
  }
  const client = new OpenAI({ apiKey: key, baseURL: `${world.ready.gateway}/v1`, maxRetries: 0 });
  if (!stream) {
    const answer = await client.chat.completions.create(asked);
    return { text: answer.choices[0]?.message.content ?? '', output: answer.usage?.completion_tokens ?? 0 };
  }
  const [words, counts] = [[] as string[], [] as number[]];
  for await (const chunk of await client.chat.completions.create({
    ...asked,
    stream: true,
    stream_options: { include_usage: true },
  })) {
    words.push(chunk.choices[0]?.delta.content ?? '');
    if (chunk.usage) counts.push(chunk.usage.completion_tokens);
  }
  return { text: words.join(''), output: counts[0] ?? 0 };
}

/** Signature Version 4, as AWS's guide describes it, by hand. */
function assertSigned({ path, headers, body }: Asked): void {
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  const hmac = (secret: string | Buffer, text: string): Buffer =>
    createHmac('sha256', secret).update(text).digest();
  const [id = '', secret = '', token = ''] = ACCESS.split(':');
  const date = String(headers['x-amz-date']);
  expect(
    Math.abs(Date.now() - Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'))),
  ).toBeLessThan(60_000);
  expect(headers['x-amz-security-token']).toBe(token);
  const parts = /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
    headers.authorization ?? '',
  );
  const [, credential = '', names = '', signature = ''] = parts ?? [];
  const scope = `${date.slice(0, 8)}/us-east-1/bedrock/aws4_request`;
  expect(credential).toBe(`${id}/${scope}`);
  expect(names.split(';')).toEqual(expect.arrayContaining(['host', 'x-amz-date', 'x-amz-security-token']));
  const signed = names.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const canonicalPath = path.split('/').map(encodeURIComponent).join('/');
  const canonical = ['POST', canonicalPath, '', signed.join(''), names, sha256(JSON.stringify(body))].join(
    '\n',
  );
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const derived = scope.split('/').reduce((from: string | Buffer, part) => hmac(from, part), `AWS4${secret}`);
  expect(signature).toBe(hmac(derived, toSign).toString('hex'));
}

// LLM-29
describe.each(HOSTS)('calls of a model at the host $name', (host) => {
  const fake = (): FakeProvider => fakes.get(host.name) as FakeProvider;

  it('go where it has them, with its key, whole and as a stream, to an unmodified client', async () => {
    fake().answer = host.answer('good day to you');
    for (const [index, stream] of [false, true].entries()) {
      const answer = await ask(host, stream);
      expect(answer.text).toBe('good day to you');
      expect(answer.output).toBe(host.provider.api === 'anthropic' ? 5 : 3);
      const asked = fake().asked.at(-1) as Asked;
      expect(asked.path).toBe(host.paths[index]);
      host.shows(asked);
    }
  });

  it('are priced and on record', async () => {
    fake().answer = host.answer('one');
    const path = host.provider.api === 'anthropic' ? '/anthropic/v1/messages' : '/v1/chat/completions';
    const response = await fetch(`${world.ready.gateway}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      body: JSON.stringify({ model: `${host.name}/${host.model}`, max_tokens: 50, messages: MESSAGES }),
    });
    expect(response.status).toBe(200);
    const { decision, outcome } = await world.record(response.headers.get('x-talos-receipt'));
    expect(decision.action).toMatchObject({ provider: host.name, model: host.model });
    expect(outcome.cost?.amount).toBe(host.provider.api === 'anthropic' ? 66 : 42);
  });

  it('tell what it finds wrong with a request, in the form of the protocol, and never its key', async () => {
    const fault = { ...host.fault, more: 1 };
    fake().answer = (response) => sendJson(response, 400, fault);
    const refused = await ask(host, false).catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: 400 });
    expect(String(refused)).toContain('too long');
    for (const part of host.key.split(':').filter((one) => one !== '')) {
      fake().answer = (response) => sendJson(response, 400, { ...host.fault, key: part });
      const silent = await ask(host, false).catch((error: unknown) => error);
      expect(silent).toMatchObject({ status: 400 });
      expect(JSON.stringify(silent) + String(silent)).not.toContain(part);
    }
  });
});

const LOOK = { name: 'look', arguments: '{"at":"the moon","often":2}' };
const SCHEMA = { type: 'object' as const, properties: { at: { type: 'string' } }, required: ['at'] };

/** The calls of tools that an unmodified client is given, and what it was told of them. */
async function askForCalls({ name, provider, model }: Host, stream: boolean): Promise<object[]> {
  const asked = { model: `${name}/${model}`, max_tokens: 50, messages: MESSAGES };
  if (provider.api === 'anthropic') {
    const client = new Anthropic({ apiKey: key, baseURL: `${world.ready.gateway}/anthropic`, maxRetries: 0 });
    const wanted = { ...asked, tools: [{ name: 'look', input_schema: SCHEMA }] };
    const message = stream
      ? await client.messages.stream(wanted).finalMessage()
      : await client.messages.create(wanted);
    return message.content.map((block) => (block.type === 'tool_use' ? [block.name, block.input] : []));
  }
  const client = new OpenAI({ apiKey: key, baseURL: `${world.ready.gateway}/v1`, maxRetries: 0 });
  const tools = [{ type: 'function' as const, function: { name: 'look', parameters: SCHEMA } }];
  const answer = stream
    ? await client.chat.completions.stream({ ...asked, tools }).finalChatCompletion()
    : await client.chat.completions.create({ ...asked, tools });
  const calls = answer.choices[0]?.message.tool_calls ?? [];
  return calls.map((call) =>
    call.type === 'function' ? [call.function.name, JSON.parse(call.function.arguments)] : [],
  );
}

// LLM-29
describe.each(HOSTS)('at the host $name', (host) => {
  it('calls of tools are carried both ways, whole and as a stream', async () => {
    const fake = fakes.get(host.name) as FakeProvider;
    const { api, host: kind } = host.provider;
    fake.answer =
      api === 'anthropic'
        ? messageCallAnswer(LOOK, kind === 'aws' ? 'bedrock' : 'anthropic')
        : chatCallAnswer(LOOK);
    for (const stream of [false, true]) {
      expect(await askForCalls(host, stream)).toEqual([['look', JSON.parse(LOOK.arguments)]]);
      expect(JSON.stringify(fake.asked.at(-1)?.body.tools)).toContain(JSON.stringify(SCHEMA));
    }
  });
});

// LLM-29
describe.each(HOSTS.filter(({ provider }) => provider.api === 'openai'))('at the host $name', (host) => {
  it('embeddings go where it has them', async () => {
    const fake = fakes.get(host.name) as FakeProvider;
    fake.answer = embeddingAnswer();
    const client = new OpenAI({ apiKey: key, baseURL: `${world.ready.gateway}/v1`, maxRetries: 0 });
    const model = `${host.name}/${host.model}`;
    const { data } = await client.embeddings.create({ model, input: 'hi', encoding_format: 'float' });
    expect(data[0]?.embedding.length).toBeGreaterThan(0);
    const asked = fake.asked.at(-1) as Asked;
    expect(asked.path).toBe(host.paths[0].replace('chat/completions', 'embeddings'));
    host.shows(asked);
  });
});

describe('the host of Bedrock', () => {
  const url = () => `${world.ready.gateway}/anthropic/v1/messages`;
  const body = (more: object = {}) =>
    JSON.stringify({
      model: `bedrock/${HOSTS.find(({ name }) => name === 'bedrock')?.model}`,
      max_tokens: 50,
      messages: MESSAGES,
      ...more,
    });
  const post = (path: string, text: string) =>
    fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      body: text,
    });

  it('does not count tokens, and says so', async () => {
    const { max_tokens: _, ...counted } = JSON.parse(body());
    const answer = await post(`${url()}/count_tokens`, JSON.stringify(counted));
    expect([answer.status, await answer.text()]).toEqual([404, expect.stringContaining('UNKNOWN_MODEL')]);
  });

  it.each<[string, Uint8Array[]]>([
    [
      'says that it fails',
      [awsMessage({ message: 'no' }, { ':message-type': 'exception', ':exception-type': 'x' })],
    ],
    ['breaks off in a message', [awsEvent({ type: 'ping' }).subarray(0, 20)]],
    ['sends what is none', [Buffer.from('data: {}\n\n')]],
  ])('whose stream %s ends with an error of the protocol', async (_, messages) => {
    const provider = fakes.get('bedrock') as FakeProvider;
    provider.answer = (response) => {
      response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
      for (const message of messages) response.write(message);
      response.end();
    };
    const answer = await post(url(), body({ stream: true }));
    expect(answer.status).toBe(200);
    const text = await answer.text();
    expect(text).toMatch(/event: error\ndata: \{"type":"error"/);
    const { outcome } = await world.record(answer.headers.get('x-talos-receipt'));
    expect(outcome).toMatchObject({ status: 'failed', usage: { estimated: true } });
  });
});
