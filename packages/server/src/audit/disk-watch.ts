import { isTrustError, TrustError } from '@talosprotocol/protocol';
import type { Disk } from '../platform/disk.js';
import type { Log } from '../platform/log.js';

/** Knows at once whether there is room to write; at most a second old. */
export interface DiskWatch {
  start(): Promise<void>;
  stop(): void;
  isRoomy(): boolean;
  /** @throws {TrustError} DISK_FULL */
  assertWritable(): void;
}

const PERIOD_MS = 1_000;

/** Asks the disk again and again, so that no call has to wait for the answer. Until the first one there is no room. */
export function createDiskWatch(disk: Disk, log: Log): DiskWatch {
  let fault: TrustError | undefined = new TrustError('DISK_FULL', 'the disk was not looked at yet');
  let timer: NodeJS.Timeout | undefined;
  const look = async (): Promise<void> => {
    const before = fault;
    try {
      await disk.assertWritable();
      fault = undefined;
    } catch (error) {
      fault = isTrustError(error) ? error : new TrustError('DISK_FULL', 'the disk cannot be read', {}, error);
      if (before === undefined) log.warn('writes are refused: the disk is nearly full', { err: error });
    }
  };
  return {
    start: async () => {
      await look();
      timer ??= setInterval(() => void look(), PERIOD_MS);
      timer.unref();
    },
    stop: () => clearInterval(timer),
    isRoomy: () => fault === undefined,
    assertWritable: () => {
      if (fault !== undefined) throw fault;
    },
  };
}
