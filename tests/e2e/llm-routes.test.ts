import { verifyBundle } from '@talosprotocol/protocol';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { embeddingAnswer } from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
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
const asks = (own: string) => ({ 'content-type': 'application/json', authorization: `Bearer ${own}` });

async function post(path: string, body: unknown, own = key) {
  const url = `${world.ready.gateway}${path}`;
  const response = await fetch(url, { method: 'POST', headers: asks(own), body: JSON.stringify(body) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
}

const EMBED = { model: 'text-embedding-3-small', input: 'good day' };

// LLM-11
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
