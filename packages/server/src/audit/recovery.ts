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
  HASH_BYTES,
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
} from '@talosprotocol/protocol';
import { type LogKey, readOwnCheckpoint, type SignedCheckpoint } from './checkpoint.js';
import { inParallel } from './in-parallel.js';
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
  const edge = await recoverEdge(deps, checkpoint, head.pruned);
  if (file !== undefined) await assertPrefix(deps, checkpoint, file);
  if (file?.note !== checkpoint.note) await deps.tiles.writeCheckpoint(checkpoint.note);
  return { edge, checkpoint };
}

async function readFileCheckpoint({ tiles, key }: RecoveryDeps): Promise<SignedCheckpoint | undefined> {
  const note = await tiles.readCheckpoint();
  return note === undefined ? undefined : readOwnCheckpoint(key, note, 'the tiles folder');
}

async function recoverEdge(
  deps: RecoveryDeps,
  checkpoint: SignedCheckpoint,
  pruned: number,
): Promise<LogEdge> {
  const { size, root } = checkpoint;
  const found = await readChecked(deps, size);
  if (found === undefined) return rebuild(deps, checkpoint, pruned);
  const edge = openEdge(deps, size, found);
  if (!equalBytes(edgeRoot(deps.hasher, edge), root))
    throw corrupt('the tiles do not lead to the checkpoint');
  assertRoot(deps, checkpoint, found);
  if (!(await checkLastRows(deps, { size, pruned }, found))) return rebuild(deps, checkpoint, pruned);
  return edge;
}

function openEdge({ hasher }: RecoveryDeps, size: number, found: Found): LogEdge {
  try {
    return restoreEdge(hasher, size, (tile) => found.get(tilePath(tile)) ?? new Uint8Array());
  } catch (cause) {
    if (!isTrustError(cause)) throw cause;
    throw corrupt(cause.data.reason ?? 'the last tiles are damaged', cause);
  }
}

/** Paths and bytes. */
type Found = ReadonlyMap<string, Uint8Array>;

/** Files that are read at once: on an object store each takes its time, and none of them much memory. */
const AT_A_TIME = 16;

/** The hash tiles that a start relies on, those of the checked part and all levels above, with the last bundle;
 *  undefined if one is missing. */
async function readChecked({ tiles }: RecoveryDeps, size: number): Promise<Found | undefined> {
  const wanted = [...hashTiles(size), ...edgeTiles(size).filter(({ level }) => level === 'entries')];
  const read = await inParallel(wanted, AT_A_TIME, (tile) => tiles.read(tile));
  const found = new Map<string, Uint8Array>();
  for (const [i, tile] of wanted.entries()) {
    const bytes = read[i];
    if (bytes === undefined) return undefined;
    found.set(tilePath(tile), bytes);
  }
  return found;
}

function* hashTiles(size: number): Generator<TileId> {
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

/** Bundles that are held at once, beside the rows they must equal. */
const BUNDLES = 4;

/** Rows, entries and leaf hashes of the last part agree, where they were not pruned; false if a bundle is missing. */
async function checkLastRows(
  deps: RecoveryDeps,
  { size, pruned }: { readonly size: number; readonly pruned: number },
  found: Found,
): Promise<boolean> {
  const last = [...hashTiles(size)].filter(({ level, index }) => level === 0 && index * TILE_WIDTH >= pruned);
  const there = await inParallel(last, BUNDLES, async (tile) => {
    const bundle = await deps.tiles.read({ ...tile, level: 'entries' });
    if (bundle === undefined) return false;
    await checkRows(deps, tile, bundle, found.get(tilePath(tile)) ?? new Uint8Array());
    return true;
  });
  return there.every((isThere) => isThere);
}

async function checkRows(
  { store, hasher }: RecoveryDeps,
  tile: TileId,
  bundle: Uint8Array,
  hashes: Uint8Array,
): Promise<void> {
  const at = tile.index * TILE_WIDTH;
  const rows = await store.leaves(at, at + tile.width, tile.width);
  const entries = decodeBundle(bundle, tile);
  const leaves = rows.map((row) => encodeUtf8(row.event));
  const agree =
    rows.length === tile.width &&
    leaves.every((leaf, i) => equalBytes(leaf, entries[i] ?? new Uint8Array())) &&
    equalBytes(join(leaves.map((leaf) => hasher.leaf(leaf))), hashes);
  if (!agree) throw corrupt(`${tilePath(tile)} and the database differ`);
}

/** Recomputes every level of the checked part: each full tile leads to its hash in the tile above. */
function assertRoot({ hasher }: RecoveryDeps, { size, root }: SignedCheckpoint, found: Found): void {
  const read = createTileReader(hasher, size, (tile) => found.get(tilePath(tile)));
  for (const tile of hashTiles(size)) {
    if (tile.width < TILE_WIDTH) continue;
    const hashes = decodeTile(found.get(tilePath(tile)) ?? new Uint8Array(), tile);
    const above = read({ level: (Number(tile.level) + 1) * TILE_LEVELS, index: tile.index });
    if (!equalBytes(rootOfHashes(hasher, hashes), above)) {
      throw corrupt(`${tilePath(tile)} does not lead to the tile above it`);
    }
  }
  if (!equalBytes(rootAt(hasher, read, size), root)) throw corrupt('the tiles do not lead to the checkpoint');
}

/** Levels of the tree in one tile. */
const TILE_LEVELS = Math.log2(TILE_WIDTH);

function rootOfHashes(hasher: TreeHasher, hashes: readonly Uint8Array[]): Uint8Array {
  const tree = createCompactTree(hasher);
  for (const hash of hashes) tree.append(hash);
  return tree.root();
}

/** Makes every missing tile again, once the rows are proven; a tile that is there must be the same. Of what was pruned the
 *  hash tiles are all there is. */
async function rebuild(
  deps: RecoveryDeps,
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
  if (pruned > 0 && (await readChecked(deps, size)) === undefined)
    throw corrupt('a hash tile is missing, and the bodies it was made from were pruned');
  return edge;
}

/** The edge that the log had when it ended where bodies begin, from the hash tiles of the log as it is. */
async function edgeAt({ tiles, hasher }: RecoveryDeps, pruned: number, size: number): Promise<LogEdge> {
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
  deps: RecoveryDeps,
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

async function load(tiles: TileStore, ids: Iterable<TileId>): Promise<Found> {
  const loaded = new Map<string, Uint8Array>();
  await inParallel(ids, AT_A_TIME, async (tile) => {
    const bytes = await tiles.read(tile);
    if (bytes === undefined) throw corrupt(`${tilePath(tile)} is missing`);
    loaded.set(tilePath(tile), bytes);
  });
  return loaded;
}

function decodeBundle(bytes: Uint8Array, tile: TileId): readonly Uint8Array[] {
  return decodeOr(decodeEntryBundle, bytes, { ...tile, level: 'entries' });
}

function decodeTile(bytes: Uint8Array, tile: TileId): readonly Uint8Array[] {
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

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A fault of the log that only the operator can mend. */
export function corrupt(reason: string, cause?: unknown): TrustError {
  return new TrustError('LOG_CORRUPT', reason, { hint: RESTORE }, cause);
}
