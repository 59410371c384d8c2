import {
  createTileReader,
  decodeHashTile,
  edgeTiles,
  equalBytes,
  HASH_BYTES,
  rootAt,
  rootOf,
  TILE_WIDTH,
  type TileId,
  type TreeHasher,
  TrustError,
  tilePath,
} from '@talosprotocol/protocol';
import type { LogFiles } from './log-files.js';
import type { TileCache } from './tile-cache.js';

/** A tree whose root somebody signed. */
export interface TreeHead {
  readonly size: number;
  readonly root: Uint8Array;
}

/** The hash tiles of one tree, each proven before it is given: the partial ones by the root they make together, a full
 *  one by its hash in the tile above. */
export interface ProvenTiles {
  /** The bytes of a tile of this tree, exactly as wide as the tree has it.
   *  @throws {TrustError} `data.caveat` `tile`: PROOF_NOT_PROVEN, it is not of this tree; NOT_FOUND; as `LogFiles.read` */
  tile(tile: TileId): Promise<Uint8Array>;
}

export interface ProvenTilesDeps {
  readonly files: LogFiles;
  readonly cache: TileCache;
  readonly hasher: TreeHasher;
}

export function createProvenTiles(deps: ProvenTilesDeps, head: TreeHead): ProvenTiles {
  const { files, cache, hasher } = deps;
  const loading = new Map<string, Promise<Uint8Array>>();
  let edge: Promise<ReadonlyMap<string, Uint8Array>> | undefined;
  const once = (id: TileId, load: () => Promise<Uint8Array>): Promise<Uint8Array> => {
    const path = tilePath(id);
    const under = loading.get(path);
    if (under !== undefined) return under;
    const work = load().finally(() => loading.delete(path));
    loading.set(path, work);
    return work;
  };
  const loadEdge = (): Promise<ReadonlyMap<string, Uint8Array>> => {
    edge ??= proveEdge(files, hasher, head).catch((error: unknown) => {
      edge = undefined;
      throw error;
    });
    return edge;
  };
  const prove = async (id: TileId & { readonly level: number }): Promise<Uint8Array> => {
    const onEdge = (await loadEdge()).get(tilePath(id));
    if (onEdge !== undefined) return onEdge;
    const above = await once(parentOf(id, head.size), () => prove(parentOf(id, head.size)));
    const at = (id.index % TILE_WIDTH) * HASH_BYTES;
    const expected = above.subarray(at, at + HASH_BYTES);
    const path = tilePath(id);
    const cached = cache.get(path);
    if (cached !== undefined && equalBytes(cached.root, expected)) return cached.bytes;
    const bytes = await readTile(files, id);
    if (!equalBytes(rootOf(hasher, decodeHashTile(bytes, TILE_WIDTH)), expected))
      throw notOfTree(files, path);
    cache.put(path, { bytes, root: expected.slice() });
    return bytes;
  };
  return {
    tile: (id) => {
      const { level } = id;
      if (level === 'entries') throw new RangeError('an entry bundle is no hash tile');
      return once(id, () => prove({ ...id, level }));
    },
  };
}

function parentOf({ level, index }: { readonly level: number; readonly index: number }, size: number) {
  const above = { level: level + 1, index: Math.floor(index / TILE_WIDTH) };
  const hashes = Math.floor(size / TILE_WIDTH ** above.level) - above.index * TILE_WIDTH;
  return { ...above, width: Math.min(TILE_WIDTH, hashes) };
}

/** The partial tiles of all levels make the root together: if it is right, each of their hashes is. */
async function proveEdge(
  files: LogFiles,
  hasher: TreeHasher,
  head: TreeHead,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const ids = edgeTiles(head.size).filter(({ level }) => level !== 'entries');
  const loaded = await Promise.all(ids.map(async (id) => [tilePath(id), await readTile(files, id)] as const));
  const tiles = new Map(loaded);
  const read = createTileReader(hasher, head.size, (id) => tiles.get(tilePath(id)));
  if (!equalBytes(rootAt(hasher, read, head.size), head.root))
    throw notOfTree(files, [...tiles.keys()].join(', '));
  return tiles;
}

/** A log may delete a partial tile once the full one is there (C2SP tlog-tiles). */
async function readTile(files: LogFiles, id: TileId): Promise<Uint8Array> {
  const path = tilePath(id);
  const most = TILE_WIDTH * HASH_BYTES;
  const wanted = id.width * HASH_BYTES;
  const bytes = await files.read(path, wanted);
  if (bytes?.length === wanted) return bytes;
  if (bytes !== undefined) throw notOfTree(files, path);
  const full =
    id.width < TILE_WIDTH ? await files.read(tilePath({ ...id, width: TILE_WIDTH }), most) : undefined;
  if (full === undefined)
    throw new TrustError('NOT_FOUND', `${files.url}${path} is not there`, { caveat: 'tile' });
  if (full.length !== most) throw notOfTree(files, path);
  return full.subarray(0, wanted);
}

function notOfTree({ url }: LogFiles, path: string): TrustError {
  const reason = `${url}${path} does not match the checkpoint`;
  return new TrustError('PROOF_NOT_PROVEN', reason, { caveat: 'tile' });
}
