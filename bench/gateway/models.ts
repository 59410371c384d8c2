import { fileURLToPath } from 'node:url';
import type { Benchmark } from '../benchmark.js';
import { type Child, startChild } from '../child.js';
import { createLoad, type Load, type LoadRequest } from '../http/load.js';
import { type Ready, startPlatform, withFolder } from '../platform.js';
import type { Result } from '../result.js';
import { median, percentile } from '../runner.js';
import { openModels } from './own-gateway.js';

const WORK =
  'bearer key, capability, hard budget held and settled in the embedded PostgreSQL, rate, kept key, price, decision and outcome in the log; a provider on this machine';

interface Row {
  readonly connections: number;
  /** Milliseconds before the provider answers. */
  readonly upstream: number;
  readonly requests: number;
}

const ROUNDS = 5;
const ROWS: readonly Row[] = [
  { connections: 1, upstream: 20, requests: 100 },
  { connections: 1, upstream: 0, requests: 200 },
  { connections: 16, upstream: 0, requests: 800 },
  { connections: 64, upstream: 0, requests: 800 },
];
const QUICK_ROWS: readonly Row[] = [{ connections: 2, upstream: 0, requests: 10 }];

/** Chat completions, whole, through the gateway and through a proxy that decides nothing. */
export const gatewayChat: Benchmark = createModelBenchmark('gateway.chat', false);
/** The same as streams. */
export const gatewaySse: Benchmark = createModelBenchmark('gateway.sse', true);

interface Started {
  readonly platform: Child<Ready>;
  readonly key: string;
  /** URLs of bare proxies by how long their provider takes. */
  readonly bare: ReadonlyMap<number, string>;
}

function createModelBenchmark(name: string, stream: boolean): Benchmark {
  return {
    name,
    run: (_effort, quick) =>
      withFolder(async (folder) => {
        const children: Child<unknown>[] = [];
        try {
          const started = await startAll(folder, children);
          const results: Result[] = [];
          for (const row of quick ? QUICK_ROWS : ROWS)
            results.push(await compare(name, started, row, { stream, rounds: quick ? 1 : ROUNDS }));
          return results;
        } finally {
          for (const child of children.toReversed()) await child.stop();
        }
      }),
  };
}

async function startAll(folder: string, children: Child<unknown>[]): Promise<Started> {
  const start = async (program: string, ...args: string[]): Promise<string> => {
    const path = fileURLToPath(new URL(program, import.meta.url));
    const child = await startChild<{ readonly url: string }>([path, ...args], {
      log: `${folder}/${program.replaceAll('/', '')}.log`,
    });
    children.push(child);
    return child.ready.url;
  };
  const [fast, slow] = [await start('./provider.js', '0'), await start('./provider.js', '20')];
  const bare = new Map([
    [0, await start('./bare-proxy.js', fast)],
    [20, await start('./bare-proxy.js', slow)],
  ]);
  const platform = await startPlatform(folder);
  children.push(platform);
  return { platform, bare, key: await openModels(platform.ready, { fast, slow }) };
}

const QUESTION = 'What is it that you say to whoever asks you this, over and over again? '.repeat(6);

function requestOf(key: string, { upstream }: Row, stream: boolean): LoadRequest {
  const body = {
    model: `${upstream === 0 ? 'fast' : 'slow'}/bench`,
    messages: [{ role: 'user', content: QUESTION }],
    max_tokens: 200,
    ...(stream ? { stream: true } : {}),
  };
  return {
    path: '/v1/chat/completions',
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
    expect: stream ? 'data: [DONE]' : '"total_tokens":160',
  };
}

interface How {
  readonly stream: boolean;
  readonly rounds: number;
}

async function compare(
  name: string,
  { platform, key, bare }: Started,
  row: Row,
  { stream, rounds }: How,
): Promise<Result> {
  const { connections, upstream, requests } = row;
  const wanted = [requestOf(key, row, stream)];
  const own = createLoad(platform.ready.gateway, connections, wanted);
  const peer = createLoad(bare.get(upstream) ?? '', connections, wanted);
  await own.run(requests);
  await peer.run(requests);
  const turns: { own: number; peer: number; added: number }[] = [];
  const latencies: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const [ours, theirs] = await takeTurns(own, peer, requests, round);
    latencies.push(...ours.latencies);
    turns.push({
      own: ours.rate,
      peer: theirs.rate,
      added: percentile([...ours.latencies], 0.5) - percentile([...theirs.latencies], 0.5),
    });
  }
  return {
    name,
    params: { connections, upstream_ms: upstream, work: WORK },
    ops_per_s: median(turns.map((turn) => turn.own)),
    p50_us: percentile(latencies, 0.5) * 1000,
    p99_us: percentile(latencies, 0.99) * 1000,
    p999_us: percentile(latencies, 0.999) * 1000,
    bytes_per_op: null,
    rss_bytes: platform.rssBytes(),
    ratios: { 'undici-proxy': median(turns.map((turn) => turn.own / turn.peer)) },
    rounds,
    peers: { 'undici-proxy': median(turns.map((turn) => turn.peer)) },
    added_p50_ms: median(turns.map(({ added }) => added)),
  };
}

async function takeTurns(own: Load, peer: Load, requests: number, round: number) {
  if (round % 2 === 0) {
    const ours = await own.run(requests);
    return [ours, await peer.run(requests)] as const;
  }
  const theirs = await peer.run(requests);
  return [await own.run(requests), theirs] as const;
}
