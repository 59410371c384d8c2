import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Guard } from '@talosprotocol/contracts';
import { createAgent, createIdentity } from '@talosprotocol/sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  chatAnswer,
  messageAnswer,
  responseAnswer,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { crypto } from '../../packages/server/src/gateway/testing/ports.js';
import { clock, random } from '../../packages/server/src/platform/system.js';
import { type LlmWorld, openLlmWorld } from '../support/llm-world.js';

let world: LlmWorld;
let key: string;
beforeAll(async () => {
  world = await openLlmWorld();
  key = await world.key();
});
afterAll(() => world?.close());
beforeEach(() => {
  world.openai.answer = (response, asked) =>
    (asked.path.endsWith('/responses') ? responseAnswer('fine') : chatAnswer('fine'))(response, asked);
  world.anthropic.answer = messageAnswer('fine');
  world.openai.asked.length = 0;
  world.anthropic.asked.length = 0;
});

const guards = (...all: Guard[]) => world.configure((document) => ({ ...document, guards: all }));
const asked = () => world.openai.asked.length + world.anthropic.asked.length;

const SECRET = `ghp_${'a1B2c3D4'.repeat(4)}e5F6`;
const DATA = Buffer.from(`%PDF-1.7 ${SECRET}`).toString('base64');
const url = `data:application/pdf;base64,${DATA}`;
const block = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: DATA } };
const user = (...content: object[]) => ({ messages: [{ role: 'user', content }] });
const CHAT = {
  path: '/v1/chat/completions',
  body: { model: 'gpt-4o-mini', ...user({ type: 'file', file: { file_data: url, filename: 'a.pdf' } }) },
};
const MESSAGES = {
  path: '/anthropic/v1/messages',
  body: { model: 'claude-sonnet-4-5', max_tokens: 50, ...user(block) },
};
const RESPONSES = {
  path: '/v1/responses',
  body: {
    model: 'gpt-4o-mini',
    input: [{ role: 'user', content: [{ type: 'input_file', file_data: url }] }],
  },
};
const FOUND = {
  ...MESSAGES,
  body: { ...MESSAGES.body, ...user({ type: 'tool_result', tool_use_id: 't', content: [block] }) },
};
const STREAM = { ...CHAT, body: { ...CHAT.body, stream: true } };
const ALL = [CHAT, STREAM, MESSAGES, FOUND, RESPONSES] as const;

async function ask({ path, body }: { readonly path: string; readonly body: object }) {
  const response = await fetch(`${world.ready.gateway}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return {
    status: response.status,
    text,
    guard: response.headers.get('x-talos-guard'),
    receipt: response.headers.get('x-talos-receipt'),
  };
}

/** What guards said of a request, as its receipt discloses it. */
async function verdictsOf(receipt: string | null) {
  const { disclosures } = await world.audit.event(receipt?.replace('rcp_', 'evt_') ?? '');
  return disclosures.find(({ pointer }) => pointer === '/guards')?.value;
}

const SECRETS: Guard = { name: 'no-secrets', kind: 'secrets', action: 'block' };

// GRD-9
describe('a guard that cannot read a document', () => {
  it('blocks it on every route before any provider sees it, and says so on record', async () => {
    for (const action of ['block', 'mask'] as const) {
      await guards({ ...SECRETS, action });
      for (const one of ALL) {
        const refused = await ask(one);
        expect(refused.status, refused.text).toBe(403);
        const { error } = JSON.parse(refused.text);
        expect(error).toMatchObject({ code: 'CONTENT_REFUSED', caveat: 'guard no-secrets' });
        expect(error.hint).toContain('found document (1)');
        expect(await verdictsOf(refused.receipt)).toEqual([
          { guard: 'no-secrets', action: 'block', found: { document: 1 } },
        ]);
      }
    }
    expect(asked()).toBe(0);
  });

  it('flags it, or lets it pass, as the operator says', async () => {
    await guards({ ...SECRETS, action: 'flag' }, { ...SECRETS, name: 'else', documents: 'pass' });
    for (const one of ALL) {
      const passed = await ask(one);
      expect([passed.status, passed.guard]).toEqual([200, '"no-secrets";did=flag']);
      expect(await verdictsOf(passed.receipt)).toEqual([
        { guard: 'no-secrets', action: 'flag', found: { document: 1 } },
        { guard: 'else', action: 'allow' },
      ]);
    }
    expect(asked()).toBe(ALL.length);
  });

  it('reads the words of one that is text, and masks them where the model reads them', async () => {
    await guards(SECRETS, { name: 'mails', kind: 'personal', types: ['email'], action: 'mask' });
    const text = (data: string) => ({
      type: 'document',
      source: { type: 'text', media_type: 'text/plain', data },
    });
    const refused = await ask({ ...MESSAGES, body: { ...MESSAGES.body, ...user(text(SECRET)) } });
    expect([refused.status, refused.text.includes('secret (1)')]).toEqual([403, true]);
    const masked = await ask({
      ...MESSAGES,
      body: { ...MESSAGES.body, ...user(text('to jo.doe@example.com')) },
    });
    expect(masked.status).toBe(200);
    expect(world.anthropic.asked[0]?.body.messages).toEqual(user(text('to [EMAIL_1]')).messages);
  });

  it('is not said of a guard that looks at answers alone', async () => {
    const form: Guard = { name: 'form', kind: 'schema', schema: { type: 'string' }, action: 'flag' };
    await guards(form, { ...SECRETS, at: ['answer'] });
    expect((await ask(CHAT)).status).toBe(200);
    await expect(guards({ ...form, documents: 'pass' })).rejects.toMatchObject({ code: 'MALFORMED' });
    await guards(SECRETS);
  });

  it('is not told another service: that is asked about words alone', async () => {
    const told: string[] = [];
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      told.push(body);
      response.writeHead(200).end('{"findings":[]}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const mine = `http://127.0.0.1:${(server.address() as AddressInfo).port}/look`;
    try {
      await guards({ name: 'mine', kind: 'external', url: mine, action: 'block', documents: 'pass' });
      const words = { type: 'text', text: 'what does it say?' };
      for (const [one, part] of [
        [CHAT, CHAT.body.messages[0]?.content[0]],
        [MESSAGES, block],
      ] as const)
        expect((await ask({ ...one, body: { ...one.body, ...user(words, part as object) } })).status).toBe(
          200,
        );
      expect(told.join('\n')).toContain('what does it say?');
      expect(told.join('\n')).not.toContain(DATA.slice(0, 24));
      const before = told.length;
      await guards({
        name: 'mine',
        kind: 'external',
        url: mine,
        action: 'block',
        at: ['prompt', 'tool-result'],
      });
      expect((await ask(MESSAGES)).status).toBe(403);
      expect(told.slice(before).join('\n')).not.toContain(DATA.slice(0, 24));
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

// SES-10, LLM-37
it('a call under the same rid with another document is another one', async () => {
  await world.configure(({ guards: _, ...policy }) => policy);
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
  const send = async (data: string) => {
    const source = { ...block.source, data };
    const body = JSON.stringify({ ...MESSAGES.body, ...user({ ...block, source }) });
    const headers = { 'content-type': 'application/json' };
    const response = await agent.fetch(`${gateway}${MESSAGES.path}`, { method: 'POST', headers, body });
    return { status: response.status, text: await response.text() };
  };
  const first = await send(DATA);
  expect(first.status).toBe(200);
  expect(await send(DATA)).toEqual(first);
  expect((await send(Buffer.from('%PDF-1.7 another').toString('base64'))).text).toContain('REPLAY');
  expect(world.anthropic.asked).toHaveLength(1);
});
