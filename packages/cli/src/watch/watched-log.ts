import {
  type CryptoProvider,
  createNoteVerifier,
  type Trust,
  type TrustedLog,
} from '@talosprotocol/protocol';
import { readTrustFile } from '../anchors-file.js';
import type { Io } from '../io.js';
import { UsageError } from '../usage-error.js';

/** Which log is watched, and whom one trusts about it. */
export interface WatchedLogOptions {
  readonly trust?: string;
  readonly vkey?: string;
  readonly origin?: string;
}

export interface WatchedLog {
  readonly log: TrustedLog;
  /** Whose events count; anybody's where no trust file says. */
  readonly emitters: ReadonlySet<string> | undefined;
}

/** @throws {UsageError} no log is named, or one of several is meant | {TrustError} MALFORMED | NOT_FOUND */
export async function readWatchedLog(
  io: Io,
  { trust, vkey, origin }: WatchedLogOptions,
  crypto: CryptoProvider,
): Promise<WatchedLog> {
  if ((trust === undefined) === (vkey === undefined)) {
    const hint = 'got from somebody you trust, not from the log: talos audit export writes a trust file';
    throw new UsageError('whom do you trust? add --trust <file> or --vkey <key>, one of both', hint);
  }
  if (vkey !== undefined) {
    const key = createNoteVerifier(crypto, vkey);
    return { log: { origin: origin ?? key.name, keys: [key] }, emitters: undefined };
  }
  const file = await readTrustFile(io, trust as string, crypto);
  return { log: chooseLog(file, trust as string, origin), emitters: file.emitters };
}

function chooseLog({ logs }: Trust, file: string, origin: string | undefined): TrustedLog {
  const names = [...logs.keys()];
  const log = origin === undefined && logs.size === 1 ? logs.get(names[0] as string) : logs.get(origin ?? '');
  if (log !== undefined) return log;
  const hint = names.length === 0 ? 'it names no log' : `it has ${names.join(', ')}: name one with --origin`;
  throw new UsageError(`which log of ${file}?`, hint);
}
