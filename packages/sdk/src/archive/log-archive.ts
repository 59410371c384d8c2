import {
  createChecker,
  EventDisclosures as Disclosed,
  type EventDisclosures,
  LogManifest,
  PolicyAnchors,
} from '@talosprotocol/contracts';
import {
  canonicalBytes,
  MAX_ENTRY_BYTES,
  parseJson,
  TILE_WIDTH,
  type TileId,
  type TileSource,
  TrustError,
  tilePath,
} from '@talosprotocol/protocol';
import type { ArchiveReader } from './archive-reader.js';

/** Names of the files of an archive beside `checkpoint` and `tile/...` (AUD-80). */
export const MANIFEST = 'talos-log.json';
export const POLICIES = 'policies.json';

/** The file of the disclosures of one bundle's events. */
export function disclosurePath(bundle: number): string {
  return `${tilePath({ level: 'entries', index: bundle, width: TILE_WIDTH }).replace('tile/entries', 'disclosures')}.json`;
}

/** The bytes of a file of JSON. @throws {TrustError} MALFORMED */
export function archiveJson(value: unknown): Uint8Array {
  return canonicalBytes(value);
}

const MAX_MANIFEST = 65_536;
const MAX_POLICIES = 256 * 1024 * 1024;
/** 256 events with 262,144 bytes of disclosed values each, and what is around them. */
const MAX_DISCLOSURES = 96 * 1024 * 1024;

const checkManifest = createChecker(LogManifest);
const checkPolicy = createChecker(PolicyAnchors);
const checkDisclosed = createChecker(Disclosed);

/** @throws {TrustError} MALFORMED: it is no archive, or not a whole one: the manifest is written last */
export async function readManifest(archive: ArchiveReader): Promise<LogManifest> {
  const value = await readJson(archive, MANIFEST, MAX_MANIFEST);
  if (value === undefined)
    throw new TrustError(
      'MALFORMED',
      `there is no ${MANIFEST}: it is no archive of a log, or not a whole one`,
    );
  const wrong = checkManifest(value);
  if (wrong !== undefined) throw new TrustError('MALFORMED', `${MANIFEST}: ${wrong}`);
  return value as LogManifest;
}

/** Every policy that was ever in force. @throws {TrustError} MALFORMED */
export async function readPolicies(archive: ArchiveReader): Promise<readonly PolicyAnchors[]> {
  return readList<PolicyAnchors>(archive, POLICIES, MAX_POLICIES, checkPolicy);
}

/** What opens commitments of the events of a bundle. @throws {TrustError} MALFORMED */
export async function readDisclosures(
  archive: ArchiveReader,
  bundle: number,
): Promise<readonly EventDisclosures[]> {
  return readList<EventDisclosures>(archive, disclosurePath(bundle), MAX_DISCLOSURES, checkDisclosed);
}

/** The tiles of an archive. */
export function archiveTiles(archive: ArchiveReader): TileSource {
  return (tile: TileId) =>
    archive.read(
      tilePath(tile),
      tile.level === 'entries' ? tile.width * (2 + MAX_ENTRY_BYTES) : tile.width * 32,
    );
}

async function readList<T>(
  archive: ArchiveReader,
  path: string,
  maxBytes: number,
  check: (value: unknown) => string | undefined,
): Promise<readonly T[]> {
  const value = (await readJson(archive, path, maxBytes)) ?? [];
  if (!Array.isArray(value)) throw new TrustError('MALFORMED', `${path} is no list`);
  const wrong = value.map(check).find((fault) => fault !== undefined);
  if (wrong !== undefined) throw new TrustError('MALFORMED', `${path}: ${wrong}`);
  return value as T[];
}

async function readJson(archive: ArchiveReader, path: string, maxBytes: number): Promise<unknown> {
  const bytes = await archive.read(path, maxBytes);
  return bytes === undefined ? undefined : parseJson(bytes, { maxBytes, floats: true });
}
