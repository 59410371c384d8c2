import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark } from '../benchmark.js';
import type { Child } from '../child.js';
import { createLoad } from '../http/load.js';
import { type Ready, startPlatform, withFolder } from '../platform.js';
import type { Result } from '../result.js';
import { openModels } from './own-gateway.js';
import { startProgram } from './program.js';

const HELD = { streams: 1_000, settleMs: 5_000 };
const QUICK_HELD = { streams: 10, settleMs: 100 };
const SOAK = { connections: 16, minutes: 10, warmMs: 60_000, everyMs: 60_000 };
const QUICK_SOAK = { connections: 2, minutes: 2, warmMs: 500, everyMs: 500 };

/** What streams cost in memory that nothing comes of for a while. */
export const gatewayIdle: Benchmark = {
  name: 'gateway.idle',
  run: (_effort, quick) =>
    withGateway('./holding-provider.js', async ({ platform, key }) => {
      const { streams, settleMs } = quick ? QUICK_HELD : HELD;
      const call = requestOf(platform, key, true);
      const warm = await Promise.all(Array.from({ length: Math.min(streams, 64) }, () => begin(call)));
      for (const one of warm) await one.cancel();
      await sleep(settleMs);
      const before = platform.rssBytes();
      const held = await Promise.all(Array.from({ length: streams }, () => begin(call)));
      await sleep(settleMs);
      const rss = platform.rssBytes();
      for (const one of held) await one.cancel();
      return [{ ...nothing('gateway.idle'), params: { streams }, rss_bytes: rss, grown_bytes: rss - before }];
    }),
};

/** Memory while calls go on, whole and as streams, for minutes. */
export const gatewaySoak: Benchmark = {
  name: 'gateway.soak',
  run: (_effort, quick) =>
    withGateway('./provider.js', async ({ platform, key }) => {
      const { connections, minutes, warmMs, everyMs } = quick ? QUICK_SOAK : SOAK;
      const loads = [false, true].map((stream) => {
        const { url: _, ...request } = requestOf(platform, key, stream);
        return createLoad(platform.ready.gateway, connections, [request]);
      });
      const keepOn = async (ms: number): Promise<number> => {
        let calls = 0;
        for (const until = performance.now() + ms; performance.now() < until; calls += 2 * CALLS)
          for (const load of loads) await load.run(CALLS);
        return calls;
      };
      await keepOn(warmMs);
      const results: Result[] = [];
      const before = platform.rssBytes();
      for (let minute = 1; minute <= minutes; minute += 1) {
        const calls = await keepOn(everyMs);
        const rss = platform.rssBytes();
        const params = { connections, minute };
        const measured = { ops_per_s: calls / (everyMs / 1000), rss_bytes: rss, grown_bytes: rss - before };
        results.push({ ...nothing('gateway.soak'), params, ...measured });
      }
      return results;
    }),
};

const CALLS = 100;

interface Gateway {
  readonly platform: Child<Ready>;
  readonly key: string;
}

async function withGateway(
  provider: string,
  measure: (gateway: Gateway) => Promise<readonly Result[]>,
): Promise<readonly Result[]> {
  return withFolder(async (folder) => {
    const children: Child<unknown>[] = [];
    try {
      const model = await startProgram(folder, provider, '0');
      children.push(model);
      const platform = await startPlatform(folder);
      children.push(platform);
      const { key } = await openModels(platform.ready, { fast: model.ready.url });
      return await measure({ platform, key });
    } finally {
      for (const child of children.toReversed()) await child.stop();
    }
  });
}

function requestOf({ ready }: Child<Ready>, key: string, stream: boolean) {
  const messages = [{ role: 'user', content: 'Say it again.' }];
  const body = { model: 'fast/bench', messages, max_tokens: 200, ...(stream ? { stream: true } : {}) };
  return {
    url: new URL('/v1/chat/completions', ready.gateway),
    path: '/v1/chat/completions',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
    expect: stream ? 'data: [DONE]' : '"total_tokens":160',
  };
}

/** A stream whose first event has come. */
async function begin({ url, headers, body }: ReturnType<typeof requestOf>) {
  const answer = await fetch(url, { method: 'POST', headers, body });
  const reader = answer.body?.getReader();
  const first = await reader?.read();
  if (answer.status !== 200 || first?.value === undefined) throw new Error(`no stream: ${answer.status}`);
  return { cancel: async () => reader?.cancel() };
}

const nothing = (name: string): Result => ({
  name,
  params: {},
  ops_per_s: 0,
  p50_us: 0,
  p99_us: 0,
  p999_us: 0,
  bytes_per_op: null,
  rss_bytes: 0,
  ratios: {},
  rounds: 1,
  peers: {},
});
