import { readFile, writeFile } from 'node:fs/promises';
import type { Budget } from '@talosprotocol/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chatAnswer } from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { parsePrometheus } from '../../packages/server/src/platform/testing/prometheus-text.js';
import { type LlmWorld, openLlmWorld } from '../support/llm-world.js';

let world: LlmWorld;
let key: string;
beforeAll(async () => {
  world = await openLlmWorld();
  key = await world.key();
});
afterAll(() => world?.close());
beforeEach(() => {
  world.openai.answer = chatAnswer('hello there');
});

const usd = (amount: number) => ({ amount, currency: 'USD' });
const budgets = (...all: Budget[]) => world.configure((document) => ({ ...document, budgets: all }));

async function ask(more: object = {}, apiKey = key) {
  const response = await fetch(`${world.ready.gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({
      model: 'gpt-4o-mini',
      max_tokens: 10,
      messages: [{ role: 'user', content: 'hi' }],
      ...more,
    }),
  });
  return {
    status: response.status,
    text: await response.text(),
    budget: response.headers.get('x-talos-budget'),
    receipt: response.headers.get('x-talos-receipt'),
  };
}

/** Events that say that so much of a budget is used, oldest first. */
async function marksOf(budget: string) {
  const { events } = await world.audit.events({ type: 'budget.reached', limit: 100 });
  return events
    .map(({ event }) => event)
    .filter((event) => event.type === 'budget.reached' && event.budget === budget)
    .toReversed();
}

// A call holds less than 1,300 tokens and 1,400 micro-dollars, and comes to 42 micro-dollars and 15 tokens.
describe('a budget of the operator', () => {
  it('BUD-3 refuses keys without any limit of their own, and names itself and nobody', async () => {
    await budgets({ name: 'tiny', per: 'day', cost: usd(2_000) });
    expect((await ask()).status).toBe(200);
    const both = await Promise.all([ask(), ask(), ask(), ask()]);
    const refused = both.filter(({ status }) => status === 402);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.text).toMatch(/BUDGET_EXCEEDED.*budget tiny: cost 2000 USD micro-units per day/);
    expect(refused[0]?.text).not.toContain('"link"');
    const other = await world.key();
    await expect.poll(async () => (await ask({}, other)).status).toBe(200);
  });

  it('CAP-21 that fits one call at a time lets one after the other in, however it ended', async () => {
    await budgets({ name: 'one-by-one', per: 'day', cost: usd(2_000) });
    const seen: number[] = [];
    for (const status of [200, 401, 200, 500, 200, 429, 200]) {
      world.openai.answer =
        status === 200
          ? chatAnswer('hello there')
          : async (response) => void response.writeHead(status).end('{}');
      for (const more of [{}, { stream: true }]) seen.push((await ask(more)).status);
    }
    expect(seen).toEqual([200, 200, 502, 502, 200, 200, 502, 502, 200, 200, 429, 429, 200, 200]);
  });

  it('BUD-3 is held against as a limit is: no price, no hosted tool, and a maximum is put in', async () => {
    await budgets({ name: 'wide', per: 'month', zone: 'Europe/Berlin', cost: usd(1_000_000_000) });
    const unpriced = await ask({ model: 'openai/no-price' });
    expect([unpriced.status, unpriced.text]).toEqual([
      403,
      expect.stringContaining('The budget wide limits costs'),
    ]);
    const hosted = await ask({ web_search_options: {} });
    expect([hosted.status, hosted.text]).toEqual([403, expect.stringContaining('budget wide')]);
    await ask({ max_tokens: undefined });
    expect(world.openai.asked.at(-1)?.body.max_tokens).toBe(8192);
    await budgets({ name: 'wide', per: 'month', mode: 'warn', cost: usd(1_000_000_000) });
    expect((await ask({ model: 'openai/no-price' })).status).toBe(200);
  });

  it('BUD-2 counts each key and whoever is in a team by itself', async () => {
    await budgets({ name: 'each', for: 'key', per: 'total', calls: 1 });
    const [one, two] = [await world.key(), await world.key()];
    expect([(await ask({}, one)).status, (await ask({}, two)).status]).toEqual([200, 200]);
    expect([(await ask({}, one)).status, (await ask({}, two)).status]).toEqual([402, 402]);
    await world.configure((document) => ({
      ...document,
      budgets: [{ name: 'team', for: 'team', per: 'total', calls: 1 }],
      teams: { red: [] },
    }));
    expect((await ask({}, one)).status).toBe(200);
  });

  it('BUD-4 that warns lets everything pass; BUD-6 says so in headers, on record and as a metric', async () => {
    await budgets({ name: 'loud', per: 'total', calls: 4, mode: 'warn', warnAt: [50, 100] });
    const seen: (string | null)[] = [];
    for (let call = 0; call < 6; call += 1) seen.push((await ask()).budget);
    expect(seen).toEqual([
      null,
      '"loud";used=50',
      '"loud";used=50',
      '"loud";used=100',
      '"loud";used=100',
      '"loud";used=100',
    ]);
    await expect.poll(async () => (await marksOf('loud')).length, { timeout: 10_000 }).toBe(2);
    expect(await marksOf('loud')).toMatchObject([
      { percent: 50, kind: 'calls', allowed: 4, currency: null, period: 'total', ends: 0 },
      { percent: 100 },
    ]);
    const headers = { authorization: `Bearer ${world.adminToken}` };
    const metrics = parsePrometheus(await (await fetch(`${world.ready.kernel}/metrics`, { headers })).text());
    expect([...metrics.keys()].filter((name) => name.startsWith('talos_budget_marks_total'))).toHaveLength(1);
    expect(world.log.join('')).toContain('so much of a budget is used');
  });

  it('BUD-5 is raised until a moment, on the spot', async () => {
    const budget: Budget = { name: 'raised', per: 'total', calls: 1 };
    await budgets(budget);
    expect([(await ask()).status, (await ask()).status]).toEqual([200, 402]);
    await budgets({ ...budget, override: { calls: 2, until: '2999-01-01T00:00:00.000Z' } });
    expect([(await ask()).status, (await ask()).status]).toEqual([200, 402]);
    await budgets(budget);
    expect((await ask()).status).toBe(402);
  });

  it('BUD-7 that is none is not put in force, and the one before stays', async () => {
    await budgets({ name: 'kept', per: 'total', calls: 1 });
    await ask();
    const text = await readFile(world.ready.config, 'utf8');
    for (const budget of [
      { name: 'kept', per: 'total' },
      { name: 'kept', per: 'day', zone: 'No/Where', calls: 1 },
      { name: 'kept', per: 'total', calls: 1, nonsense: true },
      { name: 'kept', per: 'total', calls: 0 },
    ]) {
      const document = { ...JSON.parse(text), budgets: [budget] };
      await writeFile(world.ready.config, JSON.stringify(document));
      await expect(world.gateway.reloadPolicy()).rejects.toThrow();
      expect((await ask()).status).toBe(402);
    }
    await writeFile(world.ready.config, text);
    await budgets();
    expect((await ask()).status).toBe(200);
  });
});
