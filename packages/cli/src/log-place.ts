import {
  type CryptoProvider,
  createNoteVerifier,
  decodeEntryBundle,
  decodeUtf8,
  encodeEntryBundle,
  isTrustError,
  MAX_ENTRY_BYTES,
  type NoteVerifier,
  TILE_WIDTH,
  type TileId,
  type TileSource,
  TrustError,
  tilePath,
  type WitnessPolicy,
} from '@talosprotocol/protocol';
import { createLogFiles, type LogFiles } from '@talosprotocol/sdk';
import { readTrustFile } from './anchors-file.js';
import type { Io } from './io.js';
import { keyForUrl } from './platform.js';
import { UsageError } from './usage-error.js';

/** The files of a log at a place that a person named. */
export interface LogPlace {
  readonly source: TileSource;
  /** The note it shows; undefined: none. */
  readonly checkpoint: string | undefined;
  /** Bodies of events below it may be gone; 0 where the place does not say. */
  readonly pruned: number;
}

const MAX_NOTE = 1_000_000;

/** True of a place that is a URL; else it is an archive. */
export function isUrl(place: string): boolean {
  return /^https?:\/\//.test(place);
}

/** Opens the prefix of a log. @throws {TrustError} */
export async function openUrlPlace(io: Io, place: string): Promise<LogPlace> {
  if (!URL.canParse(place)) throw new UsageError(`${place} is no URL of a log`);
  const url = new URL(place);
  const token = await keyForUrl(io, url);
  const files = createLogFiles({
    url,
    fetch: io.fetch,
    timeoutMs: 60_000,
    ...(token === undefined ? {} : { token }),
  });
  return placeOfFiles(files, 0);
}

/** The log behind files that are read over the network. */
export async function placeOfFiles(files: LogFiles, pruned: number): Promise<LogPlace> {
  const note = await files.read('checkpoint', MAX_NOTE);
  return {
    source: tilesOfFiles(files),
    checkpoint: note === undefined ? undefined : decodeUtf8(note),
    pruned,
  };
}

/** A log may delete a partial tile once the full one is there (C2SP tlog-tiles). */
function tilesOfFiles(files: LogFiles): TileSource {
  const read = (tile: TileId) => files.read(tilePath(tile), maxBytes(tile));
  return async (tile) => {
    const bytes = await read(tile);
    if (bytes !== undefined || tile.width === TILE_WIDTH) return bytes;
    const wider = await read({ ...tile, width: TILE_WIDTH });
    return wider === undefined ? undefined : narrow(wider, tile);
  };
}

function maxBytes({ level, width }: TileId): number {
  return level === 'entries' ? width * (2 + MAX_ENTRY_BYTES) : width * 32;
}

function narrow(full: Uint8Array, { level, width }: TileId): Uint8Array {
  if (level !== 'entries') return full.subarray(0, width * 32);
  return encodeEntryBundle(decodeEntryBundle(full, TILE_WIDTH).slice(0, width));
}

/** Options that say whose signature counts. */
export interface LogKeyOptions {
  readonly vkey?: string;
  readonly trust?: string;
}

/** The key of the log, by which its checkpoint is verified. */
export interface KnownLog {
  readonly origin: string;
  readonly keys: readonly NoteVerifier[];
  /** Who must have cosigned it; undefined: nobody is known. */
  readonly witnesses?: WitnessPolicy;
  /** Whose events count; undefined: nobody said. */
  readonly emitters?: ReadonlySet<string>;
}

/** The key that `--vkey` or `--trust` names; undefined if neither is given.
 *  @throws {UsageError} | {TrustError} the trust file is wrong */
export async function readLogKey(
  io: Io,
  { vkey, trust }: LogKeyOptions,
  crypto: CryptoProvider,
): Promise<KnownLog | undefined> {
  if (vkey !== undefined && trust !== undefined) throw new UsageError('--vkey or --trust, not both');
  if (vkey !== undefined) return knownLog(vkey, crypto);
  if (trust === undefined) return undefined;
  const { logs, emitters } = await readTrustFile(io, trust, crypto);
  const [log, more] = [...logs.values()];
  if (log === undefined || more !== undefined)
    throw new UsageError(
      `${trust} trusts ${log === undefined ? 'no' : 'more than one'} log`,
      'name its key with --vkey',
    );
  return { ...log, emitters };
}

/** A log by its verifier key alone. @throws {UsageError} */
export function knownLog(vkey: string, crypto: CryptoProvider): KnownLog {
  try {
    const verifier = createNoteVerifier(crypto, vkey);
    return { origin: verifier.name, keys: [verifier] };
  } catch (error) {
    if (!isTrustError(error)) throw error;
    throw new UsageError(
      `--vkey takes the key of a log: ${error.data.reason}`,
      'log.vkey of /.well-known/talos.json',
    );
  }
}

/** What a place without a checkpoint is. */
export function noCheckpoint(place: string): TrustError {
  return new TrustError('NOT_FOUND', `${place} shows no checkpoint`, {
    hint: 'name the prefix of a log, of a platform <audit>/tlog',
  });
}
