import { edgeTiles, TILE_WIDTH, type TileId, tilePath } from '@talosprotocol/protocol';
import { corrupt } from './corrupt.js';
import { inParallel } from './in-parallel.js';
import type { TileStore } from './tile-store.js';

/** Full tiles at the end of the log that are checked against the rows at a start (16,384 events). Older ones are
 *  checked when something is proven from them. */
const CHECKED_TILES = 64;

/** Paths and bytes. */
export type Found = ReadonlyMap<string, Uint8Array>;

/** Files that are read at once: on an object store each takes its time, and none of them much memory. */
const AT_A_TIME = 16;

/** The hash tiles that a start relies on, those of the checked part and all levels above, with the last bundle. */
export interface Checked {
  readonly found: Found;
  /** Path of one that is not there. */
  readonly missing: string | undefined;
}

export async function readChecked(tiles: Pick<TileStore, 'read'>, size: number): Promise<Checked> {
  const wanted = [...hashTiles(size), ...edgeTiles(size).filter(({ level }) => level === 'entries')];
  const read = await inParallel(wanted, AT_A_TIME, (tile) => tiles.read(tile));
  const found = new Map<string, Uint8Array>();
  for (const [i, tile] of wanted.entries()) {
    const bytes = read[i];
    if (bytes === undefined) return { found, missing: tilePath(tile) };
    found.set(tilePath(tile), bytes);
  }
  return { found, missing: undefined };
}

/** The hash tiles of the checked part, and of all levels above. */
export function* hashTiles(size: number): Generator<TileId> {
  const from = firstChecked(size);
  let count = size;
  for (let level = 0; count > 0; level += 1) {
    const first = level === 0 ? from / TILE_WIDTH : 0;
    for (let index = first; index * TILE_WIDTH < count; index += 1)
      yield { level, index, width: Math.min(TILE_WIDTH, count - index * TILE_WIDTH) };
    count = Math.floor(count / TILE_WIDTH);
  }
}

function firstChecked(size: number): number {
  return Math.max(0, Math.floor(size / TILE_WIDTH) - CHECKED_TILES) * TILE_WIDTH;
}

/** Tiles that must be there. @throws {TrustError} LOG_CORRUPT */
export async function loadTiles(tiles: Pick<TileStore, 'read'>, ids: Iterable<TileId>): Promise<Found> {
  const loaded = new Map<string, Uint8Array>();
  await inParallel(ids, AT_A_TIME, async (tile) => {
    const bytes = await tiles.read(tile);
    if (bytes === undefined) throw corrupt(`${tilePath(tile)} is missing`);
    loaded.set(tilePath(tile), bytes);
  });
  return loaded;
}
