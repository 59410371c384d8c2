import { fileURLToPath } from 'node:url';
import type { Limit, Op } from '@talosprotocol/contracts';
import type { Benchmark } from '../benchmark.js';
import { type Child, startChild } from '../child.js';
import { type Ready, startPlatform, withFolder } from '../platform.js';
import type { Result } from '../result.js';
import { median, percentile } from '../runner.js';
import { type Caller, connectDirectly, connectThroughGateway } from './caller.js';
import { addToolServers } from './tool-servers.js';

const WORK =
  'official client, HTTP, session MAC on every request, capability, limits, pinned tool, audit on; tool server over stdio';

/** A tool call through the gateway and without it, one at a time. */
export const mcpCall: Benchmark = {
  name: 'mcp.call',
  run: (_effort, quick) =>
    withFolder(async (folder) => {
      const platform = await startPlatform(folder);
      const started: Child<unknown>[] = [platform];
      try {
        await addToolServers(platform.ready);
        const direct = await startReference('own', folder, started);
        const stdio = await startReference('stdio', folder, started);
        return await compare({ platform, direct, stdio }, quick ? QUICK_TURNS : TURNS);
      } finally {
        await Promise.all(started.map((child) => child.stop()));
      }
    }),
};

interface Turns {
  readonly rounds: number;
  /** Turns of each caller in a round, and calls in a turn. */
  readonly turns: number;
  readonly calls: number;
}

const TURNS: Turns = { rounds: 5, turns: 6, calls: 50 };
const QUICK_TURNS: Turns = { rounds: 1, turns: 1, calls: 10 };

interface Variant {
  readonly op: Op;
  readonly calls_limit: string;
  readonly limits: readonly Limit[];
}

const VARIANTS: readonly Variant[] = [
  { op: 'read', calls_limit: 'none', limits: [] },
  { op: 'read', calls_limit: '1000000', limits: [{ per: 'total', calls: 1_000_000 }] },
  { op: 'write', calls_limit: 'none', limits: [] },
];

interface Endpoints {
  readonly platform: Child<Ready>;
  readonly direct: string;
  readonly stdio: string;
}

async function startReference(how: string, folder: string, started: Child<unknown>[]): Promise<string> {
  const program = fileURLToPath(new URL('./reference-server.js', import.meta.url));
  const child = await startChild<{ readonly url: string }>([program, how], { log: `${folder}/${how}.log` });
  started.push(child);
  return child.ready.url;
}

/** The p50 of each round, and all latencies, in milliseconds. */
interface Latencies {
  readonly medians: number[];
  readonly all: number[];
}

async function compare({ platform, direct, stdio }: Endpoints, turns: Turns): Promise<readonly Result[]> {
  const peers = [await connectDirectly(direct), await connectDirectly(stdio)];
  const ours: Caller[] = [];
  for (const { op, limits } of VARIANTS) ours.push(await connectThroughGateway(platform.ready, op, limits));
  const callers = [...peers, ...ours];
  for (const caller of callers) await callMany(caller, turns.calls * 2);
  const latencies = await takeTurns(callers, turns);
  const rss_bytes = platform.rssBytes();
  for (const caller of callers) await caller.close();
  const [directly, overStdio, ...own] = latencies as [Latencies, Latencies, ...Latencies[]];
  return VARIANTS.map(({ op, calls_limit }, index) => {
    const row = rowOf(own[index] as Latencies, directly, overStdio);
    return { name: 'mcp.call', params: { op, calls_limit, work: WORK }, ...row, rss_bytes };
  });
}

async function takeTurns(callers: readonly Caller[], { rounds, turns, calls }: Turns): Promise<Latencies[]> {
  const found = callers.map((): Latencies => ({ medians: [], all: [] }));
  for (let round = 0; round < rounds; round += 1) {
    const inRound = callers.map((): number[] => []);
    for (let turn = 0; turn < turns; turn += 1) {
      for (const [index, caller] of callers.entries()) {
        inRound[index]?.push(...(await callMany(caller, calls)));
        await caller.checkRefusal();
      }
    }
    for (const [index, samples] of inRound.entries()) {
      found[index]?.medians.push(median(samples));
      found[index]?.all.push(...samples);
    }
  }
  return found;
}

async function callMany(caller: Caller, count: number): Promise<number[]> {
  const latencies: number[] = [];
  for (let i = 0; i < count; i += 1) latencies.push(await caller.call());
  return latencies;
}

function rowOf(
  own: Latencies,
  direct: Latencies,
  stdio: Latencies,
): Omit<Result, 'name' | 'params' | 'rss_bytes'> {
  const rate = ({ all }: Latencies): number => 1000 / (all.reduce((sum, ms) => sum + ms, 0) / all.length);
  const added = (to: Latencies): number =>
    median(own.medians.map((ms, round) => ms - (to.medians[round] as number)));
  const peers = { direct: rate(direct), 'direct-stdio': rate(stdio) };
  return {
    ops_per_s: rate(own),
    p50_us: median(own.all) * 1000,
    p99_us: percentile(own.all, 0.99) * 1000,
    p999_us: percentile(own.all, 0.999) * 1000,
    bytes_per_op: null,
    ratios: { direct: rate(own) / peers.direct, 'direct-stdio': rate(own) / peers['direct-stdio'] },
    rounds: own.medians.length,
    peers,
    added_p50_ms: added(direct),
    added_p50_ms_stdio: added(stdio),
  };
}
