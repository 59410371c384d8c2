import {
  createTileReader,
  EMPTY_EDGE,
  edgeRoot,
  equalBytes,
  isTrustError,
  type LogEdge,
  planFrontier,
  restoreEdge,
  rootAt,
  type TreeHasher,
  tilePath,
  tilesForNodes,
} from '@talosprotocol/protocol';
import { type Found, loadTiles, readChecked } from './checked-tiles.js';
import { type LogKey, readOwnCheckpoint, type SignedCheckpoint } from './checkpoint.js';
import { corrupt } from './corrupt.js';
import { assertHashTiles } from './hash-tiles.js';
import { checkLastRows } from './last-rows.js';
import type { Head } from './lead-store.js';
import { rebuild } from './rebuild.js';
import type { OnRewrite } from './rewritten.js';
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
  readonly onRewrite: OnRewrite;
}

/** Finds the log's edge and proves that it is the one that was signed last. Tiles that are missing are made again
 *  from the rows; tiles that differ, a database that went back and rows that are gone are refused. A checkpoint beside the
 *  tiles that is older or gone is named, unless it is the one that this process showed last: then it could not show the next.
 *  @throws {TrustError} LOG_CORRUPT */
export async function recoverLog(
  deps: RecoveryDeps,
  head: Head,
  shown?: SignedCheckpoint,
): Promise<RecoveredLog> {
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
  if (file?.note !== checkpoint.note) {
    if (shown === undefined || file?.note !== shown.note) deps.onRewrite(file, checkpoint.size);
    await deps.tiles.writeCheckpoint(checkpoint.note);
  }
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
  const { found, missing } = await readChecked(deps.tiles, size);
  if (missing !== undefined) return rebuild(deps, checkpoint, { pruned, missing });
  await assertHashTiles(deps, checkpoint, found);
  const gone = await checkLastRows(deps, { size, pruned }, found);
  if (gone !== undefined) return rebuild(deps, checkpoint, { pruned, missing: gone });
  const edge = openEdge(deps, size, found);
  if (!equalBytes(edgeRoot(deps.hasher, edge), root))
    throw corrupt('the tiles do not lead to the checkpoint');
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
