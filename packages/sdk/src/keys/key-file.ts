import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, open, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TrustError } from '@talosprotocol/protocol';

const MAX_BYTES = 64 * 1024;
/** Follows no link, and does not wait for somebody to write into a pipe. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Reads a file that holds a secret. Refuses one that others can read or own, that is a link or no regular file,
 *  judged on the open file itself. Undefined if there is none. @throws {TrustError} SETTINGS_INVALID */
export async function readKeyFile(folder: string, name: string): Promise<string | undefined> {
  const path = join(folder, name);
  const handle = await open(path, READ).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    if (error.code === 'ELOOP') throw refused(path, 'is a link', 'put the file itself there');
    throw refused(path, `cannot be read (${error.code})`, 'run talos as the user who owns the data folder');
  });
  if (handle === undefined) return undefined;
  try {
    await assertPrivate(handle, path);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

async function assertPrivate(handle: FileHandle, path: string): Promise<void> {
  const { mode, uid, size } = await handle.stat();
  const own = process.getuid?.() ?? uid;
  if ((mode & 0o170000) !== 0o100000) throw refused(path, 'is not a regular file', 'remove it');
  if (size > MAX_BYTES) throw refused(path, 'is too large for a key file', 'restore it from a backup');
  if (uid !== own) throw refused(path, 'belongs to another user', `chown it to user ${own}`);
  if ((mode & 0o077) !== 0) throw refused(path, 'can be read by others', `chmod 600 ${path}`);
}

function refused(path: string, fault: string, hint: string): TrustError {
  return new TrustError('SETTINGS_INVALID', `${path} ${fault}`, { hint });
}

/** Writes a secret so that after a crash the old file or the new one is there, whole, mode 0600. */
export async function writeKeyFile(
  folder: string,
  name: string,
  content: string | Uint8Array,
): Promise<void> {
  const draft = await writeDraft(folder, name, content);
  await rename(draft, join(folder, name));
  await syncFolder(folder);
}

/** Reads the file, or creates it with what `make` gives. Of two processes that create it at once both get the
 *  content of the one that was first. */
export async function readOrCreateKeyFile(folder: string, name: string, make: () => string): Promise<string> {
  const present = await readKeyFile(folder, name);
  if (present !== undefined) return present;
  const draft = await writeDraft(folder, name, make());
  await link(draft, join(folder, name)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await unlink(draft);
  await syncFolder(folder);
  return readOrCreateKeyFile(folder, name, make);
}

async function writeDraft(folder: string, name: string, content: string | Uint8Array): Promise<string> {
  const draft = join(folder, `.${name}.${randomBytes(6).toString('hex')}`);
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  return draft;
}

/** Makes a rename in `folder` durable. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the entry of `path` in its parent durable. */
export function syncEntry(path: string): Promise<void> {
  return syncFolder(dirname(path));
}
