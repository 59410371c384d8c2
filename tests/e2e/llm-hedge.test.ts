import type { DecisionEvent, Limit } from '@talosprotocol/contracts';
import { verifyBundle } from '@talosprotocol/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FIRST_WORD_MS } from '../../packages/server/src/gateway/llm/first-word.js';
import {
  chatAnswer,
  chatEvents,
  type FakeProvider,
  messageAnswer,
  openFakeProvider,
  sendJson,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { type LlmWorld, openLlmWorld, RATES } from '../support/llm-world.js';
import { crypto } from '../support/world.js';

/** When the second model is asked, in milliseconds, and when one answers that is alone. */
const LATE = 200;
const SLOW = 700;

let world: LlmWorld;
let second: FakeProvider;
let key: string;

beforeAll(async () => {
  world = await openLlmWorld();
  second = await openFakeProvider();
  const quick = { firstByteSeconds: 3, idleSeconds: 1, totalSeconds: 8, drainSeconds: 1 };
  const hedgeAfterMs = LATE;
  await world.configure(({ providers, ...document }) => ({
    ...document,
    providers: {
      ...providers,
      openai: { ...providers!['openai']!, ...quick },
      anthropic: { ...providers!['anthropic']!, translate: true },
      second: {
        ...quick,
        api: 'openai',
        baseUrl: `${second.url}/v1`,
        models: { mini: { rates: { ...RATES, input: 2_000_000 } } },
      },
    },
    aliases: {
      prompt: { models: [{ model: 'openai/gpt-4o-mini' }, { model: 'second/mini' }], hedgeAfterMs },
      three: {
        models: [
          { model: 'openai/gpt-4o-mini' },
          { model: 'second/mini' },
          { model: 'anthropic/claude-sonnet-4-5' },
        ],
        hedgeAfterMs,
      },
      either: {
        models: [{ model: 'openai/gpt-4o-mini' }, { model: 'anthropic/claude-sonnet-4-5' }],
        hedgeAfterMs,
      },
      seldom: {
        models: [{ model: 'openai/gpt-4o-mini' }, { model: 'second/mini' }],
        hedgeAfterMs: FIRST_WORD_MS + LATE,
      },
      patient: { models: [{ model: 'openai/gpt-4o-mini' }, { model: 'second/mini' }] },
    },
  }));
  key = await world.key();
});
afterAll(async () => {
  await world?.close();
  await second?.close();
});
beforeEach(() => {
  world.openai.answer = chatAnswer('the first');
  world.anthropic.answer = messageAnswer('claude');
  second.answer = chatAnswer('the second');
  for (const provider of [world.openai, world.anthropic, second]) provider.asked.length = 0;
});

/** What one hedged call comes to: 12 read at one dollar or at two a million, 3 written at ten. */
const [FIRST, SECOND] = [42, 54];

const after =
  (ms: number, answer: FakeProvider['answer']): FakeProvider['answer'] =>
  async (response, asked) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return answer(response, asked);
  };
/** One that answers only once something has happened. */
const once =
  (happened: () => unknown, answer: FakeProvider['answer']): FakeProvider['answer'] =>
  async (response, asked) => {
    await expect.poll(happened, { timeout: 3_000 }).toBeTruthy();
    return answer(response, asked);
  };
/** What is waited for, until `now`. */
function moment() {
  let isThere = false;
  return {
    isThere: () => isThere,
    now: () => {
      isThere = true;
    },
  };
}
/** One whose headers come at once, and its words when something has happened. */
const speaking =
  (happened: () => unknown, words: string, ended?: () => void): FakeProvider['answer'] =>
  async (response, { body }) => {
    const [role, ...rest] = chatEvents(body.model, words);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(role);
    await expect.poll(happened, { timeout: 3_000 }).toBeTruthy();
    response.end(rest.join(''), ended);
  };
const BROKEN: FakeProvider['answer'] = (response) => sendJson(response, 500, { error: {} });
const dollars = (amount: number): Limit[] => [{ per: 'total', cost: { amount, currency: 'USD' } }];

async function ask(model: string, more: object = {}, apiKey = key) {
  const response = await fetch(`${world.ready.gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({ model, max_tokens: 10, messages: [{ role: 'user', content: 'hi' }], ...more }),
  });
  const { status, headers } = response;
  return {
    ...{ status, text: await response.text(), by: headers.get('x-talos-model') },
    ...{ receipt: headers.get('x-talos-receipt'), request: headers.get('x-request-id') },
  };
}

/** The decisions of one request, oldest first. */
async function decisionsOf(request: string | null): Promise<readonly DecisionEvent[]> {
  const { events } = await world.audit.events({ limit: 50 });
  return events
    .map(({ event }) => event)
    .filter((event): event is DecisionEvent => event.type === 'decision' && event.request === request)
    .toReversed();
}

/** What each model that was asked for a request came to, by its provider. */
async function recordsOf(request: string | null) {
  const decisions = await decisionsOf(request);
  const records = await Promise.all(decisions.map(({ id }) => world.record(id.replace('evt_', 'rcp_'))));
  return Object.fromEntries(records.map((record) => [record.decision.action.provider, record]));
}

// LLM-35
describe('a model that is late', () => {
  it('is asked beside the next one, which answers: two decisions, two outcomes, and both are paid for', async () => {
    // So much fits only if just what both providers counted was spent, to the micro-dollar.
    const { held } = (await world.record((await ask('gpt-4o-mini', { max_tokens: 1_000 })).receipt)).decision;
    const most = held!.amount + FIRST + SECOND;
    for (const [limit, status] of [
      [most, 200],
      [most - 1, 402],
    ] as const) {
      const capped = await world.key(undefined, dollars(limit));
      const answered = moment();
      world.openai.answer = once(answered.isThere, chatAnswer('the first'));
      const answer = await ask('prompt', {}, capped);
      expect(answer).toMatchObject({ status: 200, by: 'second/mini' });
      expect(answer.text).toContain('the second');
      answered.now();
      const { openai, second: other } = await recordsOf(answer.request);
      expect(openai?.outcome).toMatchObject({ cost: { amount: FIRST }, usage: { input: 12, output: 3 } });
      expect(other?.outcome).toMatchObject({ status: 'completed', cost: { amount: SECOND } });
      expect(answer.receipt).toBe(other?.decision.id.replace('evt_', 'rcp_'));
      world.openai.answer = chatAnswer('the first');
      // What was held is given back a moment after the outcome is on record.
      await new Promise((resolve) => setTimeout(resolve, 300));
      const again = async () => (await ask('gpt-4o-mini', { max_tokens: 1_000 }, capped)).status;
      await expect.poll(again, { timeout: 5_000 }).toBe(status);
    }
  });

  it('answers alone where it is not late, or where the policy says nothing', async () => {
    expect(await ask('prompt')).toMatchObject({ status: 200, by: 'openai/gpt-4o-mini' });
    world.openai.answer = after(SLOW, chatAnswer('the first'));
    expect(await ask('patient')).toMatchObject({ status: 200, by: 'openai/gpt-4o-mini' });
    expect(second.asked).toEqual([]);
  });

  it('may still answer first, with its own receipt', async () => {
    const answered = moment();
    world.openai.answer = once(() => second.asked.length, chatAnswer('the first'));
    second.answer = once(answered.isThere, chatAnswer('the second'));
    const answer = await ask('prompt');
    expect(answer).toMatchObject({ status: 200, by: 'openai/gpt-4o-mini' });
    answered.now();
    expect((await world.record(answer.receipt)).decision.action.provider).toBe('openai');
    expect((await recordsOf(answer.request))['second']?.outcome.cost?.amount).toBe(SECOND);
  });

  it('and begins a stream at last has it read to its end, for its count', async () => {
    const answered = moment();
    world.openai.answer = once(answered.isThere, chatAnswer('the first'));
    const answer = await ask('prompt', { stream: true });
    answered.now();
    expect(answer).toMatchObject({ status: 200, by: 'second/mini' });
    expect(answer.text).toMatch(/second[\s\S]*\[DONE\]/);
    expect((await recordsOf(answer.request))['openai']?.outcome).toMatchObject({
      status: 'cancelled',
      usage: { input: 12, output: 3 },
      cost: { amount: FIRST },
    });
  });

  it('speaks before the second one does, and is given, though both have begun long ago', async () => {
    const [spoken, ended] = [moment(), moment()];
    world.openai.answer = speaking(() => second.asked.length, 'the first');
    second.answer = speaking(spoken.isThere, 'the second', ended.now);
    const answer = await ask('prompt', { stream: true });
    expect(answer).toMatchObject({ status: 200, by: 'openai/gpt-4o-mini' });
    expect(answer.text).toMatch(/first[\s\S]*\[DONE\]/);
    spoken.now();
    await expect.poll(ended.isThere, { timeout: 3_000 }).toBe(true);
    expect((await recordsOf(answer.request))['second']?.outcome.usage).toEqual({ input: 12, output: 3 });
  });

  it('may be late with its words alone: the second one, which speaks first, is given', async () => {
    const spoken = moment();
    world.openai.answer = speaking(spoken.isThere, 'the first');
    second.answer = speaking(() => true, 'the second');
    const answer = await ask('prompt', { stream: true });
    spoken.now();
    expect(answer).toMatchObject({ status: 200, by: 'second/mini' });
  });

  it('is hedged for want of a word, however long the policy lets it take, comments or not', async () => {
    world.openai.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const alive = setInterval(() => response.write(': PROCESSING\n\n'), LATE);
      response.once('close', () => clearInterval(alive));
    };
    const answer = await ask('seldom', { stream: true });
    expect(answer).toMatchObject({ status: 200, by: 'second/mini' });
  });

  it('is given where the stream of the second is nothing but an error; if its own is too, that is what the client is told', async () => {
    const failed = moment();
    const error: FakeProvider['answer'] = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end('data: {"error":{"message":"no"}}\n\n', () => setTimeout(failed.now, LATE));
    };
    world.openai.answer = speaking(failed.isThere, 'the first');
    second.answer = error;
    const answer = await ask('prompt', { stream: true });
    expect(answer).toMatchObject({ status: 200, by: 'openai/gpt-4o-mini' });
    expect(answer.text).toMatch(/first[\s\S]*\[DONE\]/);
    world.openai.answer = once(() => second.asked.length === 2, error);
    const none = await ask('prompt', { stream: true });
    expect([none.status, none.text]).toEqual([502, expect.stringContaining('UPSTREAM_FAILED')]);
  });

  it.each<[string, FakeProvider['answer'], boolean]>([
    ['never answers', () => undefined, false],
    [
      'stops in the middle of its stream',
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(chatEvents('gpt-4o-mini', 'the first')[0]);
      },
      true,
    ],
  ])('and %s is ended by its own times, and costs the most that it can have', async (_, stall, stream) => {
    const [answered, hungUp] = [moment(), moment()];
    world.openai.answer = (response, asked) => {
      response.once('close', hungUp.now);
      return once(answered.isThere, stall)(response, asked);
    };
    const answer = await ask('prompt', { stream });
    expect([answer.status, answer.by, hungUp.isThere()]).toEqual([200, 'second/mini', false]);
    answered.now();
    await expect.poll(hungUp.isThere, { timeout: 6_000 }).toBe(true);
    const { decision, outcome } = (await recordsOf(answer.request))['openai']!;
    expect(outcome).toMatchObject({ usage: { estimated: true }, cost: decision.held });
  });

  it('fails waits for the other one; if that fails too the third is asked', async () => {
    const failed = moment();
    world.openai.answer = once(
      () => second.asked.length,
      (response, asked) => {
        response.once('close', failed.now);
        return BROKEN(response, asked);
      },
    );
    second.answer = once(failed.isThere, chatAnswer('the second'));
    expect(await ask('three')).toMatchObject({ status: 200, by: 'second/mini' });
    expect(second.asked).toHaveLength(1);
    world.openai.answer = once(() => second.asked.length === 2, BROKEN);
    second.answer = BROKEN;
    expect(await ask('three')).toMatchObject({ status: 200, by: 'anthropic/claude-sonnet-4-5' });
    expect(world.anthropic.asked).toHaveLength(1);
  });

  it('is not hedged beyond a limit into which two holds do not fit: it still answers, and nothing is overspent', async () => {
    const { held } = (await world.record((await ask('gpt-4o-mini')).receipt)).decision;
    const capped = await world.key(undefined, dollars(held!.amount + FIRST - 1));
    const denials = async (): Promise<number> =>
      (await world.audit.events({ code: 'BUDGET_EXCEEDED', limit: 50 })).events.length;
    const before = await denials();
    world.openai.answer = once(async () => (await denials()) > before, chatAnswer('the first'));
    const answer = await ask('prompt', {}, capped);
    expect(answer).toMatchObject({ status: 200, by: 'openai/gpt-4o-mini' });
    const decisions = await decisionsOf(answer.request);
    expect(decisions.map(({ effect, code, action }) => [action.provider, effect, code]).toSorted()).toEqual([
      ['openai', 'allow', null],
      ['second', 'deny', 'BUDGET_EXCEEDED'],
    ]);
    expect(second.asked).toEqual([]);
    expect((await world.record(answer.receipt)).outcome.cost?.amount).toBe(FIRST);
    // Of which FIRST is spent: one micro-dollar is missing.
    expect((await ask('gpt-4o-mini', {}, capped)).status).toBe(402);
  });

  it('is not hedged where a hosted tool would act twice, nor for a session', async () => {
    world.openai.answer = after(SLOW, chatAnswer('the first'));
    expect((await ask('prompt', { web_search_options: {} })).status).toBe(200);
    const agent = await world.agent();
    const answer = await agent.fetch(`${world.ready.gateway}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'prompt', messages: [{ role: 'user', content: 'hi' }] }),
    });
    expect(answer.status).toBe(200);
    expect(second.asked).toEqual([]);
    await agent.close();
  });

  it('is not hedged for a client that has left', async () => {
    world.openai.answer = after(SLOW, chatAnswer('the first'));
    const leaving = new AbortController();
    const left = fetch(`${world.ready.gateway}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: 'prompt', messages: [{ role: 'user', content: 'hi' }] }),
      signal: leaving.signal,
    });
    await expect.poll(() => world.openai.asked.length).toBe(1);
    leaving.abort();
    await expect(left).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 2 * LATE));
    expect(second.asked).toEqual([]);
  });
});

// LLM-35, GRD-2, LLM-30
it('a hedged call is guarded and translated as any other, each for its own model', async () => {
  await world.configure((document) => ({
    ...document,
    guards: [{ name: 'mails', kind: 'personal', types: ['email'], action: 'mask' }],
  }));
  const mail = 'jo.doe@example.com';
  const words = (content: unknown): string =>
    typeof content === 'string' ? content : (content as { text: string }[])[0]!.text;
  const answered = moment();
  world.openai.answer = (response, asked) =>
    once(answered.isThere, chatAnswer(words(asked.body.messages[0].content)))(response, asked);
  world.anthropic.answer = (response, asked) =>
    messageAnswer(words(asked.body.messages[0].content))(response, asked);
  const answer = await ask('either', { messages: [{ role: 'user', content: `write to ${mail}` }] });
  answered.now();
  expect(answer).toMatchObject({ status: 200, by: 'anthropic/claude-sonnet-4-5' });
  expect(answer.text).toContain(mail);
  for (const { asked } of [world.openai, world.anthropic]) expect(JSON.stringify(asked)).not.toContain(mail);
  const { openai, anthropic } = await recordsOf(answer.request);
  for (const record of [openai, anthropic])
    expect(record?.outcome.guards).toEqual({ $c: expect.stringMatching(/^[0-9a-f]{64}$/) });
});

// LLM-34, LLM-35
it('an answer of the slower one is kept as any other, and given again without a second call', async () => {
  await world.configure(({ providers, guards: _, ...document }) => ({
    ...document,
    providers: { ...providers, openai: { ...providers!['openai']!, cacheSeconds: 60 } },
  }));
  const answered = moment();
  world.openai.answer = once(answered.isThere, chatAnswer('the first'));
  const answer = await ask('prompt', { stream: true });
  answered.now();
  expect(answer.by).toBe('second/mini');
  await recordsOf(answer.request);
  second.asked.length = 0;
  expect(await ask('prompt', { stream: true })).toMatchObject({ status: 200, by: 'openai/gpt-4o-mini' });
  expect([world.openai.asked.length, second.asked.length]).toEqual([1, 0]);
});

it('hedges are counted by whose answer was given, and the log verifies', async () => {
  const headers = { authorization: `Bearer ${world.adminToken}` };
  const text = await (await fetch(`${world.ready.kernel}/metrics`, { headers })).text();
  for (const result of ['first', 'second'])
    expect(text).toMatch(new RegExp(`^talos_llm_hedges_total\\{result="${result}"\\} [1-9]`, 'm'));
  const report = verifyBundle(await world.audit.bundle(), await world.trust(), crypto);
  expect(report.counts.allowed).toBeGreaterThan(10);
});
