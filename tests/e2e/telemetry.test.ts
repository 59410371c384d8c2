import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attenuateToBearer } from '@talosprotocol/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  chatAnswer,
  chatEvents,
  messageAnswer,
  sendJson,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { attributesTable, SPAN_ATTRIBUTES } from '../../packages/server/src/platform/telemetry/attributes.js';
import { parsePrometheus } from '../../packages/server/src/platform/testing/prometheus-text.js';
import { type LlmWorld, openLlmWorld, PROVIDER_KEYS } from '../support/llm-world.js';
import { callOnce } from '../support/mcp-clients.js';
import { type OtlpReceiver, openOtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.js';
import { castOf, deps, openWorld, seconds, type World } from '../support/world.js';

const PAGE = fileURLToPath(new URL('../../docs/spec/telemetry.md', import.meta.url));
const TOKEN = 'otlp-canary-token';
const environment = ({ url }: OtlpReceiver, more: Record<string, string> = {}) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${TOKEN}`,
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  OTEL_BSP_SCHEDULE_DELAY: '20',
  OTEL_EXPORTER_OTLP_TIMEOUT: '3000',
  OTEL_SERVICE_NAME: 'talos-test',
  ...more,
});
/** What the conventions say of content, and a word of each kind of it. */
const CANARY = {
  prompt: 'canary-prompt-7a',
  answer: 'canary-answer-8b',
  argument: 'canary-argument-9c',
} as const;
const ASK = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: CANARY.prompt }] };
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

/** The span of a receipt and those below it, once all have arrived. */
async function spansOf(receiver: OtlpReceiver, receipt: string | null) {
  const found = (): ReceivedSpan | undefined =>
    receiver.spans.find(
      ({ kind, attributes }) => kind === 'server' && attributes['talos.receipt'] === receipt,
    );
  await expect.poll(found).toBeDefined();
  const server = found() as ReceivedSpan;
  return { server, below: receiver.spans.filter(({ parentSpanId }) => parentSpanId === server.spanId) };
}

async function metricsOf({ ready, adminToken }: Pick<World, 'ready' | 'adminToken'>) {
  const headers = { authorization: `Bearer ${adminToken}` };
  const answer = await fetch(new URL('/metrics', ready.gateway), { headers });
  const samples = [...parsePrometheus(await answer.text()).values()].flatMap((family) => family.samples);
  return (name: string, labels: Readonly<Record<string, string>>): number =>
    samples.find(
      (one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value),
    )?.value ?? 0;
}

describe('spans of calls of models', () => {
  let receiver: OtlpReceiver;
  let world: LlmWorld;
  let key: string;
  beforeAll(async () => {
    receiver = await openOtlpReceiver();
    world = await openLlmWorld(environment(receiver));
    key = await world.key();
  });
  afterAll(async () => {
    await world?.close();
    await receiver?.close();
  });
  beforeEach(() => {
    world.openai.answer = chatAnswer(`${CANARY.answer} there`);
    world.openai.asked.length = 0;
  });

  const post = async (path: string, body: object, headers: Record<string, string> = {}, credential = key) => {
    const response = await fetch(`${world.ready.gateway}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${credential}`, ...headers },
      body: JSON.stringify(body),
    });
    await response.text();
    return { status: response.status, receipt: response.headers.get('x-talos-receipt') };
  };
  const chat = (body: object = ASK, headers: Record<string, string> = {}, credential = key) =>
    post('/v1/chat/completions', body, headers, credential);

  // TEL-1, TEL-4, TEL-6
  it('say what was asked, what was decided and what it came to', async () => {
    const { receipt } = await chat({ ...ASK, max_tokens: 50, temperature: 0.5 });
    const { server, below } = await spansOf(receiver, receipt);
    const { decision } = await world.record(receipt);
    expect(server).toMatchObject({ name: 'chat gpt-4o-mini', kind: 'server', isError: false });
    expect(server.parentSpanId).toBeUndefined();
    expect(server.attributes).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4o-mini',
      'gen_ai.request.max_tokens': 50,
      'gen_ai.request.temperature': 0.5,
      'gen_ai.response.model': 'gpt-4o-mini',
      'gen_ai.usage.input_tokens': 12,
      'gen_ai.usage.output_tokens': 3,
      'talos.cost': 42,
      'talos.currency': 'USD',
      'talos.decision': 'allow',
      'talos.outcome': 'completed',
      'talos.policy': decision.policy,
      'talos.receipt': receipt,
      'talos.request': decision.request,
      'talos.lid': expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(below).toHaveLength(1);
    const [client] = below;
    expect(client).toMatchObject({ name: 'chat gpt-4o-mini', kind: 'client', traceId: server.traceId });
    expect(client?.attributes).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4o-mini',
      'gen_ai.response.model': 'gpt-4o-mini',
      'talos.outcome': 'completed',
      'talos.receipt': receipt,
    });
    expect(Math.abs(server.startMs - Date.now())).toBeLessThan(60_000);
    expect(client?.startMs).toBeGreaterThanOrEqual(server.startMs);
    expect(client?.endMs).toBeLessThanOrEqual(server.endMs);
    expect(receiver.requests.at(-1)?.url).toBe('/v1/traces');
    expect(receiver.requests.at(-1)?.headers.authorization).toBe(`Bearer ${TOKEN}`);
    expect(receiver.resource).toEqual({
      'service.name': 'talos-test',
      'service.version': expect.any(String),
    });
  });

  // TEL-4
  it('of a stream end with its last bit, and say when the first one came', async () => {
    const events = chatEvents('gpt-4o-mini', `${CANARY.answer} there`);
    world.openai.answer = async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      await new Promise((resolve) => setTimeout(resolve, 150));
      response.write(events.slice(0, 2).join(''));
      await new Promise((resolve) => setTimeout(resolve, 400));
      response.end(events.slice(2).join(''));
    };
    const { receipt } = await chat({ ...ASK, stream: true });
    const { server, below } = await spansOf(receiver, receipt);
    expect(server.attributes).toMatchObject({
      'gen_ai.request.stream': true,
      'gen_ai.response.model': 'gpt-4o-mini',
      'gen_ai.usage.output_tokens': 3,
    });
    expect(server.endMs - server.startMs).toBeGreaterThan(500);
    const first = below[0]?.attributes['gen_ai.response.time_to_first_chunk'] as number;
    expect(first).toBeGreaterThan(0.1);
    expect(first).toBeLessThan((server.endMs - server.startMs) / 1000 - 0.3);
  });

  // TEL-4
  it('of a denial say why, and of nobody too', async () => {
    const narrow = await world.key([{ scope: 'llm:openai/model:other', ops: ['write'] }]);
    const denied = await chat(ASK, {}, narrow);
    expect(denied.status).toBe(403);
    const { server, below } = await spansOf(receiver, denied.receipt);
    expect(server).toMatchObject({ name: 'chat gpt-4o-mini', isError: true });
    expect(server.attributes).toMatchObject({ 'error.type': 'SCOPE_MISMATCH', 'talos.decision': 'deny' });
    expect(below).toEqual([]);
    const nobody = await chat(ASK, {}, 'talos_x');
    expect(nobody.status).toBe(401);
    const { server: refused } = await spansOf(receiver, nobody.receipt);
    expect(refused).toMatchObject({ name: 'chat', attributes: { 'talos.decision': 'deny' } });
    expect(refused.attributes['talos.lid']).toBeUndefined();
  });

  // TEL-4, TEL-6
  it('of a provider that fails are errors, with what it can have cost marked as estimated', async () => {
    world.openai.answer = (response) => void response.destroy();
    const { status, receipt } = await chat();
    expect(status).toBe(502);
    const { server, below } = await spansOf(receiver, receipt);
    for (const one of [server, ...below]) {
      expect(one.isError).toBe(true);
      expect(one.attributes).toMatchObject({ 'error.type': 'UPSTREAM_FAILED', 'talos.outcome': 'failed' });
    }
    expect(server.attributes).toMatchObject({ 'talos.decision': 'allow', 'talos.usage.estimated': true });
    expect(below).toHaveLength(1);
  });

  it('of a provider that refuses, and of a stream that is cut, are errors too', async () => {
    world.openai.answer = (response) =>
      sendJson(response, 400, {
        error: { message: `about ${CANARY.answer}`, type: 'invalid_request_error' },
      });
    const refused = await chat();
    expect(refused.status).toBe(400);
    expect((await spansOf(receiver, refused.receipt)).server.attributes['error.type']).toBe(
      'UPSTREAM_FAILED',
    );
    world.openai.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(chatEvents('gpt-4o-mini', CANARY.answer)[1]);
    };
    const cut = await chat({ ...ASK, stream: true });
    expect((await spansOf(receiver, cut.receipt)).server).toMatchObject({
      isError: true,
      attributes: { 'error.type': 'UPSTREAM_FAILED', 'talos.outcome': 'failed' },
    });
  });

  // TEL-4, TEL-6
  it('of an alias have one below for each model that is asked, and the sum of them', async () => {
    await world.configure((document) => ({
      ...document,
      aliases: { small: { models: [{ model: 'openai/no-price' }, { model: 'openai/gpt-4o-mini' }] } },
    }));
    const good = chatAnswer('fine');
    world.openai.answer = (response, asked) =>
      asked.body.model === 'no-price' ? sendJson(response, 500, { error: {} }) : good(response, asked);
    const { status, receipt } = await chat({ ...ASK, model: 'small' });
    expect(status).toBe(200);
    const { server, below } = await spansOf(receiver, receipt);
    expect(server).toMatchObject({ name: 'chat gpt-4o-mini', isError: false });
    expect(server.attributes).toMatchObject({ 'gen_ai.usage.input_tokens': 12, 'talos.cost': 42 });
    expect(below.map(({ name, isError }) => [name, isError])).toEqual([
      ['chat no-price', true],
      ['chat gpt-4o-mini', false],
    ]);
    expect(new Set(below.map(({ attributes }) => attributes['talos.receipt'])).size).toBe(2);
  });

  it('are named after what is done', async () => {
    world.anthropic.answer = messageAnswer(CANARY.answer);
    const message = await post('/anthropic/v1/messages', {
      ...ASK,
      model: 'claude-sonnet-4-5',
      max_tokens: 9,
    });
    const { server } = await spansOf(receiver, message.receipt);
    expect(server.name).toBe('chat claude-sonnet-4-5');
    expect(server.attributes).toMatchObject({
      'gen_ai.usage.input_tokens': 16,
      'gen_ai.usage.cache_read.input_tokens': 4,
      'gen_ai.usage.cache_write.input_tokens': 2,
    });
    world.openai.answer = (response) =>
      sendJson(response, 200, {
        object: 'list',
        data: [],
        model: 'x',
        usage: { prompt_tokens: 4, total_tokens: 4 },
      });
    const embedded = await post('/v1/embeddings', { model: 'text-embedding-3-small', input: CANARY.prompt });
    expect((await spansOf(receiver, embedded.receipt)).server).toMatchObject({
      name: 'embeddings text-embedding-3-small',
      attributes: {
        'gen_ai.operation.name': 'embeddings',
        'gen_ai.response.model': 'x',
        'gen_ai.usage.input_tokens': 4,
      },
    });
  });

  // TEL-3
  it('say which model the provider says it was, and nothing else that it says there', async () => {
    const saying = (model: unknown) => {
      world.openai.answer = (response) => sendJson(response, 200, { model, choices: [], usage: {} });
    };
    saying('gpt-4o-mini-2024-07-18');
    const named = await chat();
    const { server, below } = await spansOf(receiver, named.receipt);
    for (const { attributes } of [server, ...below])
      expect(attributes).toMatchObject({
        'gen_ai.request.model': 'gpt-4o-mini',
        'gen_ai.response.model': 'gpt-4o-mini-2024-07-18',
      });
    for (const model of [CANARY.answer.repeat(40), `${CANARY.answer} <b>`, { [CANARY.answer]: 1 }]) {
      saying(model);
      const { receipt } = await chat();
      expect((await spansOf(receiver, receipt)).server.attributes).not.toHaveProperty(
        'gen_ai.response.model',
      );
    }
  });

  // TEL-5, TEL-7
  it('go on a trace of the caller, of which the provider hears nothing', async () => {
    const more = { tracestate: 'vendor=canary-state', baggage: 'user=canary-baggage' };
    const { receipt } = await chat(ASK, { traceparent: `00-${TRACE}-${SPAN}-00`, ...more });
    const { server, below } = await spansOf(receiver, receipt);
    expect([server.traceId, server.parentSpanId]).toEqual([TRACE, SPAN]);
    expect(below[0]?.traceId).toBe(TRACE);
    const headers = world.openai.asked[0]?.headers ?? {};
    expect(['traceparent', 'tracestate', 'baggage', 'b3'].filter((name) => name in headers)).toEqual([]);
    const other = await chat(ASK, { traceparent: `00-${TRACE}-${SPAN}-zz` });
    const { server: own } = await spansOf(receiver, other.receipt);
    expect(own.traceId).not.toBe(TRACE);
    expect(own.parentSpanId).toBeUndefined();
  });

  // TEL-9
  it('have metrics beside them, in which a client names nothing', async () => {
    const count = 'gen_ai_server_request_duration_seconds_count';
    const labels = { gen_ai_operation_name: 'chat', gen_ai_provider_name: 'openai' };
    const known = { ...labels, gen_ai_request_model: 'gpt-4o-mini' };
    const before = await metricsOf(world);
    await chat();
    await chat({ ...ASK, stream: true });
    await chat({ ...ASK, model: 'made-up-by-a-client' });
    const after = await metricsOf(world);
    const grown = (name: string, of: Readonly<Record<string, string>>) => after(name, of) - before(name, of);
    expect(grown(count, { ...known, error_type: 'none' })).toBe(2);
    expect(grown('gen_ai_server_time_to_first_token_seconds_count', known)).toBe(1);
    expect(grown('gen_ai_client_token_usage_sum', { ...known, gen_ai_token_type: 'input' })).toBe(24);
    expect(grown('gen_ai_client_token_usage_sum', { ...known, gen_ai_token_type: 'output' })).toBe(6);
    const unknown = { gen_ai_request_model: 'other', error_type: 'UNKNOWN_MODEL' };
    expect(grown(count, unknown)).toBe(1);
    expect(after(count, { gen_ai_request_model: 'made-up-by-a-client' })).toBe(0);
  });

  // TEL-3
  it('hold nothing that is not on the list, and no content, key, token or address', async () => {
    const { receipt } = await chat({ ...ASK, user: 'canary-user', metadata: { a: 'canary-metadata' } });
    await spansOf(receiver, receipt);
    expect(receiver.spans.length).toBeGreaterThan(15);
    const keys = new Set(receiver.spans.flatMap(({ attributes }) => Object.keys(attributes)));
    expect([...keys].filter((one) => !(one in SPAN_ATTRIBUTES))).toEqual([]);
    for (const { rest } of receiver.spans) expect(rest).toMatchObject({ events: [], links: [] });
    const sent = Buffer.concat(receiver.bodies).toString('latin1');
    const secret = key.slice(key.lastIndexOf('~') + 1);
    expect(sent).toContain('gpt-4o-mini');
    for (const word of [
      'canary-',
      TOKEN,
      ...Object.values(PROVIDER_KEYS),
      key,
      secret,
      '127.0.0.1',
      'talos_x',
    ])
      expect(sent, word).not.toContain(word);
  });

  // TEL-8
  it.each<[string, OtlpReceiver['answer']]>([
    ['answers 500', (response) => void response.writeHead(500).end('canary')],
    ['never answers', () => undefined],
    ['answers rubbish', (response) => void response.writeHead(200).end('\u0000<html>')],
    ['breaks off', (response) => void response.destroy()],
  ])('are lost on a receiver that %s, and no call notices', async (_, answer) => {
    const usual = receiver.answer;
    receiver.answer = answer;
    try {
      const began = performance.now();
      for (let call = 0; call < 10; call += 1) expect((await chat()).status).toBe(200);
      expect(performance.now() - began).toBeLessThan(8_000);
    } finally {
      receiver.answer = usual;
    }
  });

  // TEL-8
  it('are told of as failed in the metrics, and once in the log', async () => {
    const usual = receiver.answer;
    receiver.answer = (response) => void response.writeHead(400).end('canary-refusal');
    await chat();
    await expect
      .poll(async () => (await metricsOf(world))('talos_telemetry_spans_total', { result: 'failed' }), {
        timeout: 15_000,
      })
      .toBeGreaterThan(0);
    receiver.answer = usual;
    const { receipt } = await chat();
    await spansOf(receiver, receipt);
    const said = world.log.filter((line) => line.includes('spans are not taken'));
    const again = world.log.filter((line) => line.includes('spans are taken again'));
    expect(said.length).toBeGreaterThan(0);
    expect(said.length - again.length).toBeLessThanOrEqual(1);
    expect(said.join('')).not.toContain(TOKEN);
    expect(said.join('')).not.toContain('canary-refusal');
  });
});

describe('spans of calls of tools', () => {
  let receiver: OtlpReceiver;
  let world: World;
  let key: string;
  beforeAll(async () => {
    receiver = await openOtlpReceiver();
    world = await openWorld(undefined, environment(receiver));
    const cast = await castOf(world, world.files);
    const options = { aud: 'same', grants: 'same', exp: seconds() + 600 } as const;
    key = attenuateToBearer(cast.agentChain, options, cast.agent.signer, deps);
  });
  afterAll(async () => {
    await world?.close();
    await receiver?.close();
  });

  const call = async (
    name: string,
    args: object,
    headers: Record<string, string> = {},
    more: object = {},
  ) => {
    const response = await fetch(`${world.ready.gateway}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${key}`,
        ...headers,
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name, arguments: args, ...more },
      }),
    });
    const answer = (await response.json()) as { result?: { isError?: boolean }; error?: object };
    return { ...answer, receipt: response.headers.get('x-talos-receipt') };
  };

  // TEL-4
  it('are named after the tool, below it the call of its server', async () => {
    const traceparent = `00-${TRACE}-${SPAN}-01`;
    const { receipt } = await call('files__read_text_file', { path: world.files.guide }, { traceparent });
    const { server, below } = await spansOf(receiver, receipt);
    expect(server).toMatchObject({ name: 'execute_tool read_text_file', kind: 'server', isError: false });
    expect([server.traceId, server.parentSpanId]).toEqual([TRACE, SPAN]);
    expect(server.attributes).toMatchObject({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'read_text_file',
      'mcp.method.name': 'tools/call',
      'talos.tool_server': 'files',
      'talos.decision': 'allow',
      'talos.outcome': 'completed',
    });
    expect(below).toHaveLength(1);
    expect(below[0]).toMatchObject({ name: 'tools/call read_text_file', kind: 'client', isError: false });
  });

  // TEL-5
  it('go on the trace of their message, before that of its request', async () => {
    const path = world.files.guide;
    const headers = { traceparent: `00-${TRACE}-${SPAN}-01` };
    const own = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`;
    const meta = (traceparent: unknown) => ({ _meta: { traceparent, tracestate: 'v=canary-state' } });
    const good = await call('files__read_text_file', { path }, headers, meta(own));
    const { server } = await spansOf(receiver, good.receipt);
    expect([server.traceId, server.parentSpanId]).toEqual(['c'.repeat(32), 'd'.repeat(16)]);
    for (const none of ['no traceparent', 7]) {
      const bad = await call('files__read_text_file', { path }, headers, meta(none));
      expect((await spansOf(receiver, bad.receipt)).server.traceId).toBe(TRACE);
    }
  });

  it('whose result says that it failed are errors, though HTTP and JSON-RPC say it went well', async () => {
    const path = join(world.files.docs, `${CANARY.argument}.txt`);
    const { receipt, result } = await call('files__read_text_file', { path });
    expect(result?.isError).toBe(true);
    const { server, below } = await spansOf(receiver, receipt);
    for (const one of [server, ...below]) {
      expect(one.isError).toBe(true);
      expect(one.attributes).toMatchObject({ 'error.type': 'tool_error', 'talos.outcome': 'completed' });
    }
  });

  it('that are denied say so, and what is only identified has none', async () => {
    const { receipt } = await call('files__read_text_file', { path: world.files.secret });
    const { server, below } = await spansOf(receiver, receipt);
    expect(server.attributes).toMatchObject({ 'error.type': 'SCOPE_MISMATCH', 'talos.decision': 'deny' });
    expect(below).toEqual([]);
    await callOnce(world.ready.gateway, { key }, 'files__read_text_file', { path: world.files.guide });
    expect(receiver.spans.filter(({ name }) => /initialize|tools\/list/.test(name))).toEqual([]);
    const sent = Buffer.concat(receiver.bodies).toString('latin1');
    for (const word of ['canary-', TOKEN, key, 'guide', 'payroll', world.files.root])
      expect(sent, word).not.toContain(word);
  });

  // TEL-9
  it('have a metric beside them', async () => {
    const metric = await metricsOf(world);
    const name = 'mcp_server_operation_duration_seconds_count';
    const labels = { server: 'files' };
    expect(metric(name, { ...labels, error_type: 'none' })).toBeGreaterThan(0);
    expect(metric(name, { ...labels, error_type: 'tool_error' })).toBe(1);
  });

  // TEL-8
  it('that ended before the process did are handed over at its end', async () => {
    const late = await openOtlpReceiver();
    const other = await openWorld(undefined, environment(late, { OTEL_BSP_SCHEDULE_DELAY: '60000' }));
    const answer = await fetch(`${other.ready.gateway}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'files__x' } }),
    });
    const receipt = answer.headers.get('x-talos-receipt');
    await answer.text();
    expect(late.spans).toEqual([]);
    await other.close();
    await spansOf(late, receipt);
    await late.close();
  });
});

describe('over protobuf, to a receiver that is not there at first', () => {
  // TEL-1, TEL-8
  it('spans are sent in binary form, and calls do not wait for them', async () => {
    const gone = await openOtlpReceiver();
    await gone.close();
    const env = environment(gone, {
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_TIMEOUT: '300',
    });
    const world = await openLlmWorld({ ...env, OTEL_BSP_MAX_QUEUE_SIZE: '8' });
    try {
      const key = await world.key();
      const ask = async () => {
        const answer = await fetch(`${world.ready.gateway}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
          body: JSON.stringify(ASK),
        });
        await answer.text();
        return answer.status;
      };
      const began = performance.now();
      expect(await Promise.all(Array.from({ length: 40 }, ask))).toEqual(Array(40).fill(200));
      expect(performance.now() - began).toBeLessThan(8_000);
      const metric = await metricsOf(world);
      expect(metric('talos_telemetry_spans_total', { result: 'exported' })).toBe(0);
      await expect
        .poll(async () => (await metricsOf(world))('talos_telemetry_spans_total', { result: 'failed' }))
        .toBeGreaterThan(0);
    } finally {
      await world.close();
    }
  });

  it('and what arrives holds no content either', async () => {
    const receiver = await openOtlpReceiver();
    const world = await openLlmWorld(environment(receiver, { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }));
    try {
      world.openai.answer = chatAnswer(CANARY.answer);
      const answer = await fetch(`${world.ready.gateway}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${await world.key()}` },
        body: JSON.stringify(ASK),
      });
      expect(await answer.text()).toContain(CANARY.answer);
      const sent = () => Buffer.concat(receiver.bodies).toString('latin1');
      await expect.poll(sent).toContain('chat gpt-4o-mini');
      expect(receiver.requests[0]?.headers['content-type']).toBe('application/x-protobuf');
      expect(sent()).not.toContain('canary-');
    } finally {
      await world.close();
      await receiver.close();
    }
  });
});

// TEL-3
it('the specification shows the list as the code has it', () => {
  const page = readFileSync(PAGE, 'utf8');
  const from = page.indexOf('\n', page.indexOf('<!-- the allow-list;')) + 1;
  const to = page.indexOf('<!-- end of the allow-list -->');
  expect(from).toBeGreaterThan(1);
  expect(to).toBeGreaterThan(from);
  const wanted = `${page.slice(0, from)}${attributesTable()}\n${page.slice(to)}`;
  if (process.env['TALOS_WRITE_DOCS'] === '1') writeFileSync(PAGE, wanted);
  expect(readFileSync(PAGE, 'utf8')).toBe(wanted);
});
