import { constants } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TrustError } from '@talosprotocol/protocol';
import { BLOCK, paddingOf, parseTarHeader } from './tar.js';

/** Reads files out of a folder or a tar file. What is in them is proven by nothing. */
export interface ArchiveReader {
  /** The bytes of a file; undefined if there is none.
   *  @throws {TrustError} LOG_CORRUPT: longer than `maxBytes`, no file, or behind a link */
  read(path: string, maxBytes: number): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

/** Opens an archive; of a tar file all headers are read.
 *  @throws {TrustError} NOT_FOUND | MALFORMED */
export async function openArchive(path: string): Promise<ArchiveReader> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new TrustError('NOT_FOUND', `${path} cannot be read (${error.code})`, {}, error);
  });
  if (found.isDirectory()) return openFolder(await realpath(path));
  if (found.isFile()) return openTar(path);
  throw new TrustError('MALFORMED', `${path} is neither a folder nor a file`);
}

/** No link is followed: it would lead out of the archive. Without waiting: a pipe opens once somebody writes into it. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

function openFolder(folder: string): ArchiveReader {
  return {
    read: async (path, maxBytes) => {
      assertPath(path);
      const handle = await open(join(folder, path), READ).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
        throw new TrustError('LOG_CORRUPT', `${path} cannot be opened (${error.code})`, {}, error);
      });
      if (handle === undefined) return undefined;
      try {
        const found = await handle.stat();
        if (!found.isFile()) throw new TrustError('LOG_CORRUPT', `${path} is no file`);
        await assertNoLink(folder, path);
        return await readPart(handle, { path, at: 0, size: found.size, maxBytes });
      } finally {
        await handle.close();
      }
    },
    close: async () => undefined,
  };
}

/** O_NOFOLLOW looks at the last name alone. */
async function assertNoLink(folder: string, path: string): Promise<void> {
  const real = await realpath(join(folder, path)).catch(() => undefined);
  if (real !== join(folder, path)) throw new TrustError('LOG_CORRUPT', `a link leads to ${path}`);
}

async function openTar(file: string): Promise<ArchiveReader> {
  const handle = await open(file, 'r');
  try {
    const index = await indexOf(handle);
    return {
      read: async (path, maxBytes) => {
        assertPath(path);
        const place = index.get(path);
        return place === undefined ? undefined : readPart(handle, { path, ...place, maxBytes });
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

interface Place {
  readonly at: number;
  readonly size: number;
}

async function indexOf(handle: FileHandle): Promise<ReadonlyMap<string, Place>> {
  const index = new Map<string, Place>();
  const { size: end } = await handle.stat();
  const block = new Uint8Array(BLOCK);
  for (let at = 0; ; ) {
    const { bytesRead } = await handle.read(block, 0, BLOCK, at);
    if (bytesRead < BLOCK) throw malformed('it ends before its end');
    const entry = parseTarHeader(block);
    if (entry === undefined) return index;
    const { path, size, isFile } = entry;
    at += BLOCK;
    if (at + size > end) throw malformed(`${path} is cut off`);
    if (isFile && index.has(path)) throw malformed(`${path} is there twice`);
    if (isFile) index.set(path, { at, size });
    at += size + paddingOf(size);
  }
}

async function readPart(
  handle: FileHandle,
  { path, at, size, maxBytes }: Place & { readonly path: string; readonly maxBytes: number },
): Promise<Uint8Array> {
  if (size > maxBytes)
    throw new TrustError('LOG_CORRUPT', `${path} has ${size} bytes, more than it may have`);
  const bytes = new Uint8Array(size);
  const { bytesRead } = await handle.read(bytes, 0, size, at);
  if (bytesRead < size) throw new TrustError('LOG_CORRUPT', `${path} is cut off`);
  return bytes;
}

function assertPath(path: string): void {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/.test(path))
    throw new TypeError(`${path} is no path of an archive`);
}

function malformed(reason: string): TrustError {
  return new TrustError('MALFORMED', `the tar file: ${reason}`);
}
