import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyBundle } from '@talosprotocol/protocol';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  responseAnswer,
  responseEvent,
  responseEvents,
  sendEvents,
  sendJson,
  wholeResponse,
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
  world.openai.answer = responseAnswer('hello there');
  world.openai.asked.length = 0;
});

const openai = (apiKey = key) => new OpenAI({ apiKey, baseURL: `${world.ready.gateway}/v1`, maxRetries: 0 });
const ASK = { model: 'gpt-4o-mini', input: 'hi' };

async function post(body: object, own = key) {
  const response = await fetch(`${world.ready.gateway}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${own}` },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const isStream = response.headers.get('content-type') === 'text/event-stream';
  return {
    status: response.status,
    receipt: response.headers.get('x-talos-receipt'),
    text,
    body: isStream ? undefined : JSON.parse(text),
  };
}

// LLM-24, LLM-9
describe('a response', () => {
  it('is made for the official client, and kept by nobody', async () => {
    const { data, response } = await openai().responses.create(ASK).withResponse();
    expect(data.output_text).toBe('hello there');
    const [asked] = world.openai.asked;
    expect([asked?.path, asked?.headers.authorization]).toEqual([
      '/v1/responses',
      `Bearer ${PROVIDER_KEYS.openai}`,
    ]);
    expect(asked?.body).toEqual({ ...ASK, store: false });
    expect(response.headers.get('x-talos-model')).toBe('openai/gpt-4o-mini');
    expect(response.headers.get('x-talos-cost')).toBe('42 USD');
    const { decision, outcome } = await world.record(response.headers.get('x-talos-receipt'));
    expect(decision.action).toMatchObject({ method: 'responses', provider: 'openai', op: 'write' });
    expect(outcome).toMatchObject({
      status: 'completed',
      cost: { amount: 42, currency: 'USD' },
      usage: { input: 12, output: 3, cache_read: 4 },
    });
    verifyBundle(await world.audit.bundle(), await world.trust(), crypto);
  });

  it('calls tools of the client, whose results come back whole', async () => {
    const call = { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'add', arguments: '{"a":1}' };
    const thought = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAA' };
    world.openai.answer = (response, { body }) =>
      sendJson(response, 200, wholeResponse(body.model, [thought, { ...call, status: 'completed' }]));
    const tools = [{ type: 'function' as const, name: 'add', parameters: { type: 'object' }, strict: false }];
    const first = await openai().responses.create({
      ...ASK,
      tools,
      include: ['reasoning.encrypted_content'],
    });
    expect(first.output.map(({ type }) => type)).toEqual(['reasoning', 'function_call']);
    world.openai.answer = responseAnswer('it is 2');
    const second = await openai().responses.create({
      ...ASK,
      tools,
      input: [
        { role: 'user', content: 'add' },
        ...(first.output as OpenAI.Responses.ResponseInputItem[]),
        { type: 'function_call_output', call_id: 'c1', output: '2' },
      ],
    });
    expect(second.output_text).toBe('it is 2');
    const [, , fn, output] = world.openai.asked.at(-1)!.body.input;
    expect([fn, output]).toMatchObject([call, { type: 'function_call_output', output: '2' }]);
  });

  it('has what it may write put in under a limit, as its own member', async () => {
    const own = await world.key(undefined, [{ per: 'day', cost: { amount: 1_000_000, currency: 'USD' } }]);
    expect((await post(ASK, own)).status).toBe(200);
    expect(world.openai.asked[0]?.body).toEqual({ ...ASK, store: false, max_output_tokens: 8192 });
    expect((await post({ ...ASK, max_output_tokens: 20 }, own)).status).toBe(200);
    expect(world.openai.asked[1]?.body.max_output_tokens).toBe(20);
    const refused = await post({ ...ASK, max_output_tokens: 200_000 }, own);
    expect([refused.status, refused.body.error.code]).toEqual([402, 'BUDGET_EXCEEDED']);
    const search = await post({ ...ASK, tools: [{ type: 'web_search' }] }, own);
    expect(search.body.error.code).toBe('POLICY_DENIED');
  });

  it('that is not counted is counted for', async () => {
    world.openai.answer = responseAnswer('hello there', null);
    const { receipt } = await post(ASK);
    const { outcome } = await world.record(receipt);
    expect(outcome.usage?.estimated).toBe(true);
    expect(outcome.usage?.output).toBeGreaterThanOrEqual('hello there'.length);
  });

  it('is refused in the form of the protocol', async () => {
    const narrow = await world.key([{ scope: 'llm:openai/model:other', ops: ['write'] }]);
    const refused = await openai(narrow)
      .responses.create(ASK)
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OpenAI.PermissionDeniedError);
    expect(refused).toMatchObject({ status: 403, code: 'SCOPE_MISMATCH' });
    const nobody = await openai('talos_x')
      .responses.create(ASK)
      .catch((error: unknown) => error);
    expect(nobody).toBeInstanceOf(OpenAI.AuthenticationError);
  });

  it('counts pictures, and needs a grant to have one loaded', async () => {
    const picture = (image_url: string) => ({
      ...ASK,
      input: [{ role: 'user', content: [{ type: 'input_image', image_url, detail: 'auto' }] }],
    });
    const held = async ({ receipt }: { receipt: string | null }) =>
      (await world.record(receipt)).decision.held!.amount;
    const plain = await post({ ...picture('data:image/png;base64,AA=='), max_output_tokens: 1 });
    expect(await held(plain)).toBeGreaterThan(40_000);
    const { decision } = await world.record((await post(picture('https://files.example/a.png'))).receipt);
    expect(decision.effect).toBe('allow');
  });
});

const message = (...content: object[]) => ({ input: [{ role: 'user', content }] });
const items = (...input: object[]) => ({ input });
const tool = (given: object) => ({ tools: [given] });

// LLM-24, LLM-25
describe('a request for a response', () => {
  it.each<[string, object, string]>([
    ['has the call kept', { store: true }, 'store'],
    ['goes on without its client', { background: true }, 'background'],
    ['goes on from a kept one', { previous_response_id: 'resp_1' }, 'previous_response_id'],
    ['is in a kept conversation', { conversation: 'conv_1' }, 'conversation'],
    ['is in a conversation by object', { conversation: { id: 'conv_1' } }, 'conversation'],
    ['uses a kept prompt', { prompt: { id: 'pmpt_1' } }, 'prompt'],
    ['refers to a kept item', items({ type: 'item_reference', id: 'msg_0' }), 'item_reference'],
    ['refers to a kept item by its id alone', items({ id: 'msg_0' }), 'item_reference'],
    ['refers to an item of all objects', items({ id: '__proto__' }), 'item_reference'],
    ['thinks of a kept thought', items({ type: 'reasoning', id: 'rs_0', summary: [] }), 'reasoning'],
    [
      'thinks of an empty thought',
      items({ type: 'reasoning', id: 'rs_0', summary: [], encrypted_content: '', content: [] }),
      'reasoning',
    ],
    ['keeps what is cached', { prompt_cache_retention: '24h' }, 'prompt_cache_retention'],
    ['has what is kept summed up', { context_management: [{ type: 'compaction' }] }, 'context_management'],
    ['costs another price', { service_tier: 'priority' }, 'service_tier'],
    ['asks several models', { reasoning: { mode: 'pro' } }, 'reasoning.mode'],
    ['has another model look at it', { moderation: { model: 'x' } }, 'moderation'],
    ['shows kept results', { include: ['file_search_call.results'] }, 'include'],
    ['shows kept pictures', { include: ['message.input_image.image_url'] }, 'include'],
    ['shows what a container wrote', { include: ['code_interpreter_call.outputs'] }, 'include'],
    ['shows what is no name', { include: [{}] }, 'include'],
    ['names a picture', message({ type: 'input_image', file_id: 'file-1' }), 'file_id'],
    [
      'names a picture besides one',
      message({ type: 'input_image', file_id: 'file-1', image_url: 'data:,x' }),
      'file_id',
    ],
    ['names a file', message({ type: 'input_file', file_id: 'file-1' }), 'input_file'],
    ['brings a file', message({ type: 'input_file', file_data: 'x', filename: 'x' }), 'input_file'],
    ['has a disk read', message({ type: 'input_image', image_url: 'file:///etc/passwd' }), 'image_url'],
    [
      'has a host asked by http',
      message({ type: 'input_image', image_url: 'http://10.0.0.1/' }),
      'image_url',
    ],
    [
      'names a file in a result',
      items({ type: 'function_call_output', call_id: 'c', output: [{ type: 'input_file', file_id: 'f' }] }),
      'input_file',
    ],
    [
      'names a file in a screenshot',
      items({
        type: 'computer_call_output',
        call_id: 'c',
        output: { type: 'computer_screenshot', file_id: 'f' },
      }),
      'file_id',
    ],
    [
      'names a file in a note',
      items({
        type: 'message',
        id: 'msg_1',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'x', annotations: [{ type: 'file_citation', file_id: 'f' }] }],
      }),
      'annotation',
    ],
    [
      'goes on in a container',
      items({ type: 'code_interpreter_call', id: 'ci_1', container_id: 'cntr_1', code: 'x' }),
      'code_interpreter_call',
    ],
    [
      'brings tools as an item',
      items({ type: 'additional_tools', tools: [{ type: 'mcp' }] }),
      'additional_tools',
    ],
    ['approves what was not asked', items({ type: 'mcp_approval_response', approve: true }), 'mcp_approval'],
    ['has an item of no type', items({ type: 7 }), 'an item'],
    ['has an item of a type of all objects', items({ type: 'constructor' }), 'an item of another type'],
    ['has an item with more to it', items({ role: 'user', content: 'x', file_id: 'f' }), 'file_id'],
    ['searches kept files', tool({ type: 'file_search', vector_store_ids: ['vs_1'] }), 'vector_store_ids'],
    ['uses a kept container', tool({ type: 'code_interpreter', container: 'cntr_1' }), 'container'],
    ['uses a container of no kind', tool({ type: 'code_interpreter' }), 'container'],
    [
      'loads kept files into one',
      tool({ type: 'code_interpreter', container: { type: 'auto', file_ids: ['f'] } }),
      'file_ids',
    ],
    [
      'gives one a network',
      tool({ type: 'code_interpreter', container: { type: 'auto', network_policy: { type: 'allowlist' } } }),
      'network_policy',
    ],
    [
      'uses a kept container in a shell',
      tool({ type: 'shell', environment: { type: 'container_reference', container_id: 'c' } }),
      'environment',
    ],
    [
      'uses a connector',
      tool({ type: 'mcp', server_label: 'x', connector_id: 'connector_gmail' }),
      'connector_id',
    ],
    ['uses a tunnel', tool({ type: 'mcp', server_url: 'https://x.example', tunnel_id: 't' }), 'tunnel_id'],
    [
      'uses a server by http',
      tool({ type: 'mcp', server_label: 'x', server_url: 'http://10.0.0.1/' }),
      'server_url',
    ],
    ['uses a server nowhere', tool({ type: 'mcp', server_label: 'x' }), 'server_url'],
    ['paints with another model', tool({ type: 'image_generation', model: 'gpt-image-2' }), 'model'],
    [
      'paints over a kept picture',
      tool({ type: 'image_generation', input_image_mask: {} }),
      'input_image_mask',
    ],
    [
      'lets code call tools',
      tool({ type: 'function', name: 'x', allowed_callers: ['programmatic'] }),
      'allowed',
    ],
    ['hides tools in tools', tool({ type: 'namespace', tools: [{ type: 'mcp' }] }), 'tools'],
    ['is no member at all', { no_such: 1 }, 'no_such'],
  ])('is refused, and reaches no provider, if it %s', async (_, more, named) => {
    const answer = await post({ ...ASK, ...more });
    expect([answer.status, answer.body.error.code]).toEqual([403, 'POLICY_DENIED']);
    expect(answer.body.error.hint).toContain(named);
    expect(answer.receipt).toMatch(/^rcp_/);
    expect(world.openai.asked).toEqual([]);
  });

  it.each<[string, object]>([
    ['has no input', { input: undefined }],
    ['has an input of nothing', { input: null }],
    ['has a number for an item', { input: [7] }],
    ['has a text for a part', { input: [{ role: 'user', content: ['x'] }] }],
    ['has no screenshot', items({ type: 'computer_call_output', call_id: 'c' })],
    ['has no picture', message({ type: 'input_image' })],
    ['has a note that is none', message({ type: 'output_text', text: 'x', annotations: ['x'] })],
    ['has a maximum of nothing', { max_output_tokens: 0 }],
    ['has tools that are no list', { tools: { type: 'mcp' } }],
    ['has a tool of no type', { tools: [{ name: 'x' }] }],
    ['has a choice of nothing', { tool_choice: 7 }],
    ['has instructions by object', { instructions: { id: 'x' } }],
    ['is a stream perhaps', { stream: 'yes' }],
  ])('is not of the protocol if it %s', async (_, more) => {
    const answer = await post({ ...ASK, ...more });
    expect([answer.status, answer.body.error.code]).toEqual([400, 'MALFORMED']);
    expect(world.openai.asked).toEqual([]);
  });

  it.each<[string, object]>([
    ['says that nothing is kept', { store: false, background: false }],
    ['says nothing of what is kept', { previous_response_id: null, conversation: null, prompt: null }],
    [
      'says how it is answered',
      {
        text: { verbosity: 'low' },
        reasoning: { effort: 'low', summary: 'auto' },
        include: ['reasoning.encrypted_content'],
      },
    ],
    ['asks for no padding', { stream_options: { include_obfuscation: false } }],
    [
      'has whole thoughts',
      items({ type: 'reasoning', id: 'rs_1', summary: [], content: [{ type: 'reasoning_text', text: 'x' }] }),
    ],
    [
      'has what was written before',
      items({
        role: 'assistant',
        content: [
          {
            type: 'output_text',
            text: 'x',
            annotations: [{ type: 'url_citation', url: 'https://x.example' }],
          },
        ],
      }),
    ],
  ])('passes if it %s', async (_, more) => {
    const answer = await post({ ...ASK, ...more });
    expect(answer.status, answer.text).toBe(200);
    expect(world.openai.asked[0]?.body).toEqual({ ...ASK, ...more, store: false });
  });

  it.each<[object, string | undefined]>([
    [tool({ type: 'web_search', search_context_size: 'low' }), 'web_search'],
    [tool({ type: 'code_interpreter', container: { type: 'auto' } }), 'code_interpreter'],
    [tool({ type: 'image_generation', quality: 'low' }), 'image_generation'],
    [tool({ type: 'mcp', server_label: 'x', server_url: 'https://x.example' }), 'mcp'],
    [tool({ type: 'local_shell' }), 'local_shell'],
    [tool({ type: 'not_yet_thought_of' }), 'not_yet_thought_of'],
    [{ tool_choice: { type: 'web_search_preview' } }, 'web_search_preview'],
    [{ tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'mcp' }] } }, 'mcp'],
    [message({ type: 'input_image', image_url: 'https://files.example/a.png' }), 'fetch'],
    [tool({ type: 'function', name: 'x', parameters: {} }), undefined],
    [tool({ type: 'custom', name: 'x' }), undefined],
    [{ tool_choice: { type: 'function', name: 'x' } }, undefined],
    [{ tool_choice: 'required' }, undefined],
  ])('%j brings %s into play', async (more, feature) => {
    const { receipt } = await post({ ...ASK, ...more });
    const { decision } = await world.record(receipt);
    const { disclosures } = await world.audit.event(decision.id);
    const items = disclosures?.find(({ pointer }) => pointer === '/items')?.value as { scope: string }[];
    const model = 'llm:openai/model:gpt-4o-mini';
    const scopes = feature === undefined ? [model] : [model, `${model}/feature:${feature}`];
    expect(items.map(({ scope }) => scope)).toEqual(scopes);
  });
});

// LLM-26, LLM-8
describe('a stream of a response', () => {
  const STREAM = { ...ASK, stream: true, max_output_tokens: 100 };

  it('is read by the official client to its end', async () => {
    const stream = openai().responses.stream({ ...ASK, max_output_tokens: 100 });
    const types = [];
    for await (const { type } of stream) types.push(type);
    expect([types[0], types.at(-1)]).toEqual(['response.created', 'response.completed']);
    expect((await stream.finalResponse()).output_text).toBe('hello there');
    expect(world.openai.asked[0]?.body).toMatchObject({ stream: true, store: false });
  });

  it.each(['completed', 'incomplete', 'failed'] as const)(
    'ends when it is %s, and is counted',
    async (last) => {
      world.openai.answer = (response) => sendEvents(response, responseEvents('m', 'a b', undefined, last));
      const { text, receipt } = await post(STREAM);
      expect(text).toContain(`event: response.${last}\n`);
      expect(text).not.toContain('event: error');
      const { outcome } = await world.record(receipt);
      expect(outcome).toMatchObject({ status: 'completed', usage: { input: 12, output: 3, cache_read: 4 } });
    },
  );

  it('that failed says nothing of why, which may be of the account of the operator', async () => {
    const [first = '', ...rest] = responseEvents('m', 'a b', undefined, 'failed');
    const error = { code: 'server_error', message: 'quota of org-77' };
    const response = { id: 'r', status: 'failed', error, output: [] };
    const failed = responseEvent({ type: 'response.failed', response });
    for (const [events, told] of [
      [[first, ...rest.slice(0, -1), failed], 'event: response.failed\n'],
      [[first, failed], 'event: error\n'],
    ] as const) {
      world.openai.answer = (answer) => sendEvents(answer, events);
      const { text } = await post(STREAM);
      expect(text).not.toContain('org-77');
      expect(text).toContain(told);
    }
  });

  it('that is not counted is estimated', async () => {
    world.openai.answer = (response) => sendEvents(response, responseEvents('m', 'a b c', null));
    const { outcome } = await world.record((await post(STREAM)).receipt);
    expect(outcome.usage).toMatchObject({ estimated: true });
    expect(outcome.usage!.output).toBeGreaterThanOrEqual(5);
  });

  it.each<[string, readonly string[]]>([
    ['ends too early', responseEvents('m', 'a b').slice(0, 5)],
    ['ends with no event of its own', [...responseEvents('m', 'a b').slice(0, 5), 'data: [DONE]\n\n']],
    ['sends what is no JSON', ['event: response.created\ndata: {"type":\n\n']],
    [
      'ends with an error',
      [
        ...responseEvents('m', 'a b').slice(0, 5),
        responseEvent({ type: 'error', code: 'server_error', message: 'org-secret at /srv/x' }),
      ],
    ],
  ])('of a provider that %s ends in an error that clients understand', async (_, events) => {
    world.openai.answer = (response) => sendEvents(response, events);
    const { text, receipt } = await post(STREAM);
    expect(text).not.toContain('org-secret');
    const told = JSON.parse(text.trim().split('\ndata: ').at(-1)!);
    expect(told).toMatchObject({ type: 'error', code: 'UPSTREAM_FAILED', param: null, sequence_number: 0 });
    expect((await world.record(receipt)).outcome).toMatchObject({
      status: 'failed',
      usage: { estimated: true },
    });
    const reading = openai().responses.create({ ...ASK, stream: true });
    await expect(
      (async () => {
        for await (const _event of await reading);
      })(),
    ).rejects.toThrow(OpenAI.APIError);
  });

  it('is cut when its provider writes more than was asked for and held, whatever it writes', async () => {
    const kinds = [
      'output_text',
      'refusal',
      'function_call_arguments',
      'reasoning_text',
      'not_yet_thought_of',
    ];
    for (const kind of kinds) {
      const delta = responseEvent({ type: `response.${kind}.delta`, delta: 'word ' });
      world.openai.answer = async (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(delta.repeat(40));
        // What comes in one read is passed on as one: the rest comes later, if anybody still reads.
        await Promise.race([once(response, 'close'), sleep(5_000)]);
        response.end(delta.repeat(1_960));
      };
      const { text, receipt } = await post({ ...STREAM, max_output_tokens: 10 });
      expect(text).toContain('"code":"BUDGET_EXCEEDED"');
      expect(text.match(/word/g)!.length).toBeLessThan(100);
      const { decision, outcome } = await world.record(receipt);
      expect(outcome.cost!.amount).toBeLessThanOrEqual(decision.held!.amount);
    }
  });

  it('may sum up thoughts in more words than it was asked for', async () => {
    const delta = responseEvent({ type: 'response.reasoning_summary_text.delta', delta: 'word ' });
    const events = responseEvents('m', 'a b');
    world.openai.answer = (response) =>
      sendEvents(response, [events[0]!, ...Array.from({ length: 50 }, () => delta), ...events.slice(1)]);
    const { text } = await post({ ...STREAM, max_output_tokens: 10 });
    expect(text).toContain('response.completed');
  });
});
