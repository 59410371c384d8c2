import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyBundle } from '@talosprotocol/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chatAnswer, chatEvents } from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { type LlmWorld, openLlmWorld, RATES } from '../support/llm-world.js';
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
