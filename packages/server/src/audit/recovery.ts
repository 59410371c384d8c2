import {
  createCompactTree,
  createTileReader,
  decodeEntryBundle,
  decodeHashTile,
  EMPTY_EDGE,
  edgeRoot,
  encodeUtf8,
  equalBytes,
  isTrustError,
  type LogEdge,
  planFrontier,
  restoreEdge,
  rootAt,
  TILE_WIDTH,
  type TileId,
  type TreeHasher,
  tilePath,
  tilesForNodes,
} from '@talosprotocol/protocol';
import { type Found, hashTiles, loadTiles, readChecked } from './checked-tiles.js';
import { type LogKey, readOwnCheckpoint, type SignedCheckpoint } from './checkpoint.js';
import { corrupt } from './corrupt.js';
import { inParallel } from './in-parallel.js';
import type { Head } from './lead-store.js';
import { rebuild } from './rebuild.js';
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
  const found = await readChecked(deps.tiles, size);
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

/** An older checkpoint on disk is that of a start of the same log. */
async function assertPrefix(
  deps: RecoveryDeps,
  checkpoint: SignedCheckpoint,
  older: SignedCheckpoint,
): Promise<void> {
  if (older.size === 0) return;
  const nodes = planFrontier(older.size);
  const loaded = await loadTiles(deps.tiles, tilesForNodes(nodes, checkpoint.size));
  const read = createTileReader(deps.hasher, checkpoint.size, (tile) => loaded.get(tilePath(tile)));
  if (!equalBytes(rootAt(deps.hasher, read, older.size), older.root)) {
    throw corrupt('the checkpoint in the tiles folder is of another history than the database');
  }
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
