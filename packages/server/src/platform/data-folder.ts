import { constants } from 'node:fs';
import { access, chmod, lstat, mkdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { TrustError } from '@talosprotocol/protocol';
import { createDisk, type Disk } from './disk.js';
import { type FolderLock, takeFolderLock } from './folder-lock.js';
import { writeKeyFile } from './key-file.js';
import { openRunFolder } from './run-folder.js';
import type { Settings } from './settings.js';
import type { Clock } from './system.js';

/** The format of the folder this program writes. Counts up when an older program could harm what it finds. */
const VERSION = 1;

/** The data folder, opened for this process alone. All paths are absolute. */
export interface DataFolder {
  readonly path: string;
  /** Mode 0700: seeds, tokens, passwords. */
  readonly keys: string;
  /** Mode 0700: the log's tiles. */
  readonly tiles: string;
  /** Sockets; may lie outside `path` if that is too long for them. */
  readonly run: string;
  /** The database cluster; belongs to the user PostgreSQL runs as. */
  readonly postgres: string;
  /** Copies of the database's programs, where that user can reach them. */
  readonly postgresBinaries: string;
  readonly disk: Disk;
  release(): Promise<void>;
}

/** Creates what is missing and takes the folder for this process until `release` or its end; `shared`: several processes
 *  may use its keys, and none its database or its log.
 *  @throws {TrustError} SETTINGS_INVALID: no folder, not ours, of a newer version; CONFLICT: in use */
export async function openDataFolder(
  settings: Pick<Settings, 'dataFolder' | 'diskReserve'>,
  clock: Clock,
  use: 'alone' | 'shared' = 'alone',
): Promise<DataFolder> {
  const uid = process.getuid?.() ?? -1;
  const path = await openRoot(settings.dataFolder, uid);
  await assertVersion(path);
  const run = await openRunFolder(path, uid);
  const lock = use === 'shared' ? NO_LOCK : await takeFolderLock(run, process.pid);
  if (!('release' in lock)) throw inUse(path, lock.pid);
  const keys = await openFolder(join(path, 'keys'), 0o700);
  const tiles = await openFolder(join(path, 'tiles'), 0o700);
  return {
    path,
    keys,
    tiles,
    run,
    postgres: join(path, 'pg'),
    postgresBinaries: join(path, 'postgres-bin'),
    disk: createDisk(path, settings.diskReserve, clock),
    release: lock.release,
  };
}

const NO_LOCK: FolderLock = { release: async () => undefined };

async function openRoot(wanted: string, uid: number): Promise<string> {
  // As root the database runs as another user, who must get through to its folder.
  const mode = uid === 0 ? 0o711 : 0o700;
  await mkdir(wanted, { recursive: true, mode }).catch((error: NodeJS.ErrnoException) => {
    throw unusable(wanted, `cannot be made (${error.code})`, 'set TALOS_DATA to a folder you may write to');
  });
  const path = await assertOwnFolder(wanted, uid);
  await chmod(path, mode);
  return path;
}

/** The real path of a folder that is ours. @throws {TrustError} SETTINGS_INVALID */
async function assertOwnFolder(wanted: string, uid: number): Promise<string> {
  const path = await realpath(wanted);
  const found = await lstat(path);
  if (!found.isDirectory()) throw unusable(path, 'is not a folder', 'set TALOS_DATA to a folder');
  if (found.uid !== uid) {
    throw unusable(path, 'belongs to another user', 'run talos as its owner, or set TALOS_DATA');
  }
  return path;
}

async function openFolder(path: string, mode: number): Promise<string> {
  await mkdir(path, { recursive: true, mode });
  await chmod(path, mode);
  return path;
}

/** True if a process opened the folder before: whoever only looks makes none of it a data folder.
 *  @throws {TrustError} SETTINGS_INVALID: there is such a folder, and a start could not use it */
export async function isDataFolder(wanted: string): Promise<boolean> {
  if (!(await isThere(wanted, constants.F_OK))) return false;
  const path = await assertOwnFolder(wanted, process.getuid?.() ?? -1);
  if (await isThere(join(path, 'version'), constants.F_OK)) return true;
  if (await isThere(path, constants.W_OK | constants.X_OK)) return false;
  throw unusable(path, 'cannot be written to', 'check its owner and mode');
}

function isThere(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}

async function assertVersion(path: string): Promise<void> {
  const text = await readFile(join(path, 'version'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw unusable(path, `cannot be read (${error.code})`, 'check its owner and mode');
  });
  if (text === undefined) return writeKeyFile(path, 'version', `${VERSION}\n`);
  const version = /^([1-9][0-9]{0,5})\n$/.exec(text)?.[1];
  if (version === undefined) throw unusable(path, 'has a damaged version file', 'restore it from a backup');
  if (Number(version) > VERSION) {
    const hint = 'start the newer version of talos again, or set TALOS_DATA to another folder';
    throw unusable(path, `was written by a newer version (format ${version}, known is ${VERSION})`, hint);
  }
}

function unusable(path: string, fault: string, hint: string): TrustError {
  return new TrustError('SETTINGS_INVALID', `the data folder ${path} ${fault}`, { hint });
}

function inUse(path: string, pid: number): TrustError {
  const who = pid > 0 ? `process ${pid}` : 'another process';
  return new TrustError('CONFLICT', `the data folder ${path} is in use by ${who}`, {
    hint: 'if it is still starting, try again in a moment; else stop it first, or set TALOS_DATA to another folder',
  });
}
