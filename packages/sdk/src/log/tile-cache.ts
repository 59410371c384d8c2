/** Full hash tiles by path, those used last. What is in it is not believed: whoever takes a tile out compares its root
 *  with what the checkpoint at hand says, so that another history is read anew. */
export interface TileCache {
  get(path: string): CachedTile | undefined;
  put(path: string, tile: CachedTile): void;
}

export interface CachedTile {
  readonly bytes: Uint8Array;
  /** The root of its 256 hashes. */
  readonly root: Uint8Array;
}

/** Keeps at most `most` tiles, of 8 KiB each. */
export function createTileCache(most: number): TileCache {
  const tiles = new Map<string, CachedTile>();
  return {
    get: (path) => {
      const tile = tiles.get(path);
      if (tile === undefined) return undefined;
      tiles.delete(path);
      tiles.set(path, tile);
      return tile;
    },
    put: (path, tile) => {
      tiles.delete(path);
      tiles.set(path, tile);
      const [oldest] = tiles.keys();
      if (tiles.size > most && oldest !== undefined) tiles.delete(oldest);
    },
  };
}
