import type { Benchmark } from '../benchmark.js';
import type { Child } from '../child.js';
import { createLoad, type LoadRequest, type LoadTurn } from '../http/load.js';
import { type Ready, startPlatform, withFolder } from '../platform.js';
import type { Result } from '../result.js';
import { median, percentile } from '../runner.js';
import { openModels, setRate } from './own-gateway.js';
import { startProgram } from './program.js';

const WORK =
  'bearer key, capability, hard budget held and settled in the embedded PostgreSQL, rate, kept key, price, decision and outcome in the log; a provider on this machine';

/** What is on: `all`, or all but the budget, or all but the rate. The log and the key are always on. */
type Features = 'all' | 'no budget' | 'no rate';

interface Row {
  readonly connections: number;
  /** Milliseconds before the provider answers. */
  readonly upstream: number;
  readonly requests: number;
  readonly features: Features;
}

const ROUNDS = 5;
const row = (connections: number, requests: number, more: Partial<Row> = {}): Row => ({
  connections,
  requests,
  upstream: 0,
  features: 'all',
  ...more,
});
const ROWS: readonly Row[] = [
  row(1, 100, { upstream: 20 }),
  row(1, 200),
  row(16, 800),
  row(64, 1_600),
  row(256, 2_560),
  row(64, 1_600, { features: 'no budget' }),
  row(64, 1_600, { features: 'no rate' }),
];
const QUICK_ROWS: readonly Row[] = [row(2, 10), row(2, 10, { features: 'no budget' })];

/** Chat completions, whole, through the gateway, through a proxy that decides nothing, and through Portkey's gateway. */
export const gatewayChat: Benchmark = createModelBenchmark('gateway.chat', false);
/** The same as streams. */
export const gatewaySse: Benchmark = createModelBenchmark('gateway.sse', true);

interface Started {
  readonly platform: Child<Ready>;
  readonly keys: Readonly<Record<Features, string>>;
  /** URLs of providers by how long they take. */
  readonly providers: ReadonlyMap<number, string>;
  /** URLs of bare proxies by the same. */
  readonly bare: ReadonlyMap<number, string>;
  readonly portkey: Child<{ readonly url: string }>;
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
          for (const one of quick ? QUICK_ROWS : ROWS)
            results.push(await compare(name, started, one, { stream, rounds: quick ? 1 : ROUNDS }));
          return results;
        } finally {
          for (const child of children.toReversed()) await child.stop();
        }
      }),
  };
}

async function startAll(folder: string, children: Child<unknown>[]): Promise<Started> {
  const start = async (program: string, ...args: string[]) => {
    const child = await startProgram(folder, program, ...args);
    children.push(child);
    return child;
  };
  const [fast, slow] = [await start('./provider.js', '0'), await start('./provider.js', '20')];
  const providers = new Map([
    [0, fast.ready.url],
    [20, slow.ready.url],
  ]);
  const bare = new Map([
    [0, (await start('./bare-proxy.js', fast.ready.url)).ready.url],
    [20, (await start('./bare-proxy.js', slow.ready.url)).ready.url],
  ]);
  const portkey = await start('./portkey.js');
  const platform = await startPlatform(folder);
  children.push(platform);
  const { key, keyWithoutBudget } = await openModels(platform.ready, {
    fast: fast.ready.url,
    slow: slow.ready.url,
  });
  return {
    platform,
    keys: { all: key, 'no budget': keyWithoutBudget, 'no rate': key },
    providers,
    bare,
    portkey,
  };
}

const QUESTION = 'What is it that you say to whoever asks you this, over and over again? '.repeat(6);

function bodyOf(model: string, stream: boolean): string {
  const messages = [{ role: 'user', content: QUESTION }];
  return JSON.stringify({ model, messages, max_tokens: 200, ...(stream ? { stream: true } : {}) });
}

function requestOf(headers: LoadRequest['headers'], model: string, stream: boolean): LoadRequest {
  return {
    path: '/v1/chat/completions',
    headers,
    body: bodyOf(model, stream),
    expect: stream ? 'data: [DONE]' : '"total_tokens":160',
  };
}

interface How {
  readonly stream: boolean;
  readonly rounds: number;
}

/** The three, each with the same load. */
function loadsOf(
  { platform, keys, providers, bare, portkey }: Started,
  { connections, upstream, features }: Row,
  stream: boolean,
) {
  const model = `${upstream === 0 ? 'fast' : 'slow'}/bench`;
  const wanted = requestOf({ authorization: `Bearer ${keys[features]}` }, model, stream);
  const routed = {
    authorization: 'Bearer sk-bench',
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `${providers.get(upstream)}/v1`,
  };
  return {
    own: createLoad(platform.ready.gateway, connections, [wanted]),
    'undici-proxy': createLoad(bare.get(upstream) ?? '', connections, [wanted]),
    portkey: createLoad(portkey.ready.url, connections, [requestOf(routed, 'bench', stream)]),
  };
}

const PEERS = ['undici-proxy', 'portkey'] as const;

type Turn = Readonly<Record<'own' | (typeof PEERS)[number], LoadTurn>>;

async function compare(name: string, started: Started, asked: Row, { stream, rounds }: How): Promise<Result> {
  const { connections, upstream, requests, features } = asked;
  const loads = loadsOf(started, asked, stream);
  await setRate(started.platform.ready, features !== 'no rate');
  for (const load of Object.values(loads)) await load.run(requests);
  const turns: Turn[] = [];
  for (let round = 0; round < rounds; round += 1) turns.push(await takeTurns(loads, requests, round));
  const latencies = turns.flatMap(({ own }) => [...own.latencies]);
  const rateOf = (who: keyof Turn): number => median(turns.map((turn) => turn[who].rate));
  const halfOf = ({ latencies: all }: LoadTurn): number => percentile([...all], 0.5);
  const ratios = PEERS.map((peer) => [peer, median(turns.map((turn) => turn.own.rate / turn[peer].rate))]);
  return {
    name,
    params: { connections, upstream_ms: upstream, features, work: WORK },
    ops_per_s: rateOf('own'),
    p50_us: percentile(latencies, 0.5) * 1000,
    p99_us: percentile(latencies, 0.99) * 1000,
    p999_us: percentile(latencies, 0.999) * 1000,
    bytes_per_op: null,
    rss_bytes: started.platform.rssBytes(),
    ratios: Object.fromEntries(ratios),
    rounds,
    peers: Object.fromEntries(PEERS.map((peer) => [peer, rateOf(peer)])),
    added_p50_ms: median(turns.map((turn) => halfOf(turn.own) - halfOf(turn['undici-proxy']))),
  };
}

/** Each goes first as often as the others. */
async function takeTurns(loads: ReturnType<typeof loadsOf>, requests: number, round: number): Promise<Turn> {
  const names = ['own', ...PEERS] as const;
  const turn: Partial<Record<keyof Turn, LoadTurn>> = {};
  for (let index = 0; index < names.length; index += 1) {
    const name = names[(index + round) % names.length] as keyof Turn;
    turn[name] = await loads[name].run(requests);
  }
  return turn as Turn;
}
