import { randomBytes } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type LogFile, type LogFiles, tooLong } from './log-files.js';

const DRAFTS = '.drafts';

/** Opens a folder, which exists, as the place of a log's files, and removes drafts that a kill left behind. */
export async function openFolder(folder: string): Promise<LogFiles> {
  const drafts = join(folder, DRAFTS);
  await rm(drafts, { recursive: true, force: true });
  await mkdir(drafts, { mode: 0o700 });
  const known = new Set<string>([folder]);
  return {
    read: (path, maxBytes) => readIfThere(join(folder, path), path, maxBytes),
    write: async (files) => {
      const folders = await Promise.all(files.map((file) => writeFile(folder, drafts, known, file)));
      await syncFolders(folders.flat());
    },
    settle: (paths) => syncFolders(paths.map((path) => dirname(join(folder, path)))),
    remove: async (paths) => {
      await Promise.all(paths.map((path) => rm(join(folder, path), { force: true })));
      const folders = paths.map((path) => dirname(join(folder, path)));
      await syncFolders(folders.filter((one) => existsSync(one)));
    },
    removeBelow: async (path) => {
      known.delete(join(folder, path));
      await rm(join(folder, path), { recursive: true, force: true });
    },
  };
}

/** Gives the folders that must be synced for the file to stay. */
async function writeFile(
  root: string,
  drafts: string,
  known: Set<string>,
  { path, bytes }: LogFile,
): Promise<string[]> {
  const target = join(root, path);
  const folders = await openFolders(root, dirname(target), known);
  await replaceFile(drafts, target, bytes);
  return folders;
}

/** Makes a folder; gives it and the parents whose entries are new. */
async function openFolders(root: string, folder: string, known: Set<string>): Promise<string[]> {
  const folders = [folder];
  const fresh: string[] = [];
  for (let at = folder; !known.has(at) && at !== root; at = dirname(at)) {
    fresh.push(at);
    folders.push(dirname(at));
  }
  if (fresh.length === 0) return [folder];
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const one of fresh) known.add(one);
  return folders;
}

/** A new file of which all that was written is durable: what `datasync` would do then, without a turn of its own. */
const NEW_DURABLE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_DSYNC;

/** After a crash the old file or the new one is there, whole. Each thing waited for is a turn of the event loop, which takes long
 *  when there is much to do, and everybody who waits for a checkpoint waits for all of them. */
async function replaceFile(drafts: string, target: string, bytes: Uint8Array): Promise<void> {
  const draft = join(drafts, randomBytes(9).toString('hex'));
  const handle = await open(draft, NEW_DURABLE, 0o600);
  try {
    await handle.writeFile(bytes);
  } catch (error) {
    await closeQuietly(handle);
    await rm(draft, { force: true });
    throw error;
  }
  void closeQuietly(handle);
  await rename(draft, target);
}

/** Nothing depends on when it is closed, or whether that is said to have failed: all was read, or is durable. */
async function closeQuietly(handle: FileHandle): Promise<void> {
  await handle.close().catch(() => undefined);
}

async function syncFolders(folders: readonly string[]): Promise<void> {
  await Promise.all([...new Set(folders)].map(syncFolder));
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    void closeQuietly(handle);
  }
}

async function readIfThere(path: string, name: string, maxBytes: number): Promise<Uint8Array | undefined> {
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  try {
    const { size } = await handle.stat();
    if (size > maxBytes) throw tooLong(name, size);
    return await readBytes(handle, size);
  } finally {
    void closeQuietly(handle);
  }
}

/** The first `size` bytes, or what there is of them. */
async function readBytes(handle: FileHandle, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await handle.read(bytes, at, size - at, at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return at === size ? bytes : bytes.slice(0, at);
}
