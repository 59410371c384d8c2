import type { Disclosure, EventRecord, Receipt } from '@talosprotocol/contracts';
import {
  createReceipt,
  createTileReader,
  encodeUtf8,
  type HashReader,
  isTrustError,
  makeProof,
  type ProofPlan,
  parseJson,
  planInclusion,
  type TreeHasher,
  tilePath,
  tilesForNodes,
  verifyInclusion,
} from '@talosprotocol/protocol';
import type { SignedCheckpoint } from './checkpoint.js';
import { corrupt } from './recovery.js';
import type { EventRow } from './store.js';
import type { TileStore } from './tile-store.js';

/** Makes proofs over the tiles. Each is verified before it is handed out. */
export interface Prover {
  /** Proves that the rows are in the tree of the checkpoint.
   *  @throws {TrustError} LOG_CORRUPT: tiles, rows and checkpoint do not agree */
  prove(rows: readonly EventRow[], checkpoint: SignedCheckpoint): Promise<readonly (readonly Uint8Array[])[]>;
  receipt(row: EventRow, checkpoint: SignedCheckpoint): Promise<Receipt>;
}

export interface ProverDeps {
  readonly tiles: TileStore;
  readonly hasher: TreeHasher;
}

export function createProver(deps: ProverDeps): Prover {
  const prove: Prover['prove'] = async (rows, checkpoint) => {
    const plans = rows.map((row) => planInclusion(row.idx, checkpoint.size));
    const read = await openReader(deps, plans, checkpoint.size);
    return rows.map((row, i) => proveRow(deps.hasher, read, row, plans[i] ?? [], checkpoint));
  };
  return {
    prove,
    receipt: async (row, checkpoint) => {
      const [proof = []] = await prove([row], checkpoint);
      const { event, disclosures } = openRow(row);
      return createReceipt(event, disclosures, { index: row.idx, proof, checkpoint: checkpoint.note });
    },
  };
}

async function openReader(deps: ProverDeps, plans: readonly ProofPlan[], size: number): Promise<HashReader> {
  const tiles = tilesForNodes(plans.flat(2), size);
  const loaded = new Map<string, Uint8Array>();
  for (const tile of tiles) {
    const bytes = await deps.tiles.read(tile);
    if (bytes === undefined) throw corrupt(`${tilePath(tile)} is missing`);
    loaded.set(tilePath(tile), bytes);
  }
  return createTileReader(deps.hasher, size, (tile) => loaded.get(tilePath(tile)));
}

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

/** A row as parsed values. */
export function openRow(row: EventRow): Pick<EventRecord, 'event' | 'disclosures'> {
  const disclosures = row.disclosures === null ? [] : parseJson(row.disclosures, { floats: true });
  return {
    event: parseJson(row.event) as unknown as Receipt['event'],
    disclosures: disclosures as unknown as Disclosure[],
  };
}
