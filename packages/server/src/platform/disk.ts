import { statfs } from 'node:fs/promises';
import { TrustError } from '@talosprotocol/protocol';
import type { Clock } from './system.js';

/** Watches the room left on a file system. */
export interface Disk {
  /** Bytes an ordinary user may still write; at most a second old. */
  free(): Promise<number>;
  /** @throws {TrustError} DISK_FULL below the reserve: writes are refused while reads go on, since PostgreSQL
   *  itself stops on a full disk. */
  assertWritable(): Promise<void>;
}

const CACHE_MS = 1_000;

/** `reserve` in bytes. */
export function createDisk(folder: string, reserve: number, clock: Clock): Disk {
  let read: { readonly at: number; readonly bytes: Promise<number> } | undefined;
  const free = (): Promise<number> => {
    const now = clock.monotonic();
    if (read === undefined || now - read.at >= CACHE_MS) read = { at: now, bytes: freeBytes(folder) };
    return read.bytes;
  };
  return {
    free,
    assertWritable: async () => {
      // A failing reading counts as no room: fail closed.
      if ((await free().catch(() => -1)) >= reserve) return;
      throw new TrustError('DISK_FULL', 'free disk is below the reserve', {
        hint: 'free space on the file system of the data folder; writes are taken again at once',
      });
    },
  };
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
