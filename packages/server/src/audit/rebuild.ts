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

/** Makes every missing tile again, once the rows are proven; a tile that is there must be the same. Of what was pruned the
 *  hash tiles are all there is. */
export async function rebuild(
  deps: RebuildDeps,
  { size, root }: SignedCheckpoint,
  pruned: number,
): Promise<LogEdge> {
  const start = await edgeAt(deps, pruned, size);
  const edge = await regrow(deps, start, size, async () => undefined);
  if (!equalBytes(edgeRoot(deps.hasher, edge), root)) {
    throw corrupt('tiles are missing, and the events of the database are not those that were signed');
  }
  await regrow(deps, start, size, (writes) => deps.tiles.write(writes));
  await deps.tiles.write(
    edgeTiles(size).map((tile) => ({ tile, path: tilePath(tile), bytes: encodeEdge(edge, tile) })),
  );
  if (pruned > 0 && (await readChecked(deps.tiles, size)) === undefined)
    throw corrupt('a hash tile is missing, and the bodies it was made from were pruned');
  return edge;
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

/** Grows the log from its rows; hands out its full tiles. */
async function regrow(
  deps: RebuildDeps,
  start: LogEdge,
  size: number,
  onFull: (writes: readonly TileWrite[]) => Promise<void>,
): Promise<LogEdge> {
  let edge = start;
  while (edge.frontier.size < size) {
    const from = edge.frontier.size;
    const to = Math.min(from + CHUNK, size);
    const rows = await deps.store.leaves(from, to, CHUNK);
    if (rows.length !== to - from) throw corrupt('tiles are missing, and events to make them from');
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
