import { isTrustError, TrustError } from '@talosprotocol/protocol';
import type { Disk } from '../platform/disk.js';
import type { Log } from '../platform/log.js';

/** Knows at once whether there is room to write; a second old, or a few if the disk is slow to answer. */
export interface DiskWatch {
  start(): Promise<void>;
  stop(): void;
  isRoomy(): boolean;
  /** @throws {TrustError} DISK_FULL */
  assertWritable(): void;
}

const PERIOD_MS = 1_000;

/** How often a look may be missed because the one before has no answer. */
const MISSED = 5;

const UNSEEN = new TrustError('DISK_FULL', 'the disk was not looked at yet');

/** Asks the disk again and again, so that no call has to wait for the answer. Until the first one there is no room, nor
 *  where the disk does not answer any more. */
export function createDiskWatch(disk: Disk, log: Log): DiskWatch {
  let fault: TrustError | undefined = UNSEEN;
  let timer: NodeJS.Timeout | undefined;
  let isLooking = false;
  let missed = 0;
  const look = async (): Promise<void> => {
    const before = fault;
    isLooking = true;
    try {
      await disk.assertWritable();
      fault = undefined;
    } catch (error) {
      fault = isTrustError(error) ? error : new TrustError('DISK_FULL', 'the disk cannot be read', {}, error);
      if (before === undefined || before === UNSEEN)
        log.warn('writes are refused: the disk is nearly full', { err: error });
    }
    isLooking = false;
    missed = 0;
  };
  const lookAgain = (): void => {
    if (!isLooking) return void look();
    missed += 1;
    if (missed < MISSED || fault !== undefined) return;
    fault = new TrustError('DISK_FULL', 'the disk does not answer');
    log.warn('writes are refused: the disk does not answer');
  };
  return {
    start: async () => {
      await look();
      timer ??= setInterval(lookAgain, PERIOD_MS);
      timer.unref();
    },
    stop: () => clearInterval(timer),
    isRoomy: () => fault === undefined,
    assertWritable: () => {
      if (fault !== undefined) throw fault;
    },
  };
}
