import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createReaper } from '../reaper.js';
import { ensureProgram } from './programs.js';

/** A real Redis for a test. */
export interface TestRedis {
  readonly url: string;
  close(): Promise<void>;
}

/** One that the test started, and may do anything to. */
export interface OwnRedis extends TestRedis {
  /** Stops or ends its process, by id. */
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with nothing in it. */
  restart(): Promise<void>;
  /** The beginning of what it answers to an inline command. */
  ask(words: string): Promise<string>;
}

/** The Redis that TALOS_TEST_REDIS_URL names, else one of the test's own. Never nothing: a test that needs it fails.
 *  Tests must use key prefixes of their own in it. */
export async function openTestRedis(): Promise<TestRedis> {
  const url = process.env['TALOS_TEST_REDIS_URL'];
  return url === undefined || url === '' ? startRedis() : { url, close: async () => undefined };
}

/** Starts a Redis on a free port of this machine that keeps nothing. `slots` makes it a node of a Redis Cluster that
 *  holds these, or none if there are none in it.
 *  @throws {Error} there is no redis-server, and none can be installed */
export async function startRedis(options: { readonly slots?: string } = {}): Promise<OwnRedis> {
  const { slots } = options;
  const [binary, folder] = await Promise.all([findRedisServer(), mkdtemp(join(tmpdir(), 'talos-redis-'))]);
  const reaper = createReaper();
  const launch = async (port: number) => {
    const server = await launchRedis(binary, { port, folder, slots, reaper });
    return { ...server, port };
  };
  // Somebody else may have taken the port meanwhile.
  const anywhere = async () => launch(await freePort(slots !== undefined));
  let server = await anywhere().catch(anywhere).catch(anywhere);
  const { port } = server;
  const kill = async (): Promise<void> => {
    server.signal('SIGKILL');
    await server.ended;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    signal: (signal) => server.signal(signal),
    kill,
    restart: async () => {
      server = await launch(port);
    },
    ask: (words) => ask(port, words),
    close: async () => {
      await kill();
      await reaper.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A Redis Cluster of two nodes, each with half of the slots. The URL names the first. */
export async function startRedisCluster(): Promise<TestCluster> {
  return joinCluster(await startNodes('0 8191', '8192 16383'), 2);
}

/** Nodes of a cluster, all of them the test's own. */
export interface TestCluster extends TestRedis {
  readonly nodes: readonly OwnRedis[];
}

/** One that outlives a node: of three with a third of the slots each, the last has a replica, which takes its place. */
export async function startReplicatedCluster(): Promise<TestCluster & { untilReplicated(): Promise<void> }> {
  const nodes = await startNodes('0 5460', '5461 10922', '10923 16383', '');
  const cluster = await joinCluster(nodes, 3);
  const [, , primary = 0, replica = 0] = nodes.map(portOf);
  const id = /[0-9a-f]{40}/.exec(await ask(primary, 'CLUSTER MYID'))?.[0];
  await ask(replica, `CLUSTER REPLICATE ${id}`);
  await untilSays(replica, 'INFO replication', 'master_link_status:up');
  return {
    ...cluster,
    untilReplicated: async () => {
      const offset = /master_repl_offset:\d+/.exec(await ask(primary, 'INFO replication'))?.[0] ?? '';
      await untilSays(replica, 'INFO replication', offset.replace('master', 'slave'));
    },
  };
}

const startNodes = (...slots: readonly string[]): Promise<OwnRedis[]> =>
  Promise.all(slots.map((one) => startRedis({ slots: one })));
const portOf = ({ url }: OwnRedis): number => Number(new URL(url).port);

async function joinCluster(nodes: readonly OwnRedis[], size: number): Promise<TestCluster> {
  const [first = 0, ...others] = nodes.map(portOf);
  for (const port of others) await ask(port, `CLUSTER MEET 127.0.0.1 ${first}`);
  for (const port of [first, ...others]) {
    await untilSays(port, 'CLUSTER SLOTS', `:${first}\r`);
    await untilSays(port, 'CLUSTER INFO', `cluster_known_nodes:${nodes.length}`);
    await untilSays(port, 'CLUSTER INFO', `cluster_size:${size}`);
    await untilSays(port, 'CLUSTER INFO', 'cluster_state:ok');
  }
  return {
    nodes,
    url: nodes[0]?.url.replace('redis:', 'redis+cluster:') ?? '',
    close: async () => {
      for (const node of nodes) await node.close();
    },
  };
}

interface Launch {
  readonly port: number;
  readonly folder: string;
  readonly slots: string | undefined;
  readonly reaper: ReturnType<typeof createReaper>;
}

async function launchRedis(binary: string, { port, folder, slots, reaper }: Launch) {
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const shape = slots === undefined ? [] : ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000'];
  const child = spawn(binary, [...words, '--dir', folder, ...shape], { detached: true, stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.once('error', () => undefined);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${binary} cannot be started`);
  // If this process is killed, the server goes too.
  reaper.addGroup(pid);
  void ended.then(() => reaper.removeGroup(pid));
  const isEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  // Not only some server on that port: ours.
  await untilSays(port, 'INFO server', `process_id:${pid}\r`, isEnded);
  if (slots) await ask(port, `CLUSTER ADDSLOTSRANGE ${slots}`);
  return { ended, signal: (signal: NodeJS.Signals) => void (isEnded() || process.kill(pid, signal)) };
}

async function untilSays(port: number, words: string, wanted: string, isEnded = () => false): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (isEnded()) break;
    const said = await ask(port, words).catch(() => '');
    if (said.includes(wanted)) return;
    await sleep(20);
  }
  throw new Error(`the redis-server that was started on port ${port} does not answer ${words}`);
}

/** The beginning of an answer to an inline command. */
function ask(port: number, words: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${words}\r\n`));
    socket.setTimeout(1_000, () => socket.destroy(new Error('timeout')));
    socket.once('error', reject);
    socket.once('data', (data) => {
      resolve(data.toString());
      socket.destroy();
    });
  });
}

/** Nodes of a cluster talk on another port, which is the number of the first and 10,000. */
const HIGHEST_OF_CLUSTER = 55_000;

async function freePort(isCluster: boolean): Promise<number> {
  for (;;) {
    const port = await anyPort();
    if (!isCluster || port < HIGHEST_OF_CLUSTER) return port;
  }
}

function anyPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** `redis-server` of the PATH, else what the package manager of the system installs when it may. */
async function findRedisServer(): Promise<string> {
  await ensureProgram('redis-server', 'redis-server').catch((error: unknown) => {
    const why = error instanceof Error ? error.message : error;
    throw new Error(
      `these tests need a real Redis, and there is none: ${why}. Put redis-server on the PATH, or name a running one in TALOS_TEST_REDIS_URL`,
    );
  });
  return 'redis-server';
}
