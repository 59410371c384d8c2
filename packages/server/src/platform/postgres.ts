import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { TrustError } from '@talosprotocol/protocol';
import type { DataFolder } from './data-folder.js';
import { readOrCreateKeyFile } from './key-file.js';
import type { Log } from './log.js';
import { preparePostgresBinaries } from './postgres-binaries.js';
import { openCluster, ROLE } from './postgres-cluster.js';
import { endOrphan } from './postgres-orphan.js';
import { asOwner, findPostgresOwner, type PostgresOwner } from './postgres-owner.js';
import { endPostmaster } from './postgres-process.js';
import type { Reaper } from './reaper.js';
import { createSecret, type Secret } from './secret.js';
import { createSql, type SqlAddress } from './sql.js';
import type { Clock, Random } from './system.js';

export interface PostgresOptions {
  readonly folder: Pick<DataFolder, 'keys' | 'run' | 'postgres' | 'postgresBinaries'>;
  /** The user to run as when we are root. */
  readonly user?: string | undefined;
  readonly reaper: Reaper;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A running embedded PostgreSQL, ours alone, reachable by its socket only. */
export interface Postgres {
  readonly pid: number;
  /** For `createSql`. */
  readonly address: SqlAddress;
  /** Settles when it has ended; `expected` is false if `stop` did not ask for it. */
  readonly ended: Promise<{ readonly expected: boolean }>;
  /** Shuts down: cleanly, or after `limitMs` at once. Close the pool first. */
  stop(limitMs?: number): Promise<void>;
}

const PORT = 5432;
const READY_MS = 30_000;

/** Starts the database of an open data folder, making it at the first time, and waits until it answers.
 *  What an earlier run left behind (a postmaster, half a cluster) is cleared away first.
 *  @throws {TrustError} SETTINGS_INVALID with what to do; UNAVAILABLE if it does not answer in time */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { folder, reaper, log, clock } = options;
  const owner = await findPostgresOwner(options.user);
  const password = await readPassword(folder.keys, options.random);
  const sockets = await openSocketFolder(folder.run, owner);
  await endOrphan(folder.postgres, sockets, log);
  const binaries = await preparePostgresBinaries(folder.postgresBinaries, owner);
  await openCluster({ cluster: folder.postgres, binaries, owner, password, reaper });
  const child = launch(binaries, folder.postgres, sockets, owner);
  const watched = watch(child, reaper, log);
  const address = { socketFolder: sockets, port: PORT, user: ROLE, database: ROLE, password };
  try {
    await waitUntilReady(address, watched, clock);
  } catch (error) {
    await watched.stop(2_000);
    throw error;
  }
  return { pid: watched.pid, address, ended: watched.ended, stop: watched.stop };
}

async function readPassword(keys: string, random: Random): Promise<Secret<string>> {
  const make = (): string => Buffer.from(random(24)).toString('base64url');
  return createSecret(await readOrCreateKeyFile(keys, 'postgres.password', make));
}

async function openSocketFolder(run: string, owner: PostgresOwner): Promise<string> {
  const path = join(run, 'pg');
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (owner.foreign) await chown(path, owner.uid, owner.gid);
  await chmod(path, 0o700);
  return path;
}

/** Small, durable, closed to the network. Statements and their values stay out of the server's messages. */
const CONFIGURATION: Readonly<Record<string, string>> = {
  listen_addresses: '',
  port: String(PORT),
  unix_socket_permissions: '0700',
  max_connections: '40',
  shared_buffers: '64MB',
  max_wal_size: '256MB',
  min_wal_size: '32MB',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  jit: 'off',
  io_method: 'sync',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
  log_checkpoints: 'off',
  log_line_prefix: '',
};

function launch(binaries: string, cluster: string, sockets: string, owner: PostgresOwner): ChildProcess {
  const flags = Object.entries(CONFIGURATION).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  // A session of its own: Ctrl-C in the terminal is for us, who then stop it in order.
  return spawn(join(binaries, 'bin/postgres'), ['-D', cluster, '-k', sockets, ...flags], {
    ...asOwner(owner),
    cwd: '/',
    detached: true,
    env: { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

interface Watched {
  readonly pid: number;
  readonly ended: Promise<{ readonly expected: boolean }>;
  hasEnded(): boolean;
  lastWords(): string;
  stop(limitMs?: number): Promise<void>;
}

const KEPT_LINES = 10;

function watch(child: ChildProcess, reaper: Reaper, log: Log): Watched {
  const pid = child.pid ?? 0;
  const said: string[] = [];
  let stopping = false;
  let over = false;
  if (pid > 1) reaper.addProcess(pid, 'INT');
  const ended = new Promise<{ expected: boolean }>((resolve) => {
    const settle = (exitCode: number | null): void => {
      over = true;
      if (pid > 1) reaper.removeProcess(pid);
      if (!stopping) log.error('the database ended', { pid, exitCode: exitCode ?? -1 });
      resolve({ expected: stopping });
    };
    child.once('exit', settle);
    child.once('error', () => settle(null));
  });
  if (child.stderr !== null) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (said.push(line) > KEPT_LINES) said.shift();
      log.debug('database', { line });
    });
  }
  const stop = async (limitMs = 10_000): Promise<void> => {
    stopping = true;
    if (!over && pid > 1) await endPostmaster(pid, [limitMs, 5_000]);
    await ended;
  };
  return { pid, ended, hasEnded: () => over, lastWords: () => said.join(' | '), stop };
}

async function waitUntilReady(address: SqlAddress, watched: Watched, clock: Clock): Promise<void> {
  const limit = clock.monotonic() + READY_MS;
  let last: unknown;
  while (!watched.hasEnded() && clock.monotonic() < limit) {
    last = await tryConnect(address);
    if (last === undefined) return;
    // A refused password or a missing database does not mend itself.
    if (!(last instanceof TrustError) || last.code !== 'UNAVAILABLE') break;
    await sleep(5);
  }
  if (last !== undefined && !watched.hasEnded()) throw notOurs(last);
  const reason = `the embedded database did not start: ${watched.lastWords()}`;
  throw new TrustError('UNAVAILABLE', reason, { hint: 'run talos doctor' }, last);
}

async function tryConnect(address: SqlAddress): Promise<unknown> {
  const sql = createSql({ address, poolSize: 1 });
  try {
    await sql.query('SELECT 1');
    return undefined;
  } catch (error) {
    return error;
  } finally {
    await sql.close();
  }
}

function notOurs(cause: unknown): TrustError {
  return new TrustError(
    'SETTINGS_INVALID',
    'the embedded database refuses the password in keys/postgres.password',
    { hint: 'restore the keys folder that belongs to this data folder from its backup' },
    cause,
  );
}
