import {
  encodeUtf8,
  equalBytes,
  TILE_WIDTH,
  type TileId,
  type TreeHasher,
  tilePath,
} from '@talosprotocol/protocol';
import { type Found, hashTiles } from './checked-tiles.js';
import { corrupt } from './corrupt.js';
import { decodeBundle, decodeTile } from './hash-tiles.js';
import { inParallel } from './in-parallel.js';
import type { AuditStore } from './store.js';
import type { TileStore } from './tile-store.js';

export interface LastRowsDeps {
  readonly store: Pick<AuditStore, 'leaves'>;
  readonly tiles: Pick<TileStore, 'read'>;
  readonly hasher: TreeHasher;
}

/** Bundles that are held at once, beside the rows they must equal. */
const BUNDLES = 4;

/** Holds rows and entries of the last part, where they were not pruned, against their hashes, which are proven; gives the
 *  path of a bundle that is missing. @throws {TrustError} LOG_CORRUPT */
export async function checkLastRows(
  deps: LastRowsDeps,
  { size, pruned }: { readonly size: number; readonly pruned: number },
  found: Found,
): Promise<string | undefined> {
  const last = [...hashTiles(size)].filter(({ level, index }) => level === 0 && index * TILE_WIDTH >= pruned);
  const missing = await inParallel(last, BUNDLES, async (tile) => {
    const path = tilePath({ ...tile, level: 'entries' });
    const bundle = await deps.tiles.read({ ...tile, level: 'entries' });
    if (bundle === undefined) return path;
    await checkRows(deps, tile, bundle, found.get(tilePath(tile)) ?? new Uint8Array());
    return undefined;
  });
  return missing.find((path) => path !== undefined);
}

async function checkRows(
  { store, hasher }: LastRowsDeps,
  tile: TileId,
  bundle: Uint8Array,
  hashes: Uint8Array,
): Promise<void> {
  const at = tile.index * TILE_WIDTH;
  const rows = await store.leaves(at, at + tile.width, tile.width);
  const entries = decodeBundle(bundle, tile);
  const leaves = new Map(rows.map(({ idx, event }) => [idx, encodeUtf8(event)]));
  for (const [i, hash] of decodeTile(hashes, tile).entries()) {
    const entry = entries[i] ?? new Uint8Array();
    const leaf = leaves.get(at + i);
    if (!equalBytes(hasher.leaf(entry), hash)) {
      const path = tilePath({ ...tile, level: 'entries' });
      throw corrupt(`${path} is damaged: the entry of event ${at + i} is not the one that was hashed`);
    }
    if (leaf === undefined) throw corrupt(`the database lacks the row of event ${at + i}`);
    if (!equalBytes(leaf, entry))
      throw corrupt(`the row of event ${at + i} in the database is not the event that was signed`);
  }
}
