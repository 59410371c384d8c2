import { afterAll, beforeAll, expect, it } from 'vitest';
import { messageAnswer } from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { type LlmWorld, openLlmWorld } from '../support/llm-world.js';

const BETA = 'fast-mode-2026-02-01';

let world: LlmWorld;
let key: string;
beforeAll(async () => {
  world = await openLlmWorld();
  world.anthropic.answer = messageAnswer('hello');
  key = await world.key();
});
afterAll(() => world?.close());

const allow = (betas: string[]) =>
  world.configure((document) => {
    const { anthropic } = document.providers as Record<string, object>;
    return { ...document, providers: { ...document.providers, anthropic: { ...anthropic, betas } } } as never;
  });

async function ask(beta: string) {
  const headers = { 'content-type': 'application/json', 'x-api-key': key, 'anthropic-beta': beta };
  const messages = [{ role: 'user', content: 'hi' }];
  const body = JSON.stringify({ model: 'claude-sonnet-4-5', max_tokens: 9, messages });
  const url = `${world.ready.gateway}/anthropic/v1/messages`;
  const response = await fetch(url, { method: 'POST', headers, body });
  return { status: response.status, text: await response.text() };
}

// LLM-5
it('the operator adds betas of a provider, and takes them away, while it runs', async () => {
  const refused = await ask(BETA);
  expect(refused.status).toBe(403);
  expect(refused.text).toContain('POLICY_DENIED');
  expect(refused.text).toContain('`betas` of the provider');
  expect(world.anthropic.asked).toEqual([]);
  await allow([BETA]);
  expect((await ask(`${BETA}, effort-2025-11-24`)).status).toBe(200);
  expect(world.anthropic.asked.at(-1)?.headers['anthropic-beta']).toBe(`${BETA},effort-2025-11-24`);
  expect((await ask('another-2026-02-01')).status).toBe(403);
  await allow([]);
  expect((await ask(BETA)).status).toBe(403);
  expect(world.anthropic.asked).toHaveLength(1);
});

// LLM-5
it.each([['a b'], ['a,b'], [''], ['x'.repeat(65)]])(
  'a policy with %j for a beta is not taken',
  async (name) => {
    await allow([BETA]);
    await allow([name]).catch(() => undefined);
    // The one before is still in force.
    expect((await ask(BETA)).status).toBe(200);
  },
);
