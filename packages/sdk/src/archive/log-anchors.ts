import { ANCHOR_PAGE, createChecker, LogAnchors } from '@talosprotocol/contracts';
import { parseJson, TILE_WIDTH, TrustError, tilePath } from '@talosprotocol/protocol';
import type { ArchiveReader } from './archive-reader.js';

/** Says how many chain anchors an archive has; without it there are none (AUD-129). */
export const ANCHORS = 'anchors.json';

const MAX_COUNT_FILE = 1_024;
/** 32 proofs of which each has up to 274,500 bytes. */
const MAX_ANCHORS = 9_000_000;

const checkCount = createChecker(LogAnchors);

/** The file of so many anchors, from the first on. */
export function anchorPath(file: number): string {
  return `${tilePath({ level: 'entries', index: file, width: TILE_WIDTH }).replace('tile/entries', 'anchors')}.json`;
}

/** What `anchors.json` says of so many. */
export function anchorCount(count: number): LogAnchors {
  return { format: 'talos-log-anchors-v1', count };
}

/** How many anchors there are; undefined if the archive says nothing of any. @throws {TrustError} MALFORMED | LOG_CORRUPT */
export async function readAnchorCount(archive: ArchiveReader): Promise<number | undefined> {
  const bytes = await archive.read(ANCHORS, MAX_COUNT_FILE);
  if (bytes === undefined) return undefined;
  const value = parseJson(bytes);
  const wrong = checkCount(value);
  if (wrong !== undefined) throw new TrustError('MALFORMED', wrong);
  return (value as unknown as LogAnchors).count;
}

/** What one file has, which may be anything; undefined: there is no such file. @throws {TrustError} MALFORMED | LOG_CORRUPT */
export async function readAnchorFile(
  archive: ArchiveReader,
  file: number,
): Promise<readonly unknown[] | undefined> {
  const bytes = await archive.read(anchorPath(file), MAX_ANCHORS);
  if (bytes === undefined) return undefined;
  const list = parseJson(bytes, { maxBytes: MAX_ANCHORS });
  if (!Array.isArray(list)) throw new TrustError('MALFORMED', 'it is no list');
  if (list.length > ANCHOR_PAGE) throw new TrustError('MALFORMED', `it has more than ${ANCHOR_PAGE} anchors`);
  return list;
}
