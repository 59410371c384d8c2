import { isTrustError } from '../error.js';
import { decodeEntryBundle, decodeHashTile, type TileId, tilePath } from '../log/tile.js';
import type { OnFault } from './fault.js';

/** Where the tiles of a log are read: files, a URL. MUST give a partial tile also out of the full one.
 *  Undefined: there is none. It may throw TrustError LOG_CORRUPT for a file that cannot be one of a log; whatever else it
 *  throws ends the examination. */
export type TileSource = (tile: TileId) => Promise<Uint8Array | undefined>;

/** A tile taken apart: its hashes or entries; undefined if it is missing or malformed, which was told. */
export type OpenedTile = readonly Uint8Array[] | undefined;

/** Reads a tile and takes it apart. That it is missing is a fault, unless `onMissing` takes it. */
export async function openTile(
  source: TileSource,
  tile: TileId,
  onFault: OnFault,
  onMissing: () => void = () => onFault({ where: tilePath(tile), what: 'is missing' }),
): Promise<OpenedTile> {
  const where = tilePath(tile);
  try {
    const bytes = await source(tile);
    if (bytes === undefined) {
      onMissing();
      return undefined;
    }
    return tile.level === 'entries'
      ? decodeEntryBundle(bytes, tile.width)
      : decodeHashTile(bytes, tile.width);
  } catch (error) {
    if (!isTrustError(error) || !UNREADABLE.has(error.code)) throw error;
    onFault({ where, what: `cannot be read: ${error.data.reason}` });
    return undefined;
  }
}

const UNREADABLE: ReadonlySet<string> = new Set(['MALFORMED', 'LOG_CORRUPT']);
