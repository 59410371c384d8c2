import { createAgent, createIdentity } from '@talosprotocol/sdk';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { messageAnswer } from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { crypto } from '../../packages/server/src/gateway/testing/ports.js';
import { clock, random } from '../../packages/server/src/platform/system.js';
import { type LlmWorld, openLlmWorld } from '../support/llm-world.js';

let world: LlmWorld;
beforeAll(async () => {
  world = await openLlmWorld();
  world.anthropic.answer = messageAnswer('hello');
});
afterAll(() => world?.close());

/** An agent all of whose calls have one `rid`. */
async function repeating() {
  const identity = createIdentity({ crypto });
  const { chain: capability } = await world.kernel.issueCapability({
    sub: identity.did,
    aud: [world.ready.gatewayDid],
    grants: [{ scope: 'llm:*', ops: ['read', 'write'] }],
    exp: Math.floor(clock.now() / 1000) + 3600,
  });
  const { gateway } = world.ready;
  const [now, bytes] = [clock.now(), random(16)];
  const fixed = { now: () => now, random: (length: number) => (length === 16 ? bytes : random(length)) };
  const agent = createAgent({ identity, capability, gateway, crypto, ...fixed });
  const body = JSON.stringify({
    model: 'claude-sonnet-4-5',
    max_tokens: 9,
    messages: [{ role: 'user', content: 'hi' }],
  });
  return async (...betas: readonly string[]) => {
    const more = betas.length === 0 ? {} : { 'anthropic-beta': betas.join(',') };
    const headers = { 'content-type': 'application/json', ...more };
    const response = await agent.fetch(`${gateway}/anthropic/v1/messages`, { method: 'POST', headers, body });
    return { status: response.status, text: await response.text() };
  };
}

const ONE = 'interleaved-thinking-2025-05-14';
const OTHER = 'output-128k-2025-02-19';

// SES-10, LLM-5
it('a call under the same rid is the same one with the same betas alone, in whatever order', async () => {
  const ask = await repeating();
  const first = await ask(ONE, OTHER);
  expect(first.status).toBe(200);
  expect(await ask(OTHER, ONE, ONE)).toEqual(first);
  for (const betas of [[], [ONE], [ONE, OTHER, 'effort-2025-11-24']]) {
    const refused = await ask(...betas);
    expect(refused.status).not.toBe(200);
    expect(refused.text).toContain('REPLAY');
  }
  expect(world.anthropic.asked).toHaveLength(1);
});

// SES-10
it('a call without betas is another one than with some', async () => {
  const ask = await repeating();
  const asked = world.anthropic.asked.length;
  const first = await ask();
  expect(await ask()).toEqual(first);
  expect((await ask(ONE)).text).toContain('REPLAY');
  expect(world.anthropic.asked).toHaveLength(asked + 1);
});
