import { isTrustError, TrustError } from '@talosprotocol/protocol';
import type { DataFolder } from '../platform/data-folder.js';

const MIB = 1024 * 1024;

/** What stopped a start, with how much room is needed and where, if it was the disk of this process. Whoever starts it may
 *  know the place; callers, who are told DISK_FULL too, may not. */
export async function explainDiskFull(
  error: unknown,
  { path, disk }: Pick<DataFolder, 'path' | 'disk'>,
  reserve: number,
): Promise<unknown> {
  if (!isTrustError(error) || error.code !== 'DISK_FULL') return error;
  const free = await disk.free().catch(() => undefined);
  // The disk of another process, or room came meanwhile.
  if (free === undefined || free >= reserve) return error;
  const reason = `${inMib(free)} MiB are free on the disk of ${path}, and ${inMib(reserve)} MiB are kept in reserve`;
  const hint = `free ${Math.ceil((reserve - free) / MIB)} MiB on the file system of ${path} and start again, or name a smaller reserve in TALOS_DISK_RESERVE (bytes)`;
  return new TrustError('DISK_FULL', reason, { hint }, error);
}

/** Rounded so that what is free never looks like what is needed. */
const inMib = (bytes: number): string => (Math.floor((bytes / MIB) * 10) / 10).toString();
