import { TrustError } from '../error.js';
import { HASH_BYTES, type TreeHasher } from './hash.js';
import type { HashReader, NodeId } from './range.js';
import { TILE_HEIGHT, TILE_WIDTH, type TileId, tilePath } from './tile.js';
import { assertTreeSize, isTreeSize } from './tree-size.js';

/** Hands out the bytes of a hash tile that was loaded before. A wider version of a partial tile will do: a log
 *  may delete a partial tile once the full one exists. */
export type LoadedTile = (tile: TileId) => Uint8Array | undefined;

/** Names the hash tiles, each once, that hold the nodes of a plan in a tree of `size`: load them, then read.
 *  @throws {RangeError} a node is not in the tree */
export function tilesForNodes(nodes: Iterable<NodeId>, size: number): readonly TileId[] {
  const tiles = new Map<string, TileId>();
  for (const node of nodes) {
    const { tile } = placeOf(node, size);
    tiles.set(tilePath(tile), tile);
  }
  return [...tiles.values()];
}

/** Reads nodes of the tree of `size` from its tiles. Keeps what it computes from each tile for as long as it
 *  lives, so that many proofs over the same tiles cost little: make one for each batch of proofs.
 *  The reader throws TrustError LOG_CORRUPT if a tile is not as long as the tree needs it, and RangeError if a
 *  node is not in the tree or its tile was not loaded. It cannot tell whether a hash is the true one: a root
 *  made from tiles must match the checkpoint, a proof must verify. */
export function createTileReader(hasher: TreeHasher, size: number, loaded: LoadedTile): HashReader {
  const read = new Map<string, Uint8Array[][]>();
  return (node) => {
    const { tile, height, index } = placeOf(node, size);
    const path = tilePath(tile);
    let levels = read.get(path);
    if (levels === undefined) {
      levels = levelsOf(hasher, hashesOf(tile, loaded(tile)));
      read.set(path, levels);
    }
    // `placeOf` has made sure that the tile is wide enough for the node.
    return levels[height]?.[index] as Uint8Array;
  };
}

/** Where a node is: `height` levels above the hashes of its tile, the `index`-th of that level within it. */
function placeOf(node: NodeId, size: number): { tile: TileId; height: number; index: number } {
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
  return { tile: { level, index: tileIndex, width }, height, index };
}

function hashesOf(tile: TileId, bytes: Uint8Array | undefined): Uint8Array[] {
  if (bytes === undefined) throw new RangeError(`${tilePath(tile)} was not loaded`);
  const isWhole = bytes.length % HASH_BYTES === 0 && bytes.length <= TILE_WIDTH * HASH_BYTES;
  if (!isWhole || bytes.length < tile.width * HASH_BYTES) {
    throw new TrustError('LOG_CORRUPT', `${tilePath(tile)} has a wrong length`);
  }
  return Array.from({ length: tile.width }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}

/** The perfect subtrees within a tile, level by level. */
function levelsOf(hasher: TreeHasher, hashes: Uint8Array[]): Uint8Array[][] {
  const levels = [hashes];
  for (let below = hashes; below.length > 1; ) {
    const children = below;
    below = Array.from({ length: Math.floor(children.length / 2) }, (_, i) =>
      hasher.node(children[2 * i] as Uint8Array, children[2 * i + 1] as Uint8Array),
    );
    levels.push(below);
  }
  return levels;
}
