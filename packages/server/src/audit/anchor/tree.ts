import {
  createTileReader,
  encodeHex,
  type HashReader,
  isTrustError,
  makeProof,
  type NodeId,
  planConsistency,
  planFrontier,
  rootAt,
  type TreeHasher,
  tilePath,
  tilesForNodes,
  verifyConsistency,
} from '@talosprotocol/protocol';
import type { SignedCheckpoint } from '../checkpoint.js';
import { corrupt } from '../corrupt.js';
import type { TileStore } from '../tile-store.js';

/** The tree of the log below a checkpoint, as anchors need it. */
export interface AnchorTree {
  /** Root at that size, hex. @throws {TrustError} LOG_CORRUPT */
  rootAt(size: number, checkpoint: SignedCheckpoint): Promise<string>;
  /** Proves that the tree of that size, with that root (hex), is the beginning of the checkpoint's.
   *  @throws {TrustError} LOG_CORRUPT */
  consistency(size: number, root: string, checkpoint: SignedCheckpoint): Promise<readonly Uint8Array[]>;
}

export function createAnchorTree(hasher: TreeHasher, tiles: () => TileStore): AnchorTree {
  return {
    rootAt: async (size, checkpoint) => {
      const { root } = checkpoint;
      if (size === checkpoint.size) return encodeHex(root);
      const read = await load(hasher, tiles(), planFrontier(size), checkpoint.size);
      return encodeHex(rootAt(hasher, read, size));
    },
    consistency: async (size, root, checkpoint) => {
      const plan = planConsistency(size, checkpoint.size);
      const read = await load(hasher, tiles(), plan.flat(), checkpoint.size);
      const proof = makeProof(hasher, read, plan);
      const claim = { oldSize: size, oldRoot: Buffer.from(root, 'hex'), newSize: checkpoint.size };
      try {
        verifyConsistency(hasher, { ...claim, newRoot: checkpoint.root, proof });
      } catch (cause) {
        if (!isTrustError(cause)) throw cause;
        throw corrupt(`what was anchored at size ${size} is not the beginning of the log`, cause);
      }
      return proof;
    },
  };
}

async function load(
  hasher: TreeHasher,
  tiles: TileStore,
  nodes: readonly NodeId[],
  size: number,
): Promise<HashReader> {
  const loaded = new Map<string, Uint8Array>();
  for (const tile of tilesForNodes(nodes, size)) {
    const bytes = await tiles.read(tile);
    if (bytes === undefined) throw corrupt(`${tilePath(tile)} is missing`);
    loaded.set(tilePath(tile), bytes);
  }
  return createTileReader(hasher, size, (tile) => loaded.get(tilePath(tile)));
}
