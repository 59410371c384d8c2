import {
  createCompactTree,
  createTileReader,
  decodeEntryBundle,
  decodeHashTile,
  edgeTiles,
  encodeHashTile,
  equalBytes,
  isTrustError,
  rootAt,
  TILE_WIDTH,
  type TileId,
  type TreeHasher,
  tilePath,
} from '@talosprotocol/protocol';
import { type Found, hashTiles } from './checked-tiles.js';
import type { SignedCheckpoint } from './checkpoint.js';
import { corrupt } from './corrupt.js';
import type { TileStore } from './tile-store.js';

export interface HashTilesDeps {
  readonly tiles: Pick<TileStore, 'read'>;
  readonly hasher: TreeHasher;
}

/** Levels of the tree in one tile. */
const TILE_LEVELS = Math.log2(TILE_WIDTH);

/** Proves the hash tiles of the checked part: the right edge by the signed root, each full tile by its hash in the tile
 *  above. From the top down, so that what is named is the tile that is damaged, and not a sound one below it.
 *  @throws {TrustError} LOG_CORRUPT */
export async function assertHashTiles(
  deps: HashTilesDeps,
  checkpoint: SignedCheckpoint,
  found: Found,
): Promise<void> {
  const { hasher } = deps;
  const { size, root } = checkpoint;
  const all = [...hashTiles(size)];
  const hashes = new Map(all.map((tile) => [tile, decodeTile(bytesOf(found, tile), tile)]));
  const read = createTileReader(hasher, size, (tile) => found.get(tilePath(tile)));
  if (!equalBytes(rootAt(hasher, read, size), root)) throw await nameEdge(deps, checkpoint, found);
  for (const tile of all.reverse()) {
    if (tile.width < TILE_WIDTH) continue;
    const above = read({ level: (Number(tile.level) + 1) * TILE_LEVELS, index: tile.index });
    if (!equalBytes(rootOfHashes(hasher, hashes.get(tile) ?? []), above))
      throw corrupt(`${tilePath(tile)} is damaged: it does not lead to its hash in the tile above`);
  }
}

/** Which tile of the right edge is the damaged one: the root is that of what is below it, in its place. */
async function nameEdge(deps: HashTilesDeps, { size, root }: SignedCheckpoint, found: Found) {
  const { hasher } = deps;
  const edge = edgeTiles(size).filter(({ level }) => level !== 'entries');
  const below = new Map<string, Uint8Array>();
  for (const tile of edge) {
    const hashes = await hashesBelow(deps, tile, found);
    if (hashes !== undefined) below.set(tilePath(tile), encodeHashTile(hashes));
  }
  const leads = (isSwapped: (path: string) => boolean): boolean => {
    const pick = (path: string) => (isSwapped(path) ? below.get(path) : undefined) ?? found.get(path);
    return equalBytes(
      rootAt(
        hasher,
        createTileReader(hasher, size, (tile) => pick(tilePath(tile))),
        size,
      ),
      root,
    );
  };
  const odd = edge.map(tilePath).filter((path) => {
    const [is, should] = [found.get(path), below.get(path)];
    return is !== undefined && should !== undefined && !equalBytes(is, should);
  });
  const named = odd.filter((path) => leads((other) => other === path));
  const damaged = named.length > 0 ? named : odd;
  if (damaged.length > 0 && leads((path) => damaged.includes(path)))
    return corrupt(`${damaged.join(' and ')}: not the hashes of what is below`);
  return corrupt(
    `the tiles do not lead to the checkpoint: ${edge.map(tilePath).join(', ')} or what is below is damaged`,
  );
}

/** What the hashes of a tile are of, hashed again; undefined if one of it cannot be read. */
async function hashesBelow(
  { tiles, hasher }: HashTilesDeps,
  tile: TileId,
  found: Found,
): Promise<readonly Uint8Array[] | undefined> {
  try {
    if (tile.level === 0) {
      const bundle: TileId = { ...tile, level: 'entries' };
      return decodeBundle(bytesOf(found, bundle), tile).map((entry) => hasher.leaf(entry));
    }
    const hashes: Uint8Array[] = [];
    for (let i = 0; i < tile.width; i += 1) {
      const child = { level: Number(tile.level) - 1, index: tile.index * TILE_WIDTH + i, width: TILE_WIDTH };
      const bytes = found.get(tilePath(child)) ?? (await tiles.read(child)) ?? new Uint8Array();
      hashes.push(rootOfHashes(hasher, decodeTile(bytes, child)));
    }
    return hashes;
  } catch (error) {
    if (!isTrustError(error) || error.code !== 'LOG_CORRUPT') throw error;
    return undefined;
  }
}

const bytesOf = (found: Found, tile: TileId): Uint8Array => found.get(tilePath(tile)) ?? new Uint8Array();

function rootOfHashes(hasher: TreeHasher, hashes: readonly Uint8Array[]): Uint8Array {
  const tree = createCompactTree(hasher);
  for (const hash of hashes) tree.append(hash);
  return tree.root();
}

/** The entries of the bundle beside a tile of hashes. @throws {TrustError} LOG_CORRUPT */
export function decodeBundle(bytes: Uint8Array, tile: TileId): readonly Uint8Array[] {
  return decodeOr(decodeEntryBundle, bytes, { ...tile, level: 'entries' });
}

/** @throws {TrustError} LOG_CORRUPT */
export function decodeTile(bytes: Uint8Array, tile: TileId): readonly Uint8Array[] {
  return decodeOr(decodeHashTile, bytes, tile);
}

function decodeOr(
  decode: (bytes: Uint8Array, width: number) => readonly Uint8Array[],
  bytes: Uint8Array,
  tile: TileId,
): readonly Uint8Array[] {
  try {
    return decode(bytes, tile.width);
  } catch (cause) {
    if (!isTrustError(cause)) throw cause;
    throw corrupt(`${tilePath(tile)} is malformed`, cause);
  }
}
