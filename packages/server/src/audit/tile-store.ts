import {
  decodeEntryBundle,
  encodeEntryBundle,
  equalBytes,
  HASH_BYTES,
  isTrustError,
  MAX_ENTRY_BYTES,
  MAX_NOTE_LENGTH,
  TILE_WIDTH,
  type TileId,
  type TileWrite,
  TrustError,
  tilePath,
} from '@talosprotocol/protocol';
import { inParallel } from './in-parallel.js';
import { openFolder } from './storage/folder.js';
import type { LogFile, LogFiles } from './storage/log-files.js';

/** The files of a log: `checkpoint` and `tile/...`, laid out as C2SP tlog-tiles serves them. */
export interface TileStore {
  /** Writes tiles durably. A tile that is there with the same bytes is left alone, one that is there in part (an upload
   *  that broke off) is written again. What is there is read first: no place is relied on to refuse a second write.
   *  @throws {TrustError} LOG_CORRUPT: it is there with other bytes; UNAVAILABLE */
  write(writes: readonly TileWrite[]): Promise<void>;
  /** The bytes of a tile, of a partial one also out of the full one; undefined if there is neither. They are what the
   *  place holds: whoever reads a tile proves it. @throws {TrustError} LOG_CORRUPT | UNAVAILABLE */
  read(tile: TileId): Promise<Uint8Array | undefined>;
  /** Removes the partial forms of full tiles. They are not missed: `read` and C2SP readers take the full one. */
  dropPartials(full: readonly TileWrite[]): Promise<void>;
  /** Removes the entry bundles from one number up to, not including, another; those that are gone already are no fault. */
  dropEntries(from: number, to: number): Promise<void>;
  readCheckpoint(): Promise<string | undefined>;
  writeCheckpoint(note: string): Promise<void>;
}

/** Keeps the files in a folder, which exists and is ours alone. */
export async function openTileStore(folder: string): Promise<TileStore> {
  return createTileStore(await openFolder(folder));
}

const CHECKPOINT = 'checkpoint';
const AT_A_TIME = 8;

/** Keeps a log's files in a place. */
export function createTileStore(files: LogFiles): TileStore {
  return {
    write: async (writes) => {
      const found = await Promise.all(writes.map((write) => find(files, write)));
      await files.settle(writes.filter((_, i) => found[i] === 'same').map(({ path }) => path));
      const missing = writes.flatMap(({ path, bytes }, i): LogFile[] =>
        found[i] === 'same' ? [] : [{ path, bytes, isNew: found[i] === 'nothing' }],
      );
      await files.write(missing);
    },
    read: (tile) => readTile(files, tile),
    dropPartials: async (full) => {
      const partial = full.filter(({ tile }) => tile.width === TILE_WIDTH);
      await Promise.all(partial.map(({ path }) => files.removeBelow(`${path}.p`)));
    },
    dropEntries: async (from, to) => {
      const paths = Array.from({ length: to - from }, (_, i) =>
        tilePath({ level: 'entries', index: from + i, width: TILE_WIDTH }),
      );
      await files.remove(paths);
      // What was left when the full ones were made.
      await inParallel(paths, AT_A_TIME, (path) => files.removeBelow(`${path}.p`));
    },
    readCheckpoint: async () => {
      const bytes = await files.read(CHECKPOINT, MAX_NOTE_LENGTH);
      return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
    },
    writeCheckpoint: (note) => files.write([{ path: CHECKPOINT, bytes: Buffer.from(note), isNew: false }]),
  };
}

type Found = 'nothing' | 'same' | 'part';

async function find(files: LogFiles, { tile, path, bytes }: TileWrite): Promise<Found> {
  const present = await files.read(path, maxBytes(tile));
  if (present === undefined) return 'nothing';
  if (equalBytes(present, bytes)) return 'same';
  if (present.length < bytes.length && equalBytes(present, bytes.subarray(0, present.length))) return 'part';
  throw new TrustError('LOG_CORRUPT', `${path} is there with other bytes`, {
    hint: 'the tiles and the database are not of the same log: restore both from the same backup',
  });
}

function maxBytes({ level, width }: TileId): number {
  return level === 'entries' ? width * (2 + MAX_ENTRY_BYTES) : width * HASH_BYTES;
}

async function readTile(files: LogFiles, tile: TileId): Promise<Uint8Array | undefined> {
  const bytes = await files.read(tilePath(tile), maxBytes(tile));
  if (bytes !== undefined || tile.width === TILE_WIDTH) return bytes;
  const full = { ...tile, width: TILE_WIDTH };
  const wider = await files.read(tilePath(full), maxBytes(full));
  return wider === undefined ? undefined : narrow(wider, tile);
}

/** The first part of a full tile. */
function narrow(full: Uint8Array, tile: TileId): Uint8Array {
  if (tile.level !== 'entries') return full.subarray(0, tile.width * HASH_BYTES);
  try {
    return encodeEntryBundle(decodeEntryBundle(full, TILE_WIDTH).slice(0, tile.width));
  } catch (cause) {
    if (!isTrustError(cause)) throw cause;
    const path = tilePath({ ...tile, width: TILE_WIDTH });
    throw new TrustError('LOG_CORRUPT', `${path} is malformed`, {}, cause);
  }
}
