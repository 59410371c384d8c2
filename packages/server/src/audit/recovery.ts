import {
  createCompactTree,
  createTileReader,
  decodeEntryBundle,
  decodeHashTile,
  EMPTY_EDGE,
  edgeRoot,
  edgeTiles,
  encodeEntryBundle,
  encodeHashTile,
  encodeUtf8,
  equalBytes,
  growLog,
  isTrustError,
  type LogEdge,
  planFrontier,
  restoreEdge,
  rootAt,
  TILE_WIDTH,
  type TileId,
  type TileWrite,
  type TreeHasher,
  TrustError,
  tilePath,
  tilesForNodes,
  tilesOf,
} from '@talosprotocol/protocol';
import { type LogKey, readOwnCheckpoint, type SignedCheckpoint } from './checkpoint.js';
import { type Head, RESTORE } from './lead-store.js';
import type { AuditStore } from './store.js';
import type { TileStore } from './tile-store.js';

/** The log as its last checkpoint left it. */
export interface RecoveredLog {
  readonly edge: LogEdge;
  /** Undefined before the first one. */
  readonly checkpoint: SignedCheckpoint | undefined;
}

export interface RecoveryDeps {
  readonly store: AuditStore;
  readonly tiles: TileStore;
  readonly hasher: TreeHasher;
  readonly key: LogKey;
}

/** Full tiles at the end of the log that are checked against the rows at a start (16,384 events). Older ones are
 *  checked when something is proven from them. */
const CHECKED_TILES = 64;
/** Leaves of one step; a multiple of the tile width. */
const CHUNK = 2_048;

/** Finds the log's edge and proves that it is the one that was signed last. Tiles that are missing are made again
 *  from the rows; tiles that differ, a checkpoint that went back and rows that are gone are refused.
 *  @throws {TrustError} LOG_CORRUPT */
export async function recoverLog(deps: RecoveryDeps, head: Head): Promise<RecoveredLog> {
  const file = await readFileCheckpoint(deps);
  const { note } = head.checkpoint;
  if (note === undefined) {
    if (file !== undefined || head.checkpoint.size > 0)
      throw corrupt('the tiles are of a log that this database does not know');
    return { edge: EMPTY_EDGE, checkpoint: undefined };
  }
  const checkpoint = readOwnCheckpoint(deps.key, note, 'the database');
  if (checkpoint.size !== head.checkpoint.size || checkpoint.size > head.size) {
    throw corrupt('the checkpoint covers more events than the database has');
  }
  if (file !== undefined && file.size > checkpoint.size) {
    throw corrupt(`the database went back: it was ${file.size} events long when it was last signed`);
  }
  const edge = await recoverEdge(deps, checkpoint);
  if (file !== undefined) await assertPrefix(deps, checkpoint, file);
  if (file?.note !== checkpoint.note) await deps.tiles.writeCheckpoint(checkpoint.note);
  return { edge, checkpoint };
}

async function readFileCheckpoint({ tiles, key }: RecoveryDeps): Promise<SignedCheckpoint | undefined> {
  const note = await tiles.readCheckpoint();
  return note === undefined ? undefined : readOwnCheckpoint(key, note, 'the tiles folder');
}

async function recoverEdge(deps: RecoveryDeps, checkpoint: SignedCheckpoint): Promise<LogEdge> {
  const { size, root } = checkpoint;
  if (!(await isPresent(deps, size))) return rebuild(deps, checkpoint);
  const edges = await load(deps.tiles, edgeTiles(size));
  const edge = restoreEdge(deps.hasher, size, (tile) => edges.get(tilePath(tile)) ?? new Uint8Array());
  if (!equalBytes(edgeRoot(deps.hasher, edge), root))
    throw corrupt('the tiles do not lead to the checkpoint');
  await checkLastTiles(deps, checkpoint);
  return edge;
}

/** The tiles that a start relies on: those of the checked part, and all levels above. */
function* checkedTiles(size: number): Generator<TileId> {
  const from = firstChecked(size);
  for (const tile of tilesOf(size)) {
    const isLow = tile.level === 'entries' || tile.level === 0;
    if (!isLow || tile.index * TILE_WIDTH >= from) yield tile;
  }
}

function firstChecked(size: number): number {
  return Math.max(0, Math.floor(size / TILE_WIDTH) - CHECKED_TILES) * TILE_WIDTH;
}

async function isPresent({ tiles }: RecoveryDeps, size: number): Promise<boolean> {
  for (const tile of checkedTiles(size)) {
    if ((await tiles.read(tile)) === undefined) return false;
  }
  return true;
}

/** Rows, entries and leaf hashes of the last part agree, and lead to the signed root. */
async function checkLastTiles(deps: RecoveryDeps, { size, root }: SignedCheckpoint): Promise<void> {
  for (let at = firstChecked(size); at < size; at += TILE_WIDTH) {
    const width = Math.min(TILE_WIDTH, size - at);
    const tile = { level: 0, index: at / TILE_WIDTH, width };
    const [hashes, bundle] = await Promise.all([
      deps.tiles.read(tile),
      deps.tiles.read({ ...tile, level: 'entries' }),
    ]);
    const rows = await deps.store.leaves(at, at + width, width);
    const entries = decodeBundle(bundle ?? new Uint8Array(), tile);
    const leaves = rows.map((row) => encodeUtf8(row.event));
    const agree =
      rows.length === width &&
      leaves.every((leaf, i) => equalBytes(leaf, entries[i] ?? new Uint8Array())) &&
      equalBytes(join(leaves.map((leaf) => deps.hasher.leaf(leaf))), hashes ?? new Uint8Array());
    if (!agree) throw corrupt(`${tilePath(tile)} and the database differ`);
  }
  await assertRoot(deps, size, root);
}

/** Recomputes every level of the checked part: each full tile leads to its hash in the tile above. */
async function assertRoot(deps: RecoveryDeps, size: number, root: Uint8Array): Promise<void> {
  const tiles = [...checkedTiles(size)].filter((tile) => tile.level !== 'entries');
  const loaded = await load(deps.tiles, tiles);
  const read = createTileReader(deps.hasher, size, (tile) => loaded.get(tilePath(tile)));
  for (const tile of tiles) {
    if (tile.width < TILE_WIDTH) continue;
    const hashes = decodeHashTile(loaded.get(tilePath(tile)) ?? new Uint8Array(), TILE_WIDTH);
    const above = read({ level: (Number(tile.level) + 1) * TILE_LEVELS, index: tile.index });
    if (!equalBytes(rootOfHashes(deps.hasher, hashes), above)) {
      throw corrupt(`${tilePath(tile)} does not lead to the tile above it`);
    }
  }
  if (!equalBytes(rootAt(deps.hasher, read, size), root))
    throw corrupt('the tiles do not lead to the checkpoint');
}

/** Levels of the tree in one tile. */
const TILE_LEVELS = Math.log2(TILE_WIDTH);

function rootOfHashes(hasher: TreeHasher, hashes: readonly Uint8Array[]): Uint8Array {
  const tree = createCompactTree(hasher);
  for (const hash of hashes) tree.append(hash);
  return tree.root();
}

/** Makes every missing tile again, once the rows are proven; a tile that is there must be the same. */
async function rebuild(deps: RecoveryDeps, { size, root }: SignedCheckpoint): Promise<LogEdge> {
  const edge = await regrow(deps, size, async () => undefined);
  if (!equalBytes(edgeRoot(deps.hasher, edge), root)) {
    throw corrupt('tiles are missing, and the events of the database are not those that were signed');
  }
  await regrow(deps, size, (writes) => deps.tiles.write(writes));
  await deps.tiles.write(
    edgeTiles(size).map((tile) => ({ tile, path: tilePath(tile), bytes: encodeEdge(edge, tile) })),
  );
  return edge;
}

/** Grows the log from its rows; hands out its full tiles. */
async function regrow(
  deps: RecoveryDeps,
  size: number,
  onFull: (writes: readonly TileWrite[]) => Promise<void>,
): Promise<LogEdge> {
  let edge = EMPTY_EDGE;
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

/** An older checkpoint on disk is that of a start of the same log. */
async function assertPrefix(
  deps: RecoveryDeps,
  checkpoint: SignedCheckpoint,
  older: SignedCheckpoint,
): Promise<void> {
  if (older.size === 0) return;
  const nodes = planFrontier(older.size);
  const loaded = await load(deps.tiles, tilesForNodes(nodes, checkpoint.size));
  const read = createTileReader(deps.hasher, checkpoint.size, (tile) => loaded.get(tilePath(tile)));
  if (!equalBytes(rootAt(deps.hasher, read, older.size), older.root)) {
    throw corrupt('the checkpoint in the tiles folder is of another history than the database');
  }
}

async function load(tiles: TileStore, ids: Iterable<TileId>): Promise<ReadonlyMap<string, Uint8Array>> {
  const loaded = new Map<string, Uint8Array>();
  for (const tile of ids) {
    const bytes = await tiles.read(tile);
    if (bytes === undefined) throw corrupt(`${tilePath(tile)} is missing`);
    loaded.set(tilePath(tile), bytes);
  }
  return loaded;
}

function decodeBundle(bytes: Uint8Array, tile: TileId): readonly Uint8Array[] {
  try {
    return decodeEntryBundle(bytes, tile.width);
  } catch (cause) {
    if (!isTrustError(cause)) throw cause;
    throw corrupt(`${tilePath({ ...tile, level: 'entries' })} is malformed`, cause);
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A fault of the log that only the operator can mend. */
export function corrupt(reason: string, cause?: unknown): TrustError {
  return new TrustError('LOG_CORRUPT', reason, { hint: RESTORE }, cause);
}
