import type { Receipt } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  createReceipt,
  createTileReader,
  encodeUtf8,
  type HashReader,
  isTrustError,
  makeProof,
  type NodeId,
  type ProofPlan,
  planConsistency,
  planFrontier,
  planInclusion,
  rootAt,
  type TileId,
  type TreeHasher,
  tilePath,
  tilesForNodes,
  verifyConsistency,
  verifyInclusion,
} from '@talosprotocol/protocol';
import type { SignedCheckpoint } from './checkpoint.js';
import { corrupt } from './corrupt.js';
import { inParallel } from './in-parallel.js';
import { openRow } from './open-row.js';
import { createRecent, type Recent } from './recent.js';
import type { EventRow } from './store.js';
import type { TileStore } from './tile-store.js';

/** Makes proofs over the tiles. Each is verified before it is handed out. */
export interface Prover {
  /** Proves that the rows are in the tree of the checkpoint.
   *  @throws {TrustError} LOG_CORRUPT: tiles, rows and checkpoint do not agree */
  prove(rows: readonly EventRow[], checkpoint: SignedCheckpoint): Promise<readonly (readonly Uint8Array[])[]>;
  receipt(row: EventRow, checkpoint: SignedCheckpoint): Promise<Receipt>;
  /** Loads what these nodes of the tree of that size need. Whoever reads them proves what they lead to, and tells
   *  if it is nothing. @throws {TrustError} LOG_CORRUPT: a tile is missing */
  nodes(nodes: readonly NodeId[], size: number): Promise<HashReader>;
  /** Tiles are read again from now on: what was read turned out to be wrong. */
  forget(): void;
  /** Proves that the checkpoint continues the tree of `oldSize` leaves; of a tree without leaves, and of the same one,
   *  there is nothing to prove. @throws {TrustError} LOG_CORRUPT */
  continuation(oldSize: number, checkpoint: SignedCheckpoint): Promise<readonly Uint8Array[]>;
}

export interface ProverDeps {
  readonly tiles: Pick<TileStore, 'read'>;
  readonly hasher: TreeHasher;
  readonly crypto: CryptoProvider;
}

/** Tiles whose hashes are kept: of the newest million events nearly all that proofs ask for, in 16 MiB. */
const KEPT_TILES = 1_024;

export function createProver({ tiles, hasher, crypto }: ProverDeps): Prover {
  const kept = createRecent<Uint8Array>(KEPT_TILES);
  const deps = { hasher, read: readOnce(tiles) };
  const prove: Prover['prove'] = async (rows, checkpoint) => {
    const plans = rows.map((row) => planInclusion(row.idx, checkpoint.size));
    const read = await openReader(deps, kept, plans.flat(2), checkpoint.size);
    try {
      return rows.map((row, i) => proveRow(hasher, read, row, plans[i] ?? [], checkpoint));
    } catch (error) {
      // Once the tile is mended, it is to be read again.
      kept.clear();
      throw error;
    }
  };
  return {
    prove,
    nodes: (nodes, size) => openReader(deps, kept, nodes, size),
    forget: () => kept.clear(),
    receipt: async (row, checkpoint) => {
      const [proof = []] = await prove([row], checkpoint);
      const { event, disclosures } = openRow(row, crypto);
      return createReceipt(event, disclosures, { index: row.idx, proof, checkpoint: checkpoint.note });
    },
    continuation: async (oldSize, { size, root }) => {
      if (oldSize === 0 || oldSize === size) return [];
      const plan = planConsistency(oldSize, size);
      const read = await openReader(deps, kept, [...plan.flat(), ...planFrontier(oldSize)], size);
      const proof = makeProof(hasher, read, plan);
      const oldRoot = rootAt(hasher, read, oldSize);
      try {
        verifyConsistency(hasher, { oldSize, oldRoot, newSize: size, newRoot: root, proof });
        return proof;
      } catch (cause) {
        if (!isTrustError(cause)) throw cause;
        kept.clear();
        throw corrupt(`the first ${oldSize} events are not those that were signed`, cause);
      }
    },
  };
}

/** Many wait for one checkpoint and ask for the same tiles at once: those are read once for all of them. */
function readOnce(tiles: ProverDeps['tiles']): TileStore['read'] {
  const reading = new Map<string, ReturnType<TileStore['read']>>();
  return (tile) => {
    const path = tilePath(tile);
    const begun = reading.get(path);
    if (begun !== undefined) return begun;
    const read = tiles.read(tile).finally(() => reading.delete(path));
    reading.set(path, read);
    return read;
  };
}

async function openReader(
  { read, hasher }: Pick<ProverDeps, 'hasher'> & { readonly read: TileStore['read'] },
  kept: Recent<Uint8Array>,
  nodes: readonly NodeId[],
  size: number,
): Promise<HashReader> {
  const loaded = new Map<string, Uint8Array>();
  const levels = new Map<string, Uint8Array>();
  const load = async (tile: TileId): Promise<void> => {
    const path = tilePath(tile);
    const known = kept.get(path);
    if (known !== undefined) {
      // Held for this proof, whatever is forgotten while other tiles are read.
      levels.set(path, known);
      return;
    }
    const bytes = await read(tile);
    if (bytes === undefined) throw corrupt(`${path} is missing`);
    loaded.set(path, bytes);
  };
  await inParallel(tilesForNodes(nodes, size), AT_A_TIME, load);
  return createTileReader(hasher, size, (tile) => loaded.get(tilePath(tile)), {
    get: (path) => levels.get(path) ?? kept.get(path),
    set: (path, made) => kept.set(path, made),
  });
}

/** Tiles of a proof that are read at once. */
const AT_A_TIME = 8;

function proveRow(
  hasher: TreeHasher,
  read: HashReader,
  row: EventRow,
  plan: ProofPlan,
  { size, root }: SignedCheckpoint,
): readonly Uint8Array[] {
  const proof = makeProof(hasher, read, plan);
  const leafHash = hasher.leaf(encodeUtf8(row.event));
  try {
    verifyInclusion(hasher, { index: row.idx, size, leafHash, root, proof });
  } catch (cause) {
    if (!isTrustError(cause)) throw cause;
    throw corrupt(`event ${row.idx} is not the one that was signed`, cause);
  }
  return proof;
}
