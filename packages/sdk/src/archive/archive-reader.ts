import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TrustError } from '@talosprotocol/protocol';
import { BLOCK, paddingOf, parseTarHeader } from './tar.js';

/** Reads files out of a folder or a tar file. What is in them is proven by nothing. */
export interface ArchiveReader {
  /** The bytes of a file; undefined if there is none.
   *  @throws {TrustError} LOG_CORRUPT: longer than `maxBytes` */
  read(path: string, maxBytes: number): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

/** Opens an archive; of a tar file all headers are read.
 *  @throws {TrustError} NOT_FOUND | MALFORMED */
export async function openArchive(path: string): Promise<ArchiveReader> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new TrustError('NOT_FOUND', `${path} cannot be read (${error.code})`, {}, error);
  });
  return found.isDirectory() ? openFolder(path) : openTar(path);
}

/** No link is followed: it would lead out of the archive. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW;

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
        const { size } = await handle.stat();
        return await readPart(handle, { path, at: 0, size, maxBytes });
      } finally {
        await handle.close();
      }
    },
    close: async () => undefined,
  };
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
