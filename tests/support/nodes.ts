import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createAgent } from '@talosprotocol/sdk';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../packages/server/src/platform/testing/database.js';
import {
  buildServer,
  endAllPlatforms,
  failToStart,
  type RolesProcess,
  startRoles,
} from './platform-process.js';
import {
  castOf,
  crypto,
  ODD_TOOLS,
  type Operator,
  oddServer,
  operate,
  pinServers,
  type Ready,
} from './world.js';

/** A place for one platform of several processes: a database of its own, a folder with keys, a tool server's journal. */
export interface NodesPlace {
  readonly database: TestDatabase;
  readonly databaseUrl: string;
  readonly data: string;
  readonly journal: string;
}

/** For test files that start several processes on one real PostgreSQL, which they start too. */
export function useNodes() {
  let program: Awaited<ReturnType<typeof buildServer>>;
  const folders: string[] = [];
  const closing: (() => Promise<void> | void)[] = [];

  beforeAll(async () => {
    program = await buildServer();
  });
  afterEach(async () => {
    await endAllPlatforms();
    for (const close of closing.splice(0)) await close();
    for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
  });
  afterAll(() => program?.remove());

  const newPlace = async (): Promise<NodesPlace> => {
    const path = mkdtempSync('/tmp/talos-nodes-');
    chmodSync(path, 0o711);
    folders.push(path);
    const database = await openTestDatabase();
    closing.push(() => database.close());
    return {
      database,
      databaseUrl: urlOf(database),
      data: join(path, 'data'),
      journal: join(path, 'journal'),
    };
  };
  const envOf = ({ databaseUrl }: NodesPlace, env: Readonly<Record<string, string>>) => ({
    TALOS_DATABASE_URL: databaseUrl,
    TALOS_NODE_PORT: '0',
    ...env,
  });
  /** `roles` as on the command line, with options after them. */
  const start = (place: NodesPlace, roles: string, env: Readonly<Record<string, string>> = {}) =>
    startRoles(program.path, roles.split(' '), place.data, envOf(place, env));
  const fail = (place: NodesPlace, roles: string, env: Readonly<Record<string, string>> = {}) =>
    failToStart(program.path, place.data, envOf(place, env), roles.split(' '));
  /** One audit process, and two that are kernel and gateway, with the odd server behind each. */
  const startThree = async (env: Readonly<Record<string, string>> = {}) => {
    const place = await newPlace();
    const audit = await start(place, 'audit', env);
    const [a, b] = await Promise.all([
      start(place, 'kernel,gateway', env),
      start(place, 'kernel,gateway', env),
    ]);
    const operator = await operateOn(a, audit);
    await pinServers(operator, { odd: oddServer(place.journal) }, { odd: ODD_TOOLS });
    await (await operateOn(b, audit)).gateway.reloadPolicy();
    return { place, audit, a, b, operator };
  };
  /** A dumb balancer: each request goes to the next backend that answers. */
  const balance = async (backends: readonly string[]): Promise<string> => {
    const server = createBalancer(backends);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    closing.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  return { newPlace, start, fail, startThree, balance };
}

/** Clients of the node's services, and of those of the others that it is not. */
export function operateOn(node: RolesProcess, ...others: readonly RolesProcess[]): Promise<Operator> {
  const nowhere = {
    kernel: 'http://127.0.0.1:1',
    gateway: 'http://127.0.0.1:1',
    audit: 'http://127.0.0.1:1',
  };
  const ready = Object.assign(nowhere, ...others.map((one) => one.ready), node.ready) as Ready;
  return operate(ready);
}

/** The URL of a test database: its socket, with a host that only stands for one. */
export function urlOf({ address }: TestDatabase): string {
  if (!('socketFolder' in address)) throw new Error('the test database has a socket');
  const { socketFolder, port, user, password, database } = address;
  const credentials = `${user}:${encodeURIComponent(password.reveal())}`;
  return `postgres://${credentials}@localhost:${port}/${database}?host=${encodeURIComponent(socketFolder)}`;
}

function createBalancer(backends: readonly string[]): Server {
  let turn = 0;
  return createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const attempt = (left: number): void => {
        turn += 1;
        const { hostname, port } = new URL(backends[turn % backends.length]!);
        const options = {
          host: hostname,
          port,
          method: request.method!,
          path: request.url!,
          agent: false as const,
        };
        const outgoing = httpRequest({ ...options, headers: request.headers }, (answer) => {
          response.writeHead(answer.statusCode!, answer.headers);
          answer.pipe(response);
        });
        outgoing.on('error', () => (left > 0 ? attempt(left - 1) : response.destroy()));
        outgoing.end(Buffer.concat(chunks));
      };
      attempt(backends.length);
    });
  });
}

/** The lines of the odd server's journal that begin so. */
export function journalLines({ journal }: NodesPlace, beginning: string): string[] {
  try {
    return readFileSync(journal, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith(beginning));
  } catch {
    return [];
  }
}

interface Opening {
  readonly url: string;
  readonly init: RequestInit;
}

/** Makes openings of sessions and sends none: their nonces are asked for, their proofs are made. */
export async function openings(operator: Operator, gateway: string, count: number): Promise<Opening[]> {
  const cast = await castOf(operator, { docs: '/' });
  const held: Opening[] = [];
  const wire: typeof fetch = async (input, init = {}) => {
    if (!String(input).endsWith('/talos/v1/sessions')) return fetch(input, init);
    held.push({ url: String(input), init: { ...init, signal: null } });
    throw new TypeError('not sent');
  };
  for (let n = 0; n < count; n += 1) {
    const agent = createAgent({
      identity: cast.agent,
      capability: cast.agentChain,
      gateway,
      fetch: wire,
      crypto,
    });
    await agent.fetch(`${gateway}/x`, { method: 'POST', body: '{}' }).catch(() => undefined);
  }
  return held;
}
