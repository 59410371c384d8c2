import { type FileHandle, open, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TrustError } from '@talosprotocol/protocol';
import { syncEntry } from '@talosprotocol/sdk/keys';
import { unwritable } from './bounded-file.js';
import type { Io } from './io.js';

/** What goes into a new file, and how it is come by. */
export interface Content<T> {
  make(): Promise<T>;
  textOf(made: T): string;
}

/** A secret that is shown once goes into a file that is there, empty and for its owner alone (mode 0600), before anybody
 *  makes it: what cannot be kept is not asked for. If making or writing fails, the file is gone again.
 *  @throws {TrustError} CONFLICT: there is a file of that name, which stays as it is; SETTINGS_INVALID: none can be made
 *  there; what `make` throws */
export async function writeNewFile<T>(
  io: Io,
  name: string,
  { make, textOf }: Content<T>,
): Promise<{ readonly path: string; readonly made: T }> {
  const path = resolve(io.cwd, name);
  const file = await create(path);
  try {
    const made = await make();
    await file.writeFile(textOf(made)).catch((error) => Promise.reject(unwritable(path, error)));
    await file.sync();
    await syncEntry(path);
    return { path, made };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

function create(path: string): Promise<FileHandle> {
  return open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw unwritable(path, error);
    throw new TrustError('CONFLICT', `${path} is there already, and stays as it is`, {
      hint: 'name another file with --out',
    });
  });
}
