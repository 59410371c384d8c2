import { fileURLToPath } from 'node:url';
import { createIdentity, createKernelClient } from '@talosprotocol/sdk';
import type { Benchmark } from '../benchmark.js';
import { type Child, startChild } from '../child.js';
import { createLoad, type LoadRequest } from '../http/load.js';
import { type Ready, readAdminToken, startPlatform, withFolder } from '../platform.js';
import type { Result } from '../result.js';
import { median, percentile } from '../runner.js';
import { folderOf, kindOf, scopeOf, scopeOfFolder } from './calls.js';

const WORK =
  'POST /talos/v1/authorize over HTTP with the credential of a service: body parsed, chain, times, revocation, grants, answer; 64 connections';
const CONNECTIONS = 64;
const AGENTS = 64;

interface Turns {
  readonly rounds: number;
  readonly requests: number;
}

const TURNS: Turns = { rounds: 7, requests: 20_000 };
const QUICK_TURNS: Turns = { rounds: 1, requests: 200 };

/** Decisions for services that ask over HTTP, next to a server that only answers. */
export const authorizeHttp: Benchmark = {
  name: 'authorize.http',
  run: (_effort, quick) =>
    withFolder(async (folder) => {
      const platform = await startPlatform(folder);
      const started: Child<unknown>[] = [platform];
      try {
        const program = fileURLToPath(new URL('../http/echo-server.js', import.meta.url));
        const echo = await startChild<{ readonly url: string }>([program], { log: `${folder}/echo.log` });
        started.push(echo);
        return [await compare(platform, echo.ready.url, quick ? QUICK_TURNS : TURNS)];
      } finally {
        await Promise.all(started.map((child) => child.stop()));
      }
    }),
};

async function compare(platform: Child<Ready>, echoUrl: string, turns: Turns): Promise<Result> {
  const requests = await makeRequests(platform.ready);
  const ours = createLoad(platform.ready.kernel, CONNECTIONS, requests);
  const echo = createLoad(
    echoUrl,
    CONNECTIONS,
    requests.map((request) => ({ ...request, expect: 'allow' })),
  );
  const rates: { own: number; echo: number }[] = [];
  const latencies: number[] = [];
  await ours.run(turns.requests);
  await echo.run(turns.requests);
  for (let round = 0; round < turns.rounds; round += 1) {
    const own = await ours.run(turns.requests);
    latencies.push(...own.latencies);
    rates.push({ own: own.rate, echo: (await echo.run(turns.requests)).rate });
  }
  return {
    name: 'authorize.http',
    params: { connections: CONNECTIONS, work: WORK },
    ops_per_s: median(rates.map(({ own }) => own)),
    p50_us: percentile(latencies, 0.5) * 1000,
    p99_us: percentile(latencies, 0.99) * 1000,
    p999_us: percentile(latencies, 0.999) * 1000,
    bytes_per_op: null,
    rss_bytes: platform.rssBytes(),
    ratios: { 'node-http-echo': median(rates.map((round) => round.own / round.echo)) },
    rounds: turns.rounds,
    peers: { 'node-http-echo': median(rates.map((round) => round.echo)) },
  };
}

/** The mix of the other rows: another folder and a write must be denied. */
async function makeRequests(ready: Ready): Promise<readonly LoadRequest[]> {
  const token = await readAdminToken(ready);
  const kernel = createKernelClient({ url: ready.kernel, adminToken: token });
  const chains: string[] = [];
  for (let agent = 0; agent < AGENTS; agent += 1) {
    const { chain } = await kernel.issueCapability({
      sub: createIdentity().did,
      aud: [ready.gatewayDid],
      grants: [{ scope: scopeOfFolder(folderOf(agent)), ops: ['read'] }],
      exp: Math.floor(Date.now() / 1000) + 3600,
    });
    chains.push(chain);
  }
  return Array.from({ length: 1024 }, (_, at) => {
    const agent = (at * 7) % AGENTS;
    const kind = kindOf(at);
    const op = kind === 'write' ? 'write' : 'read';
    const items = [{ scope: scopeOf(agent, kind), op }];
    const allowed = kind !== 'write' && kind !== 'other-folder';
    return {
      path: '/talos/v1/authorize',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ chain: chains[agent], items }),
      expect: allowed ? '"effect":"allow"' : '"effect":"deny"',
    };
  });
}
