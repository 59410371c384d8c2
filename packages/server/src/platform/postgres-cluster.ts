import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, chmod, chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { TrustError } from '@talosprotocol/protocol';
import { syncEntry } from './key-file.js';
import { asOwner, closedParent, type PostgresOwner } from './postgres-owner.js';
import type { Reaper } from './reaper.js';
import type { Secret } from './secret.js';

/** The major version whose clusters the installed programs read. */
const MAJOR = '18';

/** The role and the database of the platform. The role is no superuser: SQL cannot reach files or programs. */
export const ROLE = 'talos';

/** Only the platform's role, only by the socket, only with the password. */
const HBA = `local ${ROLE} ${ROLE} scram-sha-256\n`;

export interface ClusterOptions {
  /** The cluster's folder; it appears once it is complete. */
  readonly cluster: string;
  readonly binaries: string;
  readonly owner: PostgresOwner;
  readonly password: Secret<string>;
  readonly reaper: Reaper;
}

/** Makes the cluster unless it is there. It is built under another name and renamed when complete, so a start that
 *  was killed leaves nothing but a draft, which the next one removes. */
export async function openCluster(options: ClusterOptions): Promise<void> {
  const { cluster, owner } = options;
  await assertReachable(cluster, owner);
  await removeDrafts(cluster);
  if (await hasCluster(cluster)) return;
  const draft = `${cluster}.draft-${randomBytes(6).toString('hex')}`;
  await mkdir(draft, { mode: 0o700 });
  if (owner.foreign) await chown(draft, owner.uid, owner.gid);
  await initialise(options, draft);
  await rename(draft, cluster);
  await syncEntry(cluster);
}

async function assertReachable(cluster: string, owner: PostgresOwner): Promise<void> {
  const closed = await closedParent(cluster, owner);
  if (closed === undefined) return;
  const reason = `PostgreSQL runs as user ${owner.uid}, who cannot pass through ${closed}`;
  throw new TrustError('SETTINGS_INVALID', reason, {
    hint: `chmod o+x ${closed}, or set TALOS_DATA to a folder such as /var/lib/talos`,
  });
}

async function removeDrafts(cluster: string): Promise<void> {
  const prefix = `${basename(cluster)}.draft-`;
  for (const name of await readdir(dirname(cluster))) {
    if (!name.startsWith(prefix)) continue;
    // A killed start's initdb may still be busy in there: try again until it is gone.
    const retry = { maxRetries: 20, retryDelay: 25 };
    await rm(join(dirname(cluster), name), { recursive: true, force: true, ...retry });
  }
}

async function hasCluster(cluster: string): Promise<boolean> {
  const there = await access(cluster).then(
    () => true,
    () => false,
  );
  if (!there) return false;
  const version = await readFile(join(cluster, 'PG_VERSION'), 'utf8').catch(() => 'none\n');
  if (version.trim() === MAJOR) return true;
  throw new TrustError('SETTINGS_INVALID', `${cluster} is a cluster of PostgreSQL ${version.trim()}`, {
    hint: `this program reads version ${MAJOR}: start the version of talos that wrote it`,
  });
}

async function initialise(options: ClusterOptions, draft: string): Promise<void> {
  const { binaries, password, owner } = options;
  await runTool(options, join(binaries, 'bin/initdb'), [
    ...['-D', draft, '-U', 'postgres', '--encoding=UTF8', '--locale=C'],
    // Sorts by code point, the same on every system and after every update of one.
    ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ...['--auth-local=reject', '--auth-host=reject', '--wal-segsize=4', '--no-instructions'],
  ]);
  const quoted = password.reveal().replaceAll("'", "''");
  await runTool(
    options,
    join(binaries, 'bin/postgres'),
    ['--single', '-j', '-D', draft, 'postgres'],
    `CREATE ROLE ${ROLE} LOGIN PASSWORD '${quoted}';\n\nCREATE DATABASE ${ROLE} OWNER ${ROLE};\n\n`,
  );
  const hba = join(draft, 'pg_hba.conf');
  await writeFile(hba, HBA, { flush: true });
  await chmod(hba, 0o600);
  if (owner.foreign) await chown(hba, owner.uid, owner.gid);
}

async function runTool(options: ClusterOptions, program: string, args: string[], input = ''): Promise<void> {
  const child = spawn(program, args, {
    ...asOwner(options.owner),
    cwd: '/',
    detached: true,
    env: { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid !== undefined) options.reaper.addGroup(pid);
  try {
    child.stdin.on('error', () => undefined).end(input);
    const output = await finished(child);
    // A single-user backend exits with 0 whatever its statements came to.
    if (/^.*\b(ERROR|FATAL|PANIC):/m.test(output)) throw failure(program, output);
  } finally {
    if (pid !== undefined) options.reaper.removeGroup(pid);
  }
}

const MAX_OUTPUT = 4_000;

function finished(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-MAX_OUTPUT);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.once('error', (error) => reject(failure(child.spawnfile, error.message)));
    child.once('close', (code) => (code === 0 ? resolve(output) : reject(failure(child.spawnfile, output))));
  });
}

function failure(program: string, output: string): TrustError {
  const noRoom = /No space left on device/.test(output);
  const hint = noRoom ? 'free space on the file system of the data folder' : 'run talos doctor';
  const said = output.trim().split('\n').slice(-5).join(' | ');
  return new TrustError('SETTINGS_INVALID', `${basename(program)} failed: ${said}`, { hint });
}
