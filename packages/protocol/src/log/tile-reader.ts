import { TrustError } from '../error.js';
import { HASH_BYTES, type TreeHasher } from './hash.js';
import type { HashReader, NodeId } from './range.js';
import { TILE_HEIGHT, TILE_WIDTH, type TileId, tilePath } from './tile.js';
import { assertTreeSize, isTreeSize } from './tree-size.js';

/** Hands out the bytes of a hash tile that was loaded before. A wider version of a partial tile will do: a log
 *  may delete a partial tile once the full one exists. */
export type LoadedTile = (tile: TileId) => Uint8Array | undefined;

/** Keeps what was computed from tiles, under their paths, so that it need not be computed for every proof: the
 *  perfect subtrees within a tile, level by level (16 KiB of a full one). It may forget at any time; a `Map` will do.
 *  What it keeps is as true as the tile was: whoever finds that a proof does not hold empties it. */
export interface TileLevels {
  get(path: string): Uint8Array | undefined;
  set(path: string, levels: Uint8Array): unknown;
}

/** Names the hash tiles, each once, that hold the nodes of a plan in a tree of `size`: load them, then read.
 *  @throws {RangeError} a node is not in the tree */
export function tilesForNodes(nodes: Iterable<NodeId>, size: number): readonly TileId[] {
  const tiles = new Map<number, TileId>();
  for (const node of nodes) {
    const { tile, key } = placeOf(node, size);
    tiles.set(key, tile);
  }
  return [...tiles.values()];
}

/** Reads nodes of the tree of `size` from its tiles; with `levels` a tile that was read before need not be loaded.
 *  The reader throws TrustError LOG_CORRUPT if a tile is not as long as the tree needs it, and RangeError if a
 *  node is not in the tree or its tile was not loaded. It cannot tell whether a hash is the true one: a root
 *  made from tiles must match the checkpoint, a proof must verify. */
export function createTileReader(
  hasher: TreeHasher,
  size: number,
  loaded: LoadedTile,
  levels: TileLevels = new Map<string, Uint8Array>(),
): HashReader {
  const read = new Map<number, Uint8Array>();
  const open = (tile: TileId): Uint8Array => {
    const path = tilePath(tile);
    const kept = levels.get(path);
    if (kept !== undefined) return kept;
    const made = levelsOf(hasher, hashesOf(tile, loaded(tile)));
    levels.set(path, made);
    return made;
  };
  return (node) => {
    const { tile, key, height, index } = placeOf(node, size);
    let tree = read.get(key);
    if (tree === undefined) {
      tree = open(tile);
      read.set(key, tree);
    }
    // `placeOf` has made sure that the tile is wide enough for the node.
    return hashAt(tree, startOf(tile.width, height) + index);
  };
}

/** Tiles of one level, in a number that tells them apart. */
const TILES_OF_LEVEL = 2 ** 46;

interface Place {
  readonly tile: { readonly level: number; readonly index: number; readonly width: number };
  /** Of the tile, among all of one tree. */
  readonly key: number;
  readonly height: number;
  readonly index: number;
}

/** Where a node is: `height` levels above the hashes of its tile, the `index`-th of that level within it. */
function placeOf(node: NodeId, size: number): Place {
  const height = node.level % TILE_HEIGHT;
  const level = (node.level - height) / TILE_HEIGHT;
  const across = TILE_WIDTH / 2 ** height;
  const tileIndex = Math.floor(node.index / across);
  const index = node.index - tileIndex * across;
  const hashes = Math.floor(assertTreeSize(size) / TILE_WIDTH ** level) - tileIndex * TILE_WIDTH;
  const width = Math.min(TILE_WIDTH, hashes);
  if (!isTreeSize(node.level) || !isTreeSize(node.index) || (index + 1) * 2 ** height > width) {
    throw new RangeError(`node ${node.index} of level ${node.level} is not in a tree of ${size} leaves`);
  }
  return { tile: { level, index: tileIndex, width }, key: level * TILES_OF_LEVEL + tileIndex, height, index };
}

function hashesOf(tile: TileId, bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new RangeError(`${tilePath(tile)} was not loaded`);
  const isWhole = bytes.length % HASH_BYTES === 0 && bytes.length <= TILE_WIDTH * HASH_BYTES;
  if (!isWhole || bytes.length < tile.width * HASH_BYTES) {
    throw new TrustError('LOG_CORRUPT', `${tilePath(tile)} has a wrong length`);
  }
  return bytes.subarray(0, tile.width * HASH_BYTES);
}

/** The perfect subtrees within a tile: its hashes, then what each two of them come to, and so on. */
function levelsOf(hasher: TreeHasher, hashes: Uint8Array): Uint8Array {
  const width = hashes.length / HASH_BYTES;
  const levels = new Uint8Array(startOf(width, TILE_HEIGHT + 1) * HASH_BYTES);
  levels.set(hashes);
  let below = 0;
  let at = width;
  for (let count = width >> 1; count > 0; count >>= 1) {
    for (let i = 0; i < count; i += 1) {
      const child = below + 2 * i;
      levels.set(hasher.node(hashAt(levels, child), hashAt(levels, child + 1)), (at + i) * HASH_BYTES);
    }
    below = at;
    at += count;
  }
  return levels;
}

/** How many hashes of a tile's levels stand before those of one. */
function startOf(width: number, height: number): number {
  let start = 0;
  for (let level = 0; level < height; level += 1) start += width >> level;
  return start;
}

function hashAt(levels: Uint8Array, index: number): Uint8Array {
  return levels.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
}
