import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TrustError } from '@talosprotocol/protocol';
import { BLOCK, encodeTarHeader, paddingOf } from './tar.js';

/** Writes files into a new folder or a new tar file, one after the other; nobody else may read them. */
export interface ArchiveWriter {
  /** May be called again before it has ended. Each path once. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** All of it is on the disk when this resolves. */
  finish(): Promise<void>;
  /** Removes what was written. */
  discard(): Promise<void>;
}

/** Makes an archive: a tar file if the path ends in `.tar`, else a folder. Nothing may be there yet.
 *  @throws {TrustError} CONFLICT: something is there; SETTINGS_INVALID: it cannot be made */
export async function createArchive(path: string): Promise<ArchiveWriter> {
  return path.endsWith('.tar') ? createTar(path) : createFolder(path);
}

async function createTar(path: string): Promise<ArchiveWriter> {
  const handle = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw unusable(path, error);
  });
  // Headers and contents must follow each other.
  let last: Promise<void> = Promise.resolve();
  const inOrder = (work: () => Promise<void>): Promise<void> => {
    last = last.then(work);
    return last;
  };
  return {
    write: (name, bytes) => inOrder(() => writeEntry(handle, name, bytes)),
    finish: () =>
      inOrder(async () => {
        await handle.writeFile(new Uint8Array(2 * BLOCK));
        await handle.sync();
        await handle.close();
      }),
    discard: async () => {
      await last.catch(() => undefined);
      await handle.close().catch(() => undefined);
      await rm(path, { force: true });
    },
  };
}

async function writeEntry(handle: FileHandle, name: string, bytes: Uint8Array): Promise<void> {
  await handle.writeFile(encodeTarHeader(name, bytes.length));
  await handle.writeFile(bytes);
  await handle.writeFile(new Uint8Array(paddingOf(bytes.length)));
}

async function createFolder(path: string): Promise<ArchiveWriter> {
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    throw unusable(path, error);
  });
  return {
    write: async (name, bytes) => {
      const file = join(path, name);
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      const handle = await open(file, 'wx', 0o600);
      try {
        await handle.writeFile(bytes);
        await handle.datasync();
      } finally {
        await handle.close();
      }
    },
    finish: async () => undefined,
    discard: () => rm(path, { recursive: true, force: true }),
  };
}

function unusable(path: string, error: NodeJS.ErrnoException): TrustError {
  if (error.code === 'EEXIST')
    return new TrustError(
      'CONFLICT',
      `${path} is there already`,
      { hint: 'name one that is not there yet' },
      error,
    );
  return new TrustError('SETTINGS_INVALID', `${path} cannot be made (${error.code})`, {}, error);
}
