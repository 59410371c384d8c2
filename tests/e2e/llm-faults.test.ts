import { readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelProvider, PolicyDocument } from '@talosprotocol/contracts';
import { verifyBundle } from '@talosprotocol/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  chatAnswer,
  chatEvents,
  type FakeProvider,
  sendEvents,
  sendJson,
  wholeResponse,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { type LlmWorld, openLlmWorld, PROVIDER_KEYS, RATES } from '../support/llm-world.js';
import { crypto } from '../support/world.js';

let world: LlmWorld;
beforeAll(async () => {
  world = await openLlmWorld();
});
afterAll(() => world?.close());
beforeEach(() => {
  world.openai.answer = chatAnswer('hello there');
});

async function ask(key: string, more: object = {}) {
  const response = await fetch(`${world.ready.gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({
      model: 'gpt-4o-mini',
      max_tokens: 10,
      messages: [{ role: 'user', content: 'hi' }],
      ...more,
    }),
    signal: AbortSignal.timeout(40_000),
  });
  return { status: response.status, text: await response.text() };
}

/** A stream of which the rest comes when it is told to go on. */
function slowStream() {
  let goOn = (): void => undefined;
  const told = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const begun = new Promise<void>((resolve) => {
    world.openai.answer = async (response) => {
      const events = chatEvents('gpt-4o-mini', 'before and after');
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(events.slice(0, 2).join(''));
      resolve();
      await told;
      response.end(events.slice(2).join(''));
    };
  });
  return { begun, goOn };
}

describe('a reload of the policy', () => {
  it.each<[string, () => Promise<void>]>([
    [
      'that changes prices and times',
      () =>
        world.configure((document) => ({
          ...document,
          providers: {
            ...document.providers,
            openai: {
              ...document.providers!['openai']!,
              totalSeconds: 9,
              models: { 'gpt-4o-mini': { rates: { ...RATES, output: 99_000_000 } }, 'no-price': {} },
            },
          },
        })),
    ],
    [
      'that takes the provider away',
      () =>
        world.configure((document) => {
          const { openai: _, ...providers } = document.providers ?? {};
          return { ...document, providers };
        }),
    ],
  ])('%s drops no stream, which is settled by what it was held by', async (_, change) => {
    const before = await readConfig();
    const key = await world.key(undefined, [
      { per: 'total', cost: { amount: 100_000_000, currency: 'USD' } },
    ]);
    const { begun, goOn } = slowStream();
    const response = await fetch(`${world.ready.gateway}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({
        model: 'gpt-4o-mini',
        max_tokens: 50,
        stream: true,
        messages: [{ role: 'user', content: 'hi' }],
      }),
    });
    await begun;
    await change();
    goOn();
    expect(await response.text()).toMatch(/before [\s\S]*after[\s\S]*\[DONE\]/);
    const { outcome } = await world.record(response.headers.get('x-talos-receipt'));
    // 12 read at a dollar, 3 written at ten dollars a million.
    expect(outcome).toMatchObject({ status: 'completed', cost: { amount: 42 } });
    await world.configure(() => before);
  });
});

const readConfig = async () => JSON.parse(readFileSync(world.ready.config, 'utf8'));

/** The processes of the embedded PostgreSQL. */
function postgres(): readonly number[] {
  const main = Number(readFileSync(join(world.ready.data, 'pg/postmaster.pid'), 'utf8').split('\n', 1)[0]);
  const children = readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .filter((name) => {
      try {
        const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
          .replace(/^.*\) /, '')
          .split(' ');
        return Number(fields[1]) === main;
      } catch {
        return false;
      }
    });
  return [main, ...children.map(Number)];
}

const signal = (pids: readonly number[], name: NodeJS.Signals): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // Gone meanwhile.
    }
  }
};

describe('a PostgreSQL that stands still', () => {
  it('refuses calls in bounded time, and nothing is overspent when it goes on', async () => {
    const limit = 1_000_000;
    const key = await world.key(undefined, [{ per: 'total', cost: { amount: limit, currency: 'USD' } }]);
    expect((await ask(key)).status).toBe(200);
    const stopped = postgres();
    signal(stopped, 'SIGSTOP');
    try {
      const calls = await Promise.all(Array.from({ length: 12 }, () => ask(key)));
      expect(calls.map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 503));
      for (const { text } of calls) expect(text).toContain('UNAVAILABLE');
    } finally {
      signal(stopped, 'SIGCONT');
    }
    await expect.poll(async () => (await ask(key)).status, { timeout: 30_000 }).toBe(200);
    // What became of the calls meanwhile is on record, or they were never made.
    await sleep(1_000);
    const report = verifyBundle(await world.audit.bundle(), await world.trust(), crypto);
    expect(report.counts.allowed).toBeGreaterThanOrEqual(2);
  }, 120_000);
});

describe('a PostgreSQL that stands still while models answer', () => {
  it('hinders no answer that was decided on, which is settled once it goes on', async () => {
    // Of one call at the most it can come to, and of what two calls do come to.
    const key = await world.key(undefined, [{ per: 'total', cost: { amount: 1_700, currency: 'USD' } }]);
    const { begun, goOn } = slowStream();
    const response = await fetch(`${world.ready.gateway}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ ...HI, max_tokens: 40, stream: true }),
    });
    await begun;
    const stopped = postgres();
    signal(stopped, 'SIGSTOP');
    try {
      goOn();
      expect(await response.text()).toMatch(/before [\s\S]*after[\s\S]*\[DONE\]/);
    } finally {
      signal(stopped, 'SIGCONT');
    }
    const { decision, outcome } = await world.record(response.headers.get('x-talos-receipt'));
    expect(decision.held!.amount).toBeGreaterThan(850);
    expect(outcome).toMatchObject({ status: 'completed', cost: { amount: 42 } });
    world.openai.answer = chatAnswer('hello there');
    await expect.poll(async () => (await ask(key, { max_tokens: 40 })).status, { timeout: 10_000 }).toBe(200);
  }, 60_000);
});

const HI = { model: 'gpt-4o-mini', max_tokens: 10, messages: [{ role: 'user', content: 'hi' }] };

/** What a call came to, and how long it took. */
async function timed(key: string, more: object = {}) {
  const began = performance.now();
  const response = await fetch(`${world.ready.gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ ...HI, ...more }),
  });
  const text = await response.text();
  const seconds = (performance.now() - began) / 1000;
  return {
    status: response.status,
    text,
    seconds,
    ...(await world.record(response.headers.get('x-talos-receipt'))),
  };
}

const providerWith = (more: Partial<ModelProvider>) =>
  world.configure((document) => ({
    ...document,
    providers: { ...document.providers, openai: { ...document.providers!['openai']!, ...more } },
  }));

// LLM-8, LLM-11
describe('a provider that is late', () => {
  let key: string;
  let before: PolicyDocument;
  beforeAll(async () => {
    before = await readConfig();
    key = await world.key();
  });
  afterEach(() => world.configure(() => before));

  it('with the connection is not waited for, has cost nothing, and is said to be', async () => {
    // It takes connections, and never comes to an end with TLS.
    const sockets: Socket[] = [];
    const silent = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = silent.address() as AddressInfo;
      await providerWith({ baseUrl: `https://127.0.0.1:${port}/v1`, connectSeconds: 1 });
      const told = await timed(key);
      expect([told.status, told.text]).toEqual([502, expect.stringContaining('did not take the connection')]);
      // It may be tried twice more.
      expect(told.seconds).toBeLessThan(8);
      expect(sockets.length).toBeGreaterThan(0);
      expect(told.outcome).toMatchObject({ status: 'failed', usage: { input: 0, output: 0 } });
      expect(told.outcome.cost).toBeUndefined();
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => silent.close(resolve));
    }
  });

  it.each<[string, string, string, string, boolean]>([
    ['an answer', 'application/json', '{', ' ', false],
    ['a stream', 'text/event-stream', '', ': still here\n\n', true],
  ])(
    'with the end of %s is cut off, however little it is late with each piece',
    async (_, type, first, piece, stream) => {
      await providerWith({ idleSeconds: 2, totalSeconds: 3 });
      let isOpen = true;
      world.openai.answer = async (response) => {
        response.on('close', () => {
          isOpen = false;
        });
        response.writeHead(200, { 'content-type': type }).write(`${first} `);
        while (isOpen) {
          response.write(piece);
          await sleep(200);
        }
      };
      const told = await timed(key, { stream });
      expect(told.text).toContain('took longer than a call may');
      expect(told.seconds).toBeGreaterThan(2.5);
      expect(told.seconds).toBeLessThan(7);
      await expect.poll(() => isOpen).toBe(false);
      // It has worked for it, and nobody knows how much.
      expect(told.outcome).toMatchObject({ status: 'failed', usage: { estimated: true } });
      expect(told.outcome.cost).toEqual(told.decision.held);
    },
  );
});

// LLM-8, LLM-32
describe('a provider that says one thing of its answer and sends another', () => {
  const whole = (head: object, body = '{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}') =>
    ((response) => {
      response.writeHead(200, { 'content-type': 'application/json', ...head });
      response.write(body);
      response.socket?.end();
    }) satisfies FakeProvider['answer'];
  const events = (head: object): FakeProvider['answer'] =>
    whole(head, chatEvents('gpt-4o-mini', 'words').join(''));

  it.each<[string, FakeProvider['answer'], boolean]>([
    ['a length beyond its end', whole({ 'content-length': '10000' }), false],
    ['a length before its end', whole({ 'content-length': '20' }), false],
    ['no length', whole({ 'content-length': '0' }), false],
    ['text, which is JSON', whole({ 'content-type': 'text/plain' }), false],
    ['a stream, which is an answer', whole({ 'content-type': 'text/event-stream' }), false],
    [
      'a stream, which is an answer, to whoever asked for one',
      whole({ 'content-type': 'text/event-stream' }),
      true,
    ],
    ['an answer, which is a stream', events({ 'content-type': 'application/json' }), true],
    ['text, which is a stream', events({ 'content-type': 'text/plain' }), true],
    [
      'a length before the end of a stream',
      events({ 'content-type': 'text/event-stream', 'content-length': '40' }),
      true,
    ],
  ])('%s is answered for, and paid for at the most it can be', async (_, answer, stream) => {
    const key = await world.key(undefined, [{ per: 'total', cost: { amount: 1_000_000, currency: 'USD' } }]);
    world.openai.answer = answer;
    const told = await timed(key, { stream });
    expect(told.text).toContain('UPSTREAM_FAILED');
    expect(told.text).not.toContain('[DONE]');
    expect(told.outcome).toMatchObject({
      status: 'failed',
      usage: { estimated: true },
    });
    expect(told.outcome.cost).toEqual(told.decision.held);
  });
});

// LLM-10, LLM-26, LLM-28
describe('what a provider says of its failure', () => {
  const said = `org-77: key ${PROVIDER_KEYS.openai} ${PROVIDER_KEYS.anthropic} is over quota`;
  const [error, failed] = [
    { message: said, code: 'x' },
    { code: 'server_error', message: said },
  ];
  const event = (body: object, name = '') => `${name && `event: ${name}\n`}data: ${JSON.stringify(body)}\n\n`;
  const bit =
    (...events: string[]): FakeProvider['answer'] =>
    (response) =>
      sendEvents(response, events);
  const whole =
    (body: object): FakeProvider['answer'] =>
    (response) =>
      sendJson(response, 200, body);
  const choice = { index: 0, message: { role: 'assistant', content: 'a word' }, finish_reason: 'error' };
  const completion = { id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [choice] };
  const thought = [{ type: 'reasoning', id: 'rs_1', summary: [] }];
  const chat = { model: 'gpt-4o-mini', max_tokens: 10, messages: HI.messages };
  const message = { model: 'claude-sonnet-4-5', max_tokens: 10, messages: HI.messages };
  const [CHAT, MESSAGES, RESPONSES] = ['/v1/chat/completions', '/anthropic/v1/messages', '/v1/responses'];

  it.each<[string, string, object, FakeProvider['answer']]>([
    ['an object of its own', CHAT, { ...chat, stream: true }, bit(event({ object: 'error', ...error }))],
    ['an event of that name', CHAT, { ...chat, stream: true }, bit(event(error, 'error'))],
    ['an error of messages', MESSAGES, { ...message, stream: true }, bit(event({ error }, 'error'))],
    ['no type', RESPONSES, { model: chat.model, input: 'hi', stream: true }, bit(event({ error }))],
    ['a whole object of its own', CHAT, chat, whole({ object: 'error', ...error })],
    ['an error beside words', CHAT, chat, whole({ ...completion, error })],
    ['an error of one answer', CHAT, chat, whole({ ...completion, choices: [{ ...choice, error }] })],
    [
      'a response that failed after a thought',
      RESPONSES,
      { model: chat.model, input: 'hi' },
      whole(wholeResponse('m', thought, { status: 'failed', error: failed })),
    ],
  ])('is not told to clients: %s', async (_, path, body, answer) => {
    [world.openai.answer, world.anthropic.answer] = [answer, answer];
    const response = await fetch(`${world.ready.gateway}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await world.key()}` },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    expect(text).toMatch(/UPSTREAM_FAILED|The provider could not answer/);
    expect(text).not.toMatch(/org-77|quota|canary/);
  });
});
