import { type ClientRequest, request } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { chatAnswer, sendJson } from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { type LlmWorld, openLlmWorld } from '../support/llm-world.js';

let world: LlmWorld;
let keys: readonly string[];
beforeAll(async () => {
  world = await openLlmWorld();
});
afterAll(() => world?.close());
beforeEach(async () => {
  world.openai.answer = chatAnswer('hello');
  keys = [await world.key(), await world.key()];
});

// Two of these are within what one caller may have at a time, three are not.
const LARGE = Buffer.alloc(13_000_000, 7).toString('base64').slice(0, 15_000_000);
const picture = { type: 'image_url', image_url: { url: `data:image/png;base64,${LARGE}` } };
const BODY = JSON.stringify({
  model: 'gpt-4o-mini',
  max_tokens: 1,
  messages: [{ role: 'user', content: [picture] }],
});

/** Sends all of the body, or all but its last byte. */
function send(key: string, body = BODY, isWhole = true) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const length = { 'content-length': Buffer.byteLength(body) };
  const url = new URL('/v1/chat/completions', world.ready.gateway);
  const call: ClientRequest = request(url, {
    method: 'POST',
    agent: false,
    headers: { ...headers, ...length },
  });
  const answer = new Promise<{ status: number; body: string }>((resolve, reject) => {
    call.on('error', reject).on('response', async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode ?? 0, body: text });
    });
  });
  answer.catch(() => undefined);
  const sent = new Promise<void>((resolve) => call.write(body.slice(0, -1), () => resolve()));
  if (isWhole) call.end(body.slice(-1));
  return { call, answer, sent };
}

const statusOf = async (key: string, body = BODY): Promise<number> => (await send(key, body).answer).status;

// LLM-1
it('several large bodies of one caller have a part of the room alone, until their clients leave', async () => {
  const [greedy = '', other = ''] = keys;
  const held = [send(greedy, BODY, false), send(greedy, BODY, false)];
  await Promise.all(held.map(({ sent }) => sent));
  // Until its answer what was sent before has come too.
  expect(await statusOf(other)).toBe(200);
  const refused = await send(greedy).answer;
  expect(refused.status).toBe(429);
  expect(JSON.parse(refused.body).error).toMatchObject({ code: 'RATE_LIMITED' });
  expect(refused.body).toContain('one after the other');
  expect(await statusOf(other)).toBe(200);
  for (const { call } of held) call.destroy();
  await expect.poll(() => statusOf(greedy), { timeout: 20_000 }).toBe(200);
}, 60_000);

// LLM-1
it('is given back when a call is answered, fails at its provider, or is refused', async () => {
  const [key = ''] = keys;
  for (let times = 0; times < 3; times += 1) expect(await statusOf(key)).toBe(200);
  world.openai.answer = (response) => sendJson(response, 400, { error: { message: 'no' } });
  for (let times = 0; times < 3; times += 1) expect(await statusOf(key)).toBe(400);
  const wrong = BODY.replace('"max_tokens":1', '"max_tokens":-1');
  for (let times = 0; times < 3; times += 1) expect(await statusOf(key, wrong)).toBe(400);
  const none = BODY.slice(0, -1);
  for (let times = 0; times < 3; times += 1) expect(await statusOf(key, none)).toBe(400);
  world.openai.answer = chatAnswer('hello');
  expect(await statusOf(key)).toBe(200);
}, 60_000);
