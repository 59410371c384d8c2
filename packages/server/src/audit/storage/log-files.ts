import { TrustError } from '@talosprotocol/protocol';

/** A whole file of a log. */
export interface LogFile {
  /** As C2SP tlog-tiles names it: `checkpoint`, `tile/0/000`. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** True if nothing was there when it was looked for: a place that can then refuses to replace. Nothing rests on it. */
  readonly isNew: boolean;
}

/** A place where the files of one log lie: a folder, or a bucket. */
export interface LogFiles {
  /** The bytes of a file; undefined if there is none. A file that is not whole may be given as far as it goes.
   *  @throws {TrustError} UNAVAILABLE | LOG_CORRUPT (longer than `maxBytes`) */
  read(path: string, maxBytes: number): Promise<Uint8Array | undefined>;
  /** Writes files, each whole or not at all, so that they stay and are read from now on. What is there is replaced.
   *  @throws {TrustError} UNAVAILABLE */
  write(files: readonly LogFile[]): Promise<void>;
  /** Makes files that are there stay. */
  settle(paths: readonly string[]): Promise<void>;
  /** Removes files, so that they stay gone; one that is not there is no fault. */
  remove(paths: readonly string[]): Promise<void>;
  /** Removes all files below a path. */
  removeBelow(path: string): Promise<void>;
}

/** No file of a log is longer than what it may hold. */
export function tooLong(path: string, bytes: number): TrustError {
  return new TrustError('LOG_CORRUPT', `${path} has ${bytes} bytes, more than it may have`, {
    hint: 'another program wrote there: talos audit fsck names every damaged file',
  });
}
