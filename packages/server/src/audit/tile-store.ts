import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  decodeEntryBundle,
  encodeEntryBundle,
  equalBytes,
  HASH_BYTES,
  TILE_WIDTH,
  type TileId,
  type TileWrite,
  TrustError,
  tilePath,
} from '@talosprotocol/protocol';

/** The files of a log: `<folder>/checkpoint` and `<folder>/tile/...`, laid out as C2SP tlog-tiles serves them. */
export interface TileStore {
  /** Writes tiles durably. A tile that is there with the same bytes is left alone.
   *  @throws {TrustError} LOG_CORRUPT: it is there with other bytes */
  write(writes: readonly TileWrite[]): Promise<void>;
  /** The bytes of a tile, of a partial one also out of the full one; undefined if there is neither. */
  read(tile: TileId): Promise<Uint8Array | undefined>;
  /** Removes the partial forms of full tiles. They are not missed: `read` and C2SP readers take the full one. */
  dropPartials(full: readonly TileWrite[]): Promise<void>;
  readCheckpoint(): Promise<string | undefined>;
  writeCheckpoint(note: string): Promise<void>;
}

const DRAFTS = '.drafts';

/** Opens the folder, which exists, and removes drafts that a kill left behind. */
export async function openTileStore(folder: string): Promise<TileStore> {
  const drafts = join(folder, DRAFTS);
  await rm(drafts, { recursive: true, force: true });
  await mkdir(drafts, { mode: 0o700 });
  const known = new Set<string>([folder]);
  return {
    write: async (writes) => {
      const folders = await Promise.all(writes.map((write) => writeTile(folder, drafts, known, write)));
      await Promise.all([...new Set(folders.flat())].map(syncFolder));
    },
    read: (tile) => readTile(folder, tile),
    dropPartials: async (full) => {
      const partial = full.filter(({ tile }) => tile.width === TILE_WIDTH);
      await Promise.all(
        partial.map(({ path }) => {
          known.delete(join(folder, `${path}.p`));
          return rm(join(folder, `${path}.p`), { recursive: true, force: true });
        }),
      );
    },
    readCheckpoint: async () => {
      const bytes = await readIfThere(join(folder, 'checkpoint'));
      return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
    },
    writeCheckpoint: async (note) => {
      await replaceFile(drafts, join(folder, 'checkpoint'), Buffer.from(note));
      await syncFolder(folder);
    },
  };
}

/** Gives the folders that must be synced for the tile to stay. */
async function writeTile(
  root: string,
  drafts: string,
  known: Set<string>,
  { path, bytes }: TileWrite,
): Promise<string[]> {
  const target = join(root, path);
  const present = await readIfThere(target);
  if (present !== undefined) {
    if (equalBytes(present, bytes)) return [dirname(target)];
    throw new TrustError('LOG_CORRUPT', `${path} is there with other bytes`, {
      hint: 'the tiles and the database are not of the same log: restore both from the same backup',
    });
  }
  const folders = await openFolders(root, dirname(target), known);
  await replaceFile(drafts, target, bytes);
  return folders;
}

/** Makes a folder; gives it and the parents whose entries are new. */
async function openFolders(root: string, folder: string, known: Set<string>): Promise<string[]> {
  const folders = [folder];
  const fresh: string[] = [];
  for (let at = folder; !known.has(at) && at !== root; at = dirname(at)) {
    fresh.push(at);
    folders.push(dirname(at));
  }
  if (fresh.length === 0) return [folder];
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const one of fresh) known.add(one);
  return folders;
}

/** After a crash the old file or the new one is there, whole. */
async function replaceFile(drafts: string, target: string, bytes: Uint8Array): Promise<void> {
  const draft = join(drafts, randomBytes(9).toString('hex'));
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.datasync();
  } catch (error) {
    await closeQuietly(handle);
    await rm(draft, { force: true });
    throw error;
  }
  await handle.close();
  await rename(draft, target);
}

async function closeQuietly(handle: FileHandle): Promise<void> {
  await handle.close().catch(() => undefined);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readTile(root: string, tile: TileId): Promise<Uint8Array | undefined> {
  const bytes = await readIfThere(join(root, tilePath(tile)));
  if (bytes !== undefined || tile.width === TILE_WIDTH) return bytes;
  const wider = await readIfThere(join(root, tilePath({ ...tile, width: TILE_WIDTH })));
  return wider === undefined ? undefined : narrow(wider, tile);
}

/** The first part of a full tile. */
function narrow(full: Uint8Array, tile: TileId): Uint8Array {
  if (tile.level !== 'entries') return full.subarray(0, tile.width * HASH_BYTES);
  return encodeEntryBundle(decodeEntryBundle(full, TILE_WIDTH).slice(0, tile.width));
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
