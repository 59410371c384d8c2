import {
  createTileReader,
  decodeEntryBundle,
  equalBytes,
  HASH_BYTES,
  MAX_ENTRY_BYTES,
  makeProof,
  type NodeId,
  planConsistency,
  planFrontier,
  planInclusion,
  rootAt,
  TILE_WIDTH,
  type TileId,
  TrustError,
  tilePath,
  tilesForNodes,
} from '@talosprotocol/protocol';
import { createProvenTiles, type ProvenTilesDeps, type TreeHead } from './proven-tiles.js';

/** An entry that is in the tree. */
export interface ProvenEntry {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** The tree of a checkpoint, read from tiles. Nothing comes out of it that does not follow from the root: whatever the
 *  server sends instead is refused with PROOF_NOT_PROVEN, `data.caveat` `tile` or `entries`. All reject as `LogFiles.read`
 *  where there is no answer, and with RangeError for an index or size that the tree does not have. */
export interface LogTree extends TreeHead {
  /** The hash of an entry. */
  leafHash(index: number): Promise<Uint8Array>;
  /** RFC 6962 section 2.1.1, sibling of the leaf first. */
  inclusion(index: number): Promise<readonly Uint8Array[]>;
  /** RFC 6962 section 2.1.2: that the tree of `oldSize` leaves with the root `rootAt(oldSize)` is a prefix of this one. */
  consistency(oldSize: number): Promise<readonly Uint8Array[]>;
  /** The root of the first `size` entries. */
  rootAt(size: number): Promise<Uint8Array>;
  /** Entries from `from` up to, not including, `to`, in order, a bundle at a time.
   *  @throws {TrustError} also NOT_FOUND: the log has forgotten them */
  entries(from: number, to: number): AsyncGenerator<ProvenEntry>;
}

export function createLogTree(deps: ProvenTilesDeps, head: TreeHead): LogTree {
  const { files, hasher } = deps;
  const { size, root } = head;
  const tiles = createProvenTiles(deps, head);
  const readerOf = async (nodes: readonly NodeId[]) => {
    const wanted = tilesForNodes(nodes, size);
    const loaded = new Map(
      await Promise.all(wanted.map(async (id) => [tilePath(id), await tiles.tile(id)] as const)),
    );
    return createTileReader(hasher, size, (id) => loaded.get(tilePath(id)));
  };
  const proofOf = async (plan: readonly (readonly NodeId[])[]): Promise<readonly Uint8Array[]> =>
    makeProof(hasher, await readerOf(plan.flat()), plan);
  return {
    size,
    root,
    leafHash: async (index) => {
      const node = { level: 0, index };
      return (await readerOf([node]))(node).slice();
    },
    inclusion: async (index) => proofOf(planInclusion(index, size)),
    consistency: async (oldSize) => (oldSize === 0 ? [] : proofOf(planConsistency(oldSize, size))),
    rootAt: async (at) => {
      if (at === size) return root;
      return rootAt(hasher, await readerOf(planFrontier(at)), at);
    },
    entries: async function* (from, to) {
      if (from > to || to > size)
        throw new RangeError(`a tree of ${size} leaves has no leaves ${from} to ${to}`);
      for (let at = from; at < to; ) {
        const id = bundleOf(at, size);
        const bundle = await readBundle(files.read, id);
        if (bundle === undefined) throw forgotten(files.url, id);
        const hashes = await tiles.tile({ ...id, level: 0 });
        const first = id.index * TILE_WIDTH;
        const isProven = bundle.every((bytes, i) =>
          equalBytes(hasher.leaf(bytes), hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)),
        );
        if (!isProven) throw changed(files.url, id);
        for (; at < Math.min(to, first + id.width); at += 1)
          yield { index: at, bytes: bundle[at - first] as Uint8Array };
      }
    },
  };
}

function bundleOf(entry: number, size: number): TileId {
  const index = Math.floor(entry / TILE_WIDTH);
  return { level: 'entries', index, width: Math.min(TILE_WIDTH, size - index * TILE_WIDTH) };
}

/** The entries of a bundle, as many as it must have; a partial one may have been replaced by the full one. */
async function readBundle(
  read: ProvenTilesDeps['files']['read'],
  id: TileId,
): Promise<readonly Uint8Array[] | undefined> {
  const partial = await read(tilePath(id), id.width * (MAX_ENTRY_BYTES + 2));
  if (partial !== undefined) return decode(partial, id.width, id);
  if (id.width === TILE_WIDTH) return undefined;
  const full = await read(tilePath({ ...id, width: TILE_WIDTH }), TILE_WIDTH * (MAX_ENTRY_BYTES + 2));
  return full === undefined ? undefined : decode(full, TILE_WIDTH, id).slice(0, id.width);
}

function decode(bytes: Uint8Array, width: number, id: TileId): readonly Uint8Array[] {
  try {
    return decodeEntryBundle(bytes, width);
  } catch (cause) {
    throw new TrustError(
      'PROOF_NOT_PROVEN',
      `${tilePath(id)} is no entry bundle`,
      { caveat: 'entries' },
      cause,
    );
  }
}

function changed(url: string, id: TileId): TrustError {
  const reason = `${url}${tilePath(id)} has other entries than the checkpoint states`;
  return new TrustError('PROOF_NOT_PROVEN', reason, { caveat: 'entries' });
}

function forgotten(url: string, id: TileId): TrustError {
  return new TrustError('NOT_FOUND', `${url}${tilePath(id)} is not there`, { caveat: 'entries' });
}
