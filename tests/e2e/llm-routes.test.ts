import Anthropic from '@anthropic-ai/sdk';
import { parseBearerKey, verifyBundle } from '@talosprotocol/protocol';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { embeddingAnswer, sendJson } from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
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
  world.openai.answer = embeddingAnswer();
  world.openai.asked.length = 0;
  world.anthropic.asked.length = 0;
});

const openai = (apiKey = key) => new OpenAI({ apiKey, baseURL: `${world.ready.gateway}/v1`, maxRetries: 0 });
const anthropic = (apiKey = key) =>
  new Anthropic({ apiKey, baseURL: `${world.ready.gateway}/anthropic`, maxRetries: 0 });
const asks = (own: string) => ({ 'content-type': 'application/json', authorization: `Bearer ${own}` });

async function post(path: string, body: unknown, own = key) {
  const url = `${world.ready.gateway}${path}`;
  const response = await fetch(url, { method: 'POST', headers: asks(own), body: JSON.stringify(body) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
}

const EMBED = { model: 'text-embedding-3-small', input: 'good day' };

// LLM-21
describe('embeddings', () => {
  it('are made for the official client, and are on record with what was read', async () => {
    const { data, response } = await openai().embeddings.create(EMBED).withResponse();
    expect(data.data[0]?.embedding).toEqual([0.25, -0.5]);
    expect(data.usage.prompt_tokens).toBe(7);
    const [asked] = world.openai.asked;
    expect([asked?.path, asked?.headers.authorization]).toEqual([
      '/v1/embeddings',
      `Bearer ${PROVIDER_KEYS.openai}`,
    ]);
    expect(response.headers.get('x-talos-cost')).toBe('7 USD');
    const { decision, outcome } = await world.record(response.headers.get('x-talos-receipt'));
    expect(decision.action).toEqual({
      method: 'embeddings',
      provider: 'openai',
      model: 'text-embedding-3-small',
      op: 'write',
    });
    expect(outcome).toMatchObject({ usage: { input: 7, output: 0 }, cost: { amount: 7, currency: 'USD' } });
    verifyBundle(await world.audit.bundle(), await world.trust(), crypto);
  });

  it.each([[['one', 'two']], [[1, 2, 3]], [[[1, 2], [3]]]])('are made of %j too', async (input) => {
    expect((await post('/v1/embeddings', { ...EMBED, input, encoding_format: 'float' })).status).toBe(200);
    expect(world.openai.asked[0]?.body.input).toEqual(input);
  });

  it('hold what the request can be read as, and nothing for what is written', async () => {
    const answer = await post('/v1/embeddings', EMBED);
    const { decision } = await world.record(answer.headers.get('x-talos-receipt'));
    expect(decision.held!.amount).toBe(1024 + JSON.stringify(EMBED).length);
    const own = await world.key(undefined, [{ per: 'total', tokens: 1_100 }]);
    expect((await post('/v1/embeddings', EMBED, own)).status).toBe(200);
    const long = await post('/v1/embeddings', { ...EMBED, input: 'x'.repeat(2000) }, own);
    expect([long.status, long.body.error.code]).toEqual([402, 'BUDGET_EXCEEDED']);
    // Not put in: it is no member of this protocol.
    expect(world.openai.asked.map(({ body }) => Object.keys(body).sort())).toEqual([
      ['input', 'model'],
      ['input', 'model'],
    ]);
  });

  it('whose provider does not count are counted as what was held, and said to be estimated', async () => {
    world.openai.answer = embeddingAnswer(null);
    const answer = await post('/v1/embeddings', EMBED);
    const { decision, outcome } = await world.record(answer.headers.get('x-talos-receipt'));
    expect(outcome.usage).toEqual({ input: decision.held!.amount, output: 0, estimated: true });
  });

  it('are never a stream, whatever the provider sends', async () => {
    world.openai.answer = (response) =>
      void response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {}\n\n');
    const answer = await post('/v1/embeddings', EMBED);
    expect([answer.status, answer.body.error.code]).toEqual([502, 'UPSTREAM_FAILED']);
  });

  it.each<[string, object, string]>([
    ['has another member', { stream: true }, 'POLICY_DENIED'],
    ['lets it choose models', { models: ['x'] }, 'POLICY_DENIED'],
    ['names a file', { input: { file_id: 'file-1' } }, 'MALFORMED'],
    ['names files in a list', { input: [{ file_id: 'file-1' }] }, 'MALFORMED'],
    ['is empty', { input: [] }, 'MALFORMED'],
    ['has a list in a list in a list', { input: [[[1]]] }, 'MALFORMED'],
    ['mixes texts and tokens', { input: ['a', 1] }, 'MALFORMED'],
    ['has half a token', { input: [1.5] }, 'MALFORMED'],
    ['wants another form', { encoding_format: 'file' }, 'MALFORMED'],
    ['wants no dimensions', { dimensions: 0 }, 'MALFORMED'],
    ['names a model of another protocol', { model: 'claude-sonnet-4-5' }, 'UNKNOWN_MODEL'],
  ])('are refused, and reach no provider, if the request %s', async (_, more, code) => {
    const answer = await post('/v1/embeddings', { ...EMBED, ...more });
    expect(answer.body.error).toMatchObject({ code, hint: expect.any(String) });
    expect(answer.headers.get('x-talos-receipt')).toMatch(/^rcp_/);
    expect(world.openai.asked).toEqual([]);
  });

  it('need a grant for their model', async () => {
    const narrow = await world.key([{ scope: 'llm:openai/model:gpt-4o-mini', ops: ['read', 'write'] }]);
    const refused = await openai(narrow)
      .embeddings.create(EMBED)
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OpenAI.PermissionDeniedError);
    expect(refused).toMatchObject({ status: 403, code: 'SCOPE_MISMATCH' });
    expect(world.openai.asked).toEqual([]);
  });
});

// LLM-22
describe('the list of models', () => {
  const idsOf = async (own = key) => (await openai(own).models.list()).data.map(({ id }) => id).sort();
  const get = async (path: string, headers: Record<string, string> = { authorization: `Bearer ${key}` }) => {
    const response = await fetch(`${world.ready.gateway}${path}`, { headers });
    return { status: response.status, body: JSON.parse(await response.text()) };
  };

  it('has in each protocol the models of its providers that the policy names', async () => {
    const { data } = await openai().models.list();
    expect(data.find(({ id }) => id === 'gpt-4o-mini')).toEqual({
      id: 'gpt-4o-mini',
      object: 'model',
      created: 0,
      owned_by: 'openai',
    });
    expect(await idsOf()).toEqual(['gpt-4o-mini', 'no-price', 'text-embedding-3-small']);
    const claudes = [];
    for await (const model of anthropic().models.list()) claudes.push(model);
    expect(claudes).toEqual([
      {
        type: 'model',
        id: 'claude-sonnet-4-5',
        display_name: 'claude-sonnet-4-5',
        created_at: '1970-01-01T00:00:00Z',
      },
    ]);
    expect([world.openai.asked, world.anthropic.asked]).toEqual([[], []]);
  });

  it('is for sessions too, and of their own reach', async () => {
    const agent = await world.agent([{ scope: 'llm:openai/model:no-price', ops: ['write'] }]);
    for (const path of ['/v1/models', '/v1/models']) {
      const response = await agent.fetch(`${world.ready.gateway}${path}`);
      const { data } = JSON.parse(await response.text());
      expect(data.map(({ id }: { id: string }) => id)).toEqual(['no-price']);
    }
    expect((await agent.fetch(`${world.ready.gateway}/v1/models/gpt-4o-mini`)).status).toBe(404);
    expect((await agent.fetch(`${world.ready.gateway}/anthropic/v1/models/no-price`)).status).toBe(404);
  });

  it('has one of them by its name, also with its provider', async () => {
    expect((await openai().models.retrieve('gpt-4o-mini')).owned_by).toBe('openai');
    expect((await openai().models.retrieve('openai/gpt-4o-mini')).id).toBe('openai/gpt-4o-mini');
    expect((await anthropic().models.retrieve('claude-sonnet-4-5')).type).toBe('model');
  });

  it('shows what every link reaches, for calling or for counting, and of the rest not that it is there', async () => {
    const grant = (scope: string, ops: ('read' | 'write')[] = ['write']) => [{ scope, ops }];
    expect(await idsOf(await world.key(grant('llm:openai/model:gpt-*')))).toEqual(['gpt-4o-mini']);
    expect(await idsOf(await world.key(grant('llm:openai', ['read'])))).toHaveLength(3);
    expect(await idsOf(await world.key(grant('llm:anthropic')))).toEqual([]);
    expect(await idsOf(await world.key(grant('llm:openai/model:gpt-4o-mini/feature:fetch')))).toEqual([]);
    const narrow = await world.key(grant('llm:openai/model:no-price'));
    const hidden = await openai(narrow)
      .models.retrieve('gpt-4o-mini')
      .catch((error: unknown) => error);
    expect(hidden).toBeInstanceOf(OpenAI.NotFoundError);
    const nowhere = await openai(narrow)
      .models.retrieve('gpt-9')
      .catch((error: unknown) => error);
    const told = ({ code, type, param }: InstanceType<typeof OpenAI.APIError>) => ({ code, type, param });
    expect(told(hidden as never)).toEqual(told(nowhere as never));
  });

  it('names a model with its provider where the name alone could mean two', async () => {
    await world.configure((document) => ({
      ...document,
      providers: {
        ...document.providers,
        twin: { ...document.providers!['openai']!, models: { 'gpt-4o-mini': {}, own: {} } },
      },
    }));
    const ids = await idsOf();
    expect(ids).toEqual([
      'no-price',
      'openai/gpt-4o-mini',
      'own',
      'text-embedding-3-small',
      'twin/gpt-4o-mini',
    ]);
    expect((await get('/v1/models/gpt-4o-mini')).status).toBe(404);
    for (const id of ids) expect((await openai().models.retrieve(id)).id).toBe(id);
    await world.configure(({ providers, ...document }) => {
      const { twin: _, ...others } = providers!;
      return { ...document, providers: others };
    });
  });

  it('has nothing of a provider whose models the policy does not name', async () => {
    await world.configure((document) => {
      const { models: _, ...open } = document.providers!['anthropic']!;
      return { ...document, providers: { ...document.providers, open } };
    });
    expect((await get('/anthropic/v1/models')).body.data).toHaveLength(1);
    expect((await get('/anthropic/v1/models/open%2Fclaude-1')).status).toBe(404);
    await world.configure(({ providers, ...document }) => {
      const { open: _, ...others } = providers!;
      return { ...document, providers: others };
    });
  });

  it('is for nobody without a credential, and for none that was revoked', async () => {
    for (const path of ['/v1/models', '/v1/models/gpt-4o-mini', '/anthropic/v1/models'])
      for (const headers of [{}, { authorization: 'Bearer sk-123' }, { 'x-api-key': 'talos_x' }]) {
        const { status, body } = await get(path, headers as Record<string, string>);
        expect([status, typeof body.error.hint]).toEqual([401, 'string']);
      }
    const own = await world.key();
    expect(await idsOf(own)).toHaveLength(3);
    await world.kernel.revoke({ lid: parseBearerKey(own, crypto).chain.links[0]!.lid });
    const refused = await get('/v1/models', { 'x-api-key': own });
    expect([refused.status, refused.body.error.code]).toEqual([401, 'REVOKED']);
  });

  it.each(['..', '%00', '%7F', 'a%2F..%2Fb', 'x'.repeat(200)])('has no model named %s', async (name) => {
    expect([400, 404]).toContain((await get(`/v1/models/${name}`)).status);
  });
});

// LLM-23
describe('a count of tokens', () => {
  const COUNT = { model: 'claude-sonnet-4-5', messages: [{ role: 'user' as const, content: 'hi' }] };
  const PATH = '/anthropic/v1/messages/count_tokens';
  beforeEach(() => {
    world.anthropic.answer = (response) => sendJson(response, 200, { input_tokens: 9 });
  });

  it('is a read, on record, and costs nothing', async () => {
    const { data, response } = await anthropic().messages.countTokens(COUNT).withResponse();
    expect(data.input_tokens).toBe(9);
    const [asked] = world.anthropic.asked;
    expect([asked?.path, asked?.body]).toEqual(['/v1/messages/count_tokens', COUNT]);
    expect(asked?.headers['x-api-key']).toBe(PROVIDER_KEYS.anthropic);
    const { decision, outcome } = await world.record(response.headers.get('x-talos-receipt'));
    expect(decision.action).toMatchObject({ method: 'messages/count_tokens', op: 'read' });
    expect([decision.held, decision.prices, outcome.cost]).toEqual([undefined, undefined, undefined]);
    expect(outcome.usage).toEqual({ input: 0, output: 0 });
    verifyBundle(await world.audit.bundle(), await world.trust(), crypto);
  });

  it('needs the right to read the model, which the right to call it is not', async () => {
    const write = await world.key([{ scope: 'llm:*', ops: ['write'] }]);
    const refused = await post(PATH, COUNT, write);
    expect([refused.status, refused.body.error.code]).toEqual([403, 'SCOPE_MISMATCH']);
    const read = await world.key([{ scope: 'llm:anthropic/model:claude-sonnet-4-5', ops: ['read'] }]);
    expect((await post(PATH, COUNT, read)).status).toBe(200);
    expect((await post('/anthropic/v1/messages', { ...COUNT, max_tokens: 1 }, read)).status).toBe(403);
    expect(world.anthropic.asked).toHaveLength(1);
  });

  it('takes one of the calls of a limit, and nothing of its money or tokens', async () => {
    const limits = [
      { per: 'day' as const, calls: 2 },
      { per: 'day' as const, tokens: 1 },
      { per: 'day' as const, cost: { amount: 1, currency: 'USD' } },
    ];
    const own = await world.key(undefined, limits);
    expect((await post(PATH, COUNT, own)).status).toBe(200);
    expect((await post(PATH, COUNT, own)).status).toBe(200);
    expect((await post(PATH, COUNT, own)).body.error.code).toBe('BUDGET_EXCEEDED');
    expect(world.anthropic.asked).toHaveLength(2);
  });

  it.each<[string, object]>([
    ['writes', { max_tokens: 5 }],
    ['is a stream', { stream: true }],
    [
      'names a file',
      {
        messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'file', file_id: 'f' } }] }],
      },
    ],
    ['brings servers', { mcp_servers: [{ type: 'url', url: 'https://x.example' }] }],
  ])('is refused if its request %s', async (_, more) => {
    const answer = await post(PATH, { ...COUNT, ...more });
    expect([answer.status, answer.body.error.code]).toEqual([403, 'POLICY_DENIED']);
    expect(world.anthropic.asked).toEqual([]);
  });
});
