import { malformed } from '../error.js';
import { HASH_BYTES } from './hash.js';
import { assertTreeSize, isTreeSize } from './tree-size.js';

/** Names a tile (C2SP tlog-tiles): `level` 0 holds leaf hashes, each hash of a higher level is the root of a full
 *  tile below; `entries` holds the entries themselves. `width` is 1 to 256, and a tile below 256 is partial. */
export interface TileId {
  readonly level: number | 'entries';
  readonly index: number;
  readonly width: number;
}

/** Hashes, or entries, of a full tile. */
export const TILE_WIDTH = 256;

/** Tree levels that one tile spans. */
export const TILE_HEIGHT = 8;

/** Longest entry: its length is written in two bytes. */
export const MAX_ENTRY_BYTES = 65_535;

/** A tree of 2^53 - 1 leaves has tiles of levels 0 to 6. */
const MAX_TILE_LEVEL = 6;

/** Path of a tile below the log's prefix: `tile/<level>/<index>`, and `.p/<width>` if it is partial.
 *  @throws {RangeError} there is no such tile
 *  @example tilePath({ level: 0, index: 1234067, width: 256 }) // 'tile/0/x001/x234/067' */
export function tilePath(tile: TileId): string {
  if (!isTile(tile)) throw new RangeError('there is no such tile');
  const digits = String(tile.index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) as string[];
  const last = groups.pop();
  const partial = tile.width < TILE_WIDTH ? `.p/${tile.width}` : '';
  return `tile/${tile.level}/${groups.map((group) => `x${group}/`).join('')}${last}${partial}`;
}

/** Reads a tile path, in the one spelling that `tilePath` writes.
 *  @throws {TrustError} MALFORMED */
export function parseTilePath(path: string): TileId {
  const match = /^tile\/(entries|[0-6])\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path);
  const [, level = '', index = '', width = `${TILE_WIDTH}`] = match ?? [];
  const tile = {
    level: level === 'entries' ? level : Number(level),
    index: Number(index.replaceAll(/[x/]/g, '')),
    width: Number(width),
  } as const;
  // The comparison refuses what has two spellings: groups of zeros in front, and a full tile written as partial.
  if (match === null || !isTile(tile) || tilePath(tile) !== path)
    throw malformed('text that is not a tile path');
  return tile;
}

/** Lists the tiles, full and partial, that a tree of `size` has and a tree of `oldSize` has not: what growing a
 *  log must write. From 0, all tiles. Level by level, entry bundles first, left to right; lazy, since a large log
 *  has millions. A partial tile of the old size that became full or wider is named as the wider one. */
export function* tilesOf(size: number, oldSize = 0): Generator<TileId> {
  let now = assertTreeSize(size);
  let before = assertTreeSize(oldSize);
  yield* rowOf('entries', now, before);
  for (let level = 0; now > 0; level += 1) {
    yield* rowOf(level, now, before);
    now = Math.floor(now / TILE_WIDTH);
    before = Math.floor(before / TILE_WIDTH);
  }
}

/** The partial tiles at the right edge of a tree: its entry bundle first, then its hash tiles, level by level. */
export function edgeTiles(size: number): readonly TileId[] {
  const row = (level: TileId['level'], count: number): TileId[] => {
    const width = count % TILE_WIDTH;
    return width === 0 ? [] : [{ level, index: (count - width) / TILE_WIDTH, width }];
  };
  const tiles = row('entries', assertTreeSize(size));
  let level = 0;
  for (let count = size; count > 0; count = Math.floor(count / TILE_WIDTH))
    tiles.push(...row(level++, count));
  return tiles;
}

/** Writes a hash tile: its hashes, one after the other.
 *  @throws {RangeError} not 1 to 256 hashes of 32 bytes */
export function encodeHashTile(hashes: readonly Uint8Array[]): Uint8Array {
  const tile = new Uint8Array(hashes.length * HASH_BYTES);
  if (!isWidth(hashes.length) || hashes.some((hash) => hash.length !== HASH_BYTES)) {
    throw new RangeError('a tile has 1 to 256 hashes of 32 bytes');
  }
  for (const [i, hash] of hashes.entries()) tile.set(hash, i * HASH_BYTES);
  return tile;
}

/** Reads a hash tile of exactly `width` hashes. The hashes share memory with the tile.
 *  @throws {TrustError} MALFORMED */
export function decodeHashTile(tile: Uint8Array, width: number): readonly Uint8Array[] {
  if (!isWidth(width) || tile.length !== width * HASH_BYTES) throw malformed('a tile of another length');
  return Array.from({ length: width }, (_, i) => tile.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}

/** Writes an entry bundle: each entry after its length in two bytes, big-endian.
 *  @throws {RangeError} not 1 to 256 entries of at most 65,535 bytes */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (!isWidth(entries.length) || entries.some((entry) => entry.length > MAX_ENTRY_BYTES)) {
    throw new RangeError('an entry bundle has 1 to 256 entries of at most 65,535 bytes');
  }
  const bundle = new Uint8Array(entries.reduce((bytes, entry) => bytes + 2 + entry.length, 0));
  const view = new DataView(bundle.buffer);
  let at = 0;
  for (const entry of entries) {
    view.setUint16(at, entry.length);
    bundle.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bundle;
}

/** Reads an entry bundle of exactly `width` entries, with nothing after them. The entries share memory with the
 *  bundle; they are what the log says until their leaf hashes are proven.
 *  @throws {TrustError} MALFORMED */
export function decodeEntryBundle(bundle: Uint8Array, width: number): readonly Uint8Array[] {
  if (!isWidth(width)) throw malformed('an entry bundle of an impossible width');
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.length);
  const entries: Uint8Array[] = [];
  let at = 0;
  while (entries.length < width) {
    if (at + 2 > bundle.length) throw malformed('an entry bundle that ends too early');
    const end = at + 2 + view.getUint16(at);
    if (end > bundle.length) throw malformed('an entry bundle that ends within an entry');
    entries.push(bundle.subarray(at + 2, end));
    at = end;
  }
  if (at !== bundle.length) throw malformed('an entry bundle with more than its entries');
  return entries;
}

function* rowOf(level: TileId['level'], count: number, oldCount: number): Generator<TileId> {
  if (count <= oldCount) return;
  for (let index = Math.floor(oldCount / TILE_WIDTH); index * TILE_WIDTH < count; index += 1) {
    yield { level, index, width: Math.min(TILE_WIDTH, count - index * TILE_WIDTH) };
  }
}

function isTile({ level, index, width }: TileId): boolean {
  const isLevel = level === 'entries' || (Number.isInteger(level) && level >= 0 && level <= MAX_TILE_LEVEL);
  return isLevel && isTreeSize(index) && isWidth(width);
}

function isWidth(width: number): boolean {
  return Number.isInteger(width) && width >= 1 && width <= TILE_WIDTH;
}
