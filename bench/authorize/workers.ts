import { writeFile } from 'node:fs/promises';
import { createGatewayClient } from '@talosprotocol/sdk';
import type { Benchmark } from '../benchmark.js';
import type { Child } from '../child.js';
import { createLoad, type Load, type LoadRequest } from '../http/load.js';
import { type Ready, readAdminToken, startPlatform, withFolder } from '../platform.js';
import type { Result } from '../result.js';
import { median, percentile } from '../runner.js';
import { scopeOf } from './calls.js';
import { createWorld, issueFor, type World } from './world.js';

const WORK =
  'POST /talos/v1/authorize over HTTP with a chain that is not known: every signature verified on the threads of the pool, everything else on one; 64 connections';
const CONNECTIONS = 64;
const LINKS = 4;

interface Turns {
  readonly workers: readonly number[];
  readonly rounds: number;
  readonly chains: number;
}

/** More chains than a kernel keeps (2,048), shown in turn: none is known any more when it comes again. */
const TURNS: Turns = { workers: [0, 1, 2], rounds: 5, chains: 4_096 };
const QUICK_TURNS: Turns = { workers: [0, 1], rounds: 1, chains: 64 };

/** How far the threads that verify signatures carry: the same load on platforms that differ in nothing else. */
export const authorizeWorkers: Benchmark = {
  name: 'authorize.workers',
  run: (_effort, quick) =>
    withFolder(async (folder) => {
      const turns = quick ? QUICK_TURNS : TURNS;
      const started: Platform[] = [];
      try {
        for (const workers of turns.workers)
          started.push(await openPlatform(`${folder}/${workers}`, workers, turns));
        return await compare(started, turns);
      } finally {
        await Promise.all(started.map(({ child }) => child.stop()));
      }
    }),
};

interface Platform {
  readonly workers: number;
  readonly child: Child<Ready>;
  readonly load: Load;
  readonly rates: number[];
  readonly latencies: number[];
}

async function openPlatform(folder: string, workers: number, { chains }: Turns): Promise<Platform> {
  const child = await startPlatform(folder, { TALOS_WORKERS: String(workers) });
  try {
    const { ready } = child;
    const token = await readAdminToken(ready);
    const world = { ...createWorld(), gateway: ready.gatewayDid };
    await trust(world, ready, token);
    const load = createLoad(ready.kernel, CONNECTIONS, requestsOf(world, token, chains));
    return { workers, child, load, rates: [], latencies: [] };
  } catch (error) {
    await child.stop();
    throw error;
  }
}

/** The chains are made here: the platform learns whose they are. */
async function trust({ organisation }: World, { config, gateway }: Ready, adminToken: string): Promise<void> {
  const anchor = {
    iss: organisation.did,
    tenant: 'default',
    grants: [{ scope: 'tool:*', ops: ['read', 'write'] }],
  };
  await writeFile(config, JSON.stringify({ version: 1, anchors: [anchor], servers: {} }));
  await createGatewayClient({ url: gateway, adminToken }).reloadPolicy();
}

function requestsOf(world: World, token: string, count: number): readonly LoadRequest[] {
  return Array.from({ length: count }, (_, session) => ({
    path: '/talos/v1/authorize',
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({
      chain: issueFor(world, session, { links: LINKS }).chain,
      items: [{ scope: scopeOf(session, 'allowed'), op: 'read' }],
    }),
    expect: '"effect":"allow"',
  }));
}

async function compare(
  platforms: readonly Platform[],
  { rounds, chains }: Turns,
): Promise<readonly Result[]> {
  for (const { load } of platforms) await load.run(chains);
  for (let round = 0; round < rounds; round += 1) {
    for (const one of round % 2 === 0 ? platforms : platforms.toReversed()) {
      const turn = await one.load.run(chains);
      one.rates.push(turn.rate);
      one.latencies.push(...turn.latencies);
    }
  }
  const [alone] = platforms;
  return platforms.map((one) => resultOf(one, alone === one ? undefined : alone, rounds));
}

function resultOf(one: Platform, alone: Platform | undefined, rounds: number): Result {
  return {
    name: 'authorize.workers',
    params: { workers: one.workers, links: LINKS, connections: CONNECTIONS, work: WORK },
    ops_per_s: median(one.rates),
    p50_us: percentile(one.latencies, 0.5) * 1000,
    p99_us: percentile(one.latencies, 0.99) * 1000,
    p999_us: percentile(one.latencies, 0.999) * 1000,
    bytes_per_op: null,
    rss_bytes: one.child.rssBytes(),
    ratios:
      alone === undefined
        ? {}
        : { 'workers-0': median(one.rates.map((rate, round) => rate / (alone.rates[round] ?? 0))) },
    rounds,
    peers: alone === undefined ? {} : { 'workers-0': median(alone.rates) },
  };
}
