import {
  EMPTY_EDGE,
  edgeRoot,
  edgeTiles,
  encodeEntryBundle,
  encodeHashTile,
  encodeUtf8,
  equalBytes,
  growLog,
  HASH_BYTES,
  type LogEdge,
  restoreEdge,
  TILE_WIDTH,
  type TileId,
  type TileWrite,
  type TreeHasher,
  type TrustError,
  tilePath,
} from '@talosprotocol/protocol';
import { readChecked } from './checked-tiles.js';
import type { SignedCheckpoint } from './checkpoint.js';
import { corrupt } from './corrupt.js';
import type { AuditStore } from './store.js';
import type { TileStore } from './tile-store.js';

export interface RebuildDeps {
  readonly store: Pick<AuditStore, 'leaves'>;
  readonly tiles: Pick<TileStore, 'read' | 'write'>;
  readonly hasher: TreeHasher;
}

/** Leaves of one step; a multiple of the tile width. */
const CHUNK = 2_048;

/** What a log has lost: bodies below an index, by its own wish, and a file. */
export interface Lost {
  readonly pruned: number;
  /** Path of the first file that was missed. */
  readonly missing: string;
}

/** Makes every missing tile again, once the rows are proven; a tile that is there must be the same. Of what was pruned the
 *  hash tiles are all there is. */
export async function rebuild(
  deps: RebuildDeps,
  { size, root }: SignedCheckpoint,
  { pruned, missing }: Lost,
): Promise<LogEdge> {
  const start = await edgeAt(deps, pruned, size);
  const grow = (onFull: OnFull): Promise<LogEdge> => regrow(deps, start, { size, missing }, onFull);
  const edge = await grow(async () => undefined);
  if (!equalBytes(edgeRoot(deps.hasher, edge), root)) {
    await grow((writes) => assertSame(deps.tiles, writes, missing));
    await assertSame(deps.tiles, writesOf(edge, size), missing);
    throw cannotMake(missing, 'the events of the database are not those that were signed');
  }
  await grow((writes) => deps.tiles.write(writes));
  await deps.tiles.write(writesOf(edge, size));
  if (pruned === 0) return edge;
  const checked = await readChecked(deps.tiles, size);
  if (checked.missing !== undefined)
    throw corrupt(`${checked.missing} is missing, and the bodies it was made from were pruned`);
  return edge;
}

function cannotMake(missing: string, why: string): TrustError {
  return corrupt(`${missing} is missing, and cannot be made again: ${why}`);
}

function writesOf(edge: LogEdge, size: number): readonly TileWrite[] {
  return edgeTiles(size).map((tile) => ({ tile, path: tilePath(tile), bytes: encodeEdge(edge, tile) }));
}

/** The rows are not what was signed: names the first of which a hash that is there says something else. */
async function assertSame(
  tiles: Pick<TileStore, 'read'>,
  writes: readonly TileWrite[],
  missing: string,
): Promise<void> {
  for (const { tile, path, bytes } of writes) {
    const there = tile.level === 0 ? await tiles.read(tile) : undefined;
    if (there === undefined || equalBytes(there, bytes)) continue;
    const at = bytes.findIndex((byte, i) => byte !== there[i]);
    const index = tile.index * TILE_WIDTH + Math.floor(Math.max(at, 0) / HASH_BYTES);
    throw cannotMake(missing, `the row of event ${index} in the database and ${path} differ`);
  }
}

/** The edge that the log had when it ended where bodies begin, from the hash tiles of the log as it is. */
async function edgeAt({ tiles, hasher }: RebuildDeps, pruned: number, size: number): Promise<LogEdge> {
  if (pruned === 0) return EMPTY_EDGE;
  const read = new Map<string, Uint8Array>();
  // None of level 0 and no entries: what was pruned ends with whole bundles.
  for (const tile of edgeTiles(pruned)) {
    const hashes = Math.floor(size / TILE_WIDTH ** Number(tile.level)) - tile.index * TILE_WIDTH;
    const wide = { ...tile, width: Math.min(TILE_WIDTH, hashes) };
    const bytes = await tiles.read(wide);
    if (bytes === undefined)
      throw corrupt(`${tilePath(wide)} is missing, and the bodies it was made from were pruned`);
    read.set(tilePath(tile), bytes.subarray(0, tile.width * HASH_BYTES));
  }
  return restoreEdge(hasher, pruned, (tile) => read.get(tilePath(tile)) ?? new Uint8Array());
}

type OnFull = (writes: readonly TileWrite[]) => Promise<void>;

/** Grows the log from its rows; hands out its full tiles. */
async function regrow(
  deps: RebuildDeps,
  start: LogEdge,
  { size, missing }: { readonly size: number; readonly missing: string },
  onFull: OnFull,
): Promise<LogEdge> {
  let edge = start;
  while (edge.frontier.size < size) {
    const from = edge.frontier.size;
    const to = Math.min(from + CHUNK, size);
    const rows = await deps.store.leaves(from, to, CHUNK);
    const gap = rows.findIndex((row, i) => row.idx !== from + i);
    if (rows.length !== to - from || gap !== -1) {
      const index = from + (gap === -1 ? rows.length : gap);
      throw cannotMake(missing, `the database lacks the row of event ${index}`);
    }
    const leaves = rows.map((row) => encodeUtf8(row.event));
    const growth = growLog(deps.hasher, edge, leaves);
    await onFull(growth.writes.filter(({ tile }) => tile.width === TILE_WIDTH));
    edge = growth.edge;
  }
  return edge;
}

function encodeEdge(edge: LogEdge, tile: TileId): Uint8Array {
  if (tile.level === 'entries') return encodeEntryBundle(edge.entries);
  return encodeHashTile(edge.hashes[tile.level] ?? []);
}
