import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { isTrustError, TrustError } from '@talosprotocol/protocol';
import { writeKeyFile } from '@talosprotocol/sdk/keys';
import type { Io } from './io.js';

/** The bytes of a file a person named.
 *  @throws {TrustError} NOT_FOUND: it cannot be read; TOO_LARGE */
export async function readBoundedFile(io: Io, name: string, maxBytes: number): Promise<Uint8Array> {
  const path = resolve(io.cwd, name);
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw unreadable(path, error);
  });
  try {
    return await readAll(handle, path, maxBytes);
  } catch (error) {
    throw error instanceof TrustError ? error : unreadable(path, error as NodeJS.ErrnoException);
  } finally {
    await handle.close();
  }
}

const CHUNK = 65_536;

/** Reads to the end rather than by size: a pipe has none. */
async function readAll(handle: FileHandle, path: string, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for (let length = 0; ; ) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(CHUNK), 0, CHUNK, null);
    if (bytesRead === 0) return new Uint8Array(Buffer.concat(chunks));
    length += bytesRead;
    if (length > maxBytes) throw new TrustError('TOO_LARGE', `${path} holds more than ${maxBytes} bytes`);
    chunks.push(buffer.subarray(0, bytesRead));
  }
}

/** Parses what a file holds; what is wrong with it is said of the file by its name.
 *  @throws {TrustError} the code `parse` gave */
export function parseNamed<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!isTrustError(error)) throw error;
    const { reason = error.message, ...facts } = error.data;
    throw new TrustError(error.code, `${name}: ${reason}`, facts, error);
  }
}

function unreadable(path: string, error: NodeJS.ErrnoException): TrustError {
  const why = error.code === 'ENOENT' ? 'does not exist' : `cannot be read (${error.code ?? error.message})`;
  return new TrustError('NOT_FOUND', `${path} ${why}`, { hint: 'check the name of the file' });
}

/** Writes a file for its owner alone (mode 0600): whole, or not at all. Gives back its absolute path.
 *  @throws {TrustError} SETTINGS_INVALID: it cannot be written there */
export async function writePrivateFile(io: Io, name: string, content: string | Uint8Array): Promise<string> {
  const path = resolve(io.cwd, name);
  await writeKeyFile(dirname(path), basename(path), content).catch((error: NodeJS.ErrnoException) => {
    throw unwritable(path, error);
  });
  return path;
}

/** What is said of a file that could not be written. */
export function unwritable(path: string, { code = 'unknown' }: NodeJS.ErrnoException): TrustError {
  return new TrustError('SETTINGS_INVALID', `${path} cannot be written (${code})`, {
    hint: 'check that the folder is there and that you may write to it',
  });
}
