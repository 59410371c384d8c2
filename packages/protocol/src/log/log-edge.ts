import { equalBytes } from '../crypto/equal.js';
import { TrustError } from '../error.js';
import { createCompactTree, EMPTY_FRONTIER, type Frontier } from './compact-tree.js';
import type { TreeHasher } from './hash.js';
import { frontierAt } from './range.js';
import {
  decodeEntryBundle,
  decodeHashTile,
  edgeTiles,
  encodeEntryBundle,
  encodeHashTile,
  MAX_ENTRY_BYTES,
  TILE_HEIGHT,
  TILE_WIDTH,
  type TileId,
  tilePath,
} from './tile.js';
import { createTileReader } from './tile-reader.js';
import { assertTreeSize } from './tree-size.js';

/** All that a log must hold in memory to grow: the frontier, the hashes of the partial tile of each level, and
 *  the entries of the partial bundle. At most 16 MiB, nearly all of it entries. */
export interface LogEdge {
  readonly frontier: Frontier;
  readonly hashes: readonly (readonly Uint8Array[])[];
  readonly entries: readonly Uint8Array[];
}

/** A file to write. Writing it again with the same bytes is harmless; with other bytes the log has forked. */
export interface TileWrite {
  readonly tile: TileId;
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What a batch of entries does to a log: the edge after it, the size and root to sign, the leaf hash of each
 *  entry in order, and the tiles to write. Every write MUST be durable before the checkpoint is published. */
export interface LogGrowth {
  readonly edge: LogEdge;
  readonly size: number;
  readonly root: Uint8Array;
  readonly leafHashes: readonly Uint8Array[];
  readonly writes: readonly TileWrite[];
}

/** The edge of a log without entries. */
export const EMPTY_EDGE: LogEdge = { frontier: EMPTY_FRONTIER, hashes: [], entries: [] };

/** Adds a batch of entries: full tiles as they fill, and one partial tile for each level that ends in one (C2SP
 *  tlog-tiles wants those of published sizes only). Costs one leaf and about one node hash for each entry. The
 *  edge given is left as it was, so a failed write can be tried again; entries are kept by reference.
 *  @throws {RangeError} an entry of more than 65,535 bytes */
export function growLog(hasher: TreeHasher, edge: LogEdge, entries: readonly Uint8Array[]): LogGrowth {
  const oldSize = edge.frontier.size;
  const leafHashes = entries.map((entry) => hasher.leaf(assertEntry(entry)));
  const tree = createCompactTree(hasher, edge.frontier);
  const rows = edge.hashes.map((row) => [...row]);
  for (const leafHash of leafHashes) {
    tree.append(leafHash, (level, _index, hash) => {
      if (level % TILE_HEIGHT === 0) putHash(rows, level / TILE_HEIGHT, hash);
    });
  }
  const bundle = cutRow('entries', oldSize, [...edge.entries, ...entries], encodeEntryBundle);
  const cuts = rows.map((row, level) => cutRow(level, countAt(oldSize, level), row, encodeHashTile));
  return {
    edge: { frontier: tree.frontier(), hashes: cuts.map((cut) => cut.rest), entries: bundle.rest },
    size: tree.size,
    root: tree.root(),
    leafHashes,
    writes: [bundle, ...cuts].flatMap((cut) => cut.writes),
  };
}

/** Recovers the edge of a log of `size` from its partial tiles, which `edgeTiles(size)` names. `read` hands out
 *  the bytes of each. The caller MUST compare `edgeRoot` with the last checkpoint: only that proves the tiles.
 *  @throws {TrustError} LOG_CORRUPT: a tile or the bundle is malformed, or the entries are not what was hashed */
export function restoreEdge(hasher: TreeHasher, size: number, read: (tile: TileId) => Uint8Array): LogEdge {
  const bytes = new Map(edgeTiles(size).map((tile) => [tile.level, { tile, bytes: read(tile) }]));
  const hashes: (readonly Uint8Array[])[] = [];
  for (let level = 0; countAt(size, level) > 0; level += 1) {
    const held = bytes.get(level);
    hashes.push(held === undefined ? [] : decodeHeld(decodeHashTile, held));
  }
  const bundle = bytes.get('entries');
  const entries = bundle === undefined ? [] : decodeHeld(decodeEntryBundle, bundle);
  if (bundle !== undefined)
    assertEntriesHash(hasher, entries, hashes[0] as readonly Uint8Array[], bundle.tile);
  const frontier = frontierAt(
    createTileReader(hasher, size, (tile) => bytes.get(tile.level)?.bytes),
    size,
  );
  return { frontier, hashes, entries };
}

/** Root of the log at its edge. */
export function edgeRoot(hasher: TreeHasher, edge: LogEdge): Uint8Array {
  return createCompactTree(hasher, edge.frontier).root();
}

/** Full and partial tiles of what a row now holds beyond its last full tile; `rest` is in the partial one. */
function cutRow(
  level: TileId['level'],
  oldCount: number,
  row: readonly Uint8Array[],
  encode: (items: readonly Uint8Array[]) => Uint8Array,
): { writes: TileWrite[]; rest: readonly Uint8Array[] } {
  const writes: TileWrite[] = [];
  const held = oldCount % TILE_WIDTH;
  const first = (oldCount - held) / TILE_WIDTH;
  if (row.length === held) return { writes, rest: row };
  for (let at = 0; at < row.length; at += TILE_WIDTH) {
    const items = row.slice(at, at + TILE_WIDTH);
    const tile = { level, index: first + at / TILE_WIDTH, width: items.length };
    writes.push({ tile, path: tilePath(tile), bytes: encode(items) });
  }
  return { writes, rest: row.slice(row.length - (row.length % TILE_WIDTH)) };
}

function putHash(rows: Uint8Array[][], level: number, hash: Uint8Array): void {
  const row = rows[level];
  if (row === undefined) rows[level] = [hash];
  else row.push(hash);
}

function decodeHeld(
  decode: (bytes: Uint8Array, width: number) => readonly Uint8Array[],
  held: { tile: TileId; bytes: Uint8Array },
): readonly Uint8Array[] {
  try {
    return decode(held.bytes, held.tile.width);
  } catch (cause) {
    throw new TrustError('LOG_CORRUPT', `${tilePath(held.tile)} is malformed`, {}, cause);
  }
}

/** Hashes a tree of `size` has at a tile level. */
function countAt(size: number, level: number): number {
  return Math.floor(assertTreeSize(size) / TILE_WIDTH ** level);
}

function assertEntry(entry: Uint8Array): Uint8Array {
  if (entry.length > MAX_ENTRY_BYTES) throw new RangeError('an entry has at most 65,535 bytes');
  return entry;
}

function assertEntriesHash(
  hasher: TreeHasher,
  entries: readonly Uint8Array[],
  leafHashes: readonly Uint8Array[],
  bundle: TileId,
): void {
  const isHashed = (entry: Uint8Array, i: number): boolean =>
    equalBytes(hasher.leaf(entry), leafHashes[i] as Uint8Array);
  if (!entries.every(isHashed)) {
    const hashes = tilePath({ ...bundle, level: 0 });
    throw new TrustError(
      'LOG_CORRUPT',
      `${tilePath(bundle)} and ${hashes} differ: an entry is not the one that was hashed`,
    );
  }
}
