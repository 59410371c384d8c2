import { join } from 'node:path';
import { ANCHOR_PAGE, type AnchorProof } from '@talosprotocol/contracts';
import {
  type CosignatureVerifier,
  createNoteVerifier,
  createTreeHasher,
  encodeHex,
  encodeUtf8,
  type LogFault,
  parseJson,
  tilePath,
  tilesOf,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import {
  ANCHORS,
  type ArchiveReader,
  anchorCount,
  anchorPath,
  archiveJson,
  createArchive,
  disclosurePath,
  openArchive,
} from '@talosprotocol/sdk/archive';
import type { Audit } from '../../service.js';
import { type AuditWorld, auditDeps, gateway } from '../../testing/room.js';
import { openTileStore } from '../../tile-store.js';
import { type Imported, importLog } from '../import-log.js';

const crypto = createNodeCrypto();
const hasher = createTreeHasher(crypto.sha256);

/** The files of an archive, by name. */
export type Files = ReadonlyMap<string, Uint8Array>;

export interface StoredRow {
  readonly idx: number;
  readonly event: string;
  readonly disclosures: string | null;
}

export function storedRows({ sql }: AuditWorld): Promise<StoredRow[]> {
  return sql.query('SELECT idx, event, disclosures FROM audit_event ORDER BY idx');
}

/** What an export makes of a log with these anchors; without them, what one made before there were any in archives. */
export async function archiveOf(
  world: AuditWorld,
  audit: Audit,
  tilesFolder: string,
  anchors?: readonly AnchorProof[],
): Promise<Files> {
  const { size, root, note } = audit.checkpoint();
  const tiles = await openTileStore(tilesFolder);
  const files = new Map([['checkpoint', encodeUtf8(note)]]);
  for (const tile of tilesOf(size)) {
    const bytes = await tiles.read(tile);
    if (bytes === undefined) throw new Error(`${tilePath(tile)} is missing`);
    files.set(tilePath(tile), bytes);
  }
  const rows = (await storedRows(world)).filter(({ idx }) => idx < size);
  let pages = 0;
  for (let at = 0; at < size; at += 256) {
    const page = rows
      .filter(({ idx }) => idx >= at && idx < at + 256)
      .flatMap(({ idx, disclosures }) =>
        disclosures === null ? [] : [{ index: idx, disclosures: parseJson(disclosures) }],
      );
    if (page.length === 0) continue;
    files.set(disclosurePath(at / 256), archiveJson(page));
    pages += 1;
  }
  files.set('policies.json', archiveJson([{ policy: 'ab'.repeat(32), anchors: [] }]));
  if (anchors !== undefined) for (const [name, bytes] of anchorFiles(anchors)) files.set(name, bytes);
  const { origin } = auditDeps(world.sql, tilesFolder);
  const manifest = { origin, vkey: audit.vkey, size, root: encodeHex(root), pruned: 0, disclosures: pages };
  files.set('talos-log.json', archiveJson({ format: 'talos-log-v1', ...manifest }));
  return files;
}

/** The files of anchors, which may be anything. */
export function anchorFiles(anchors: readonly unknown[]): Files {
  const files = new Map<string, Uint8Array>();
  for (let at = 0; at < anchors.length; at += ANCHOR_PAGE)
    files.set(anchorPath(at / ANCHOR_PAGE), archiveJson(anchors.slice(at, at + ANCHOR_PAGE)));
  return files.set(ANCHORS, archiveJson(anchorCount(anchors.length)));
}

export interface Bringing {
  readonly world: AuditWorld;
  /** Where files may be made. */
  readonly place: string;
  /** Of the tiles. */
  readonly folder: string;
  /** By which the checkpoint is verified, and the one that the platform has, if it is another. */
  readonly vkey: string;
  readonly own?: string;
  readonly tenant?: string;
  readonly witnesses?: readonly CosignatureVerifier[];
  readonly through?: (archive: ArchiveReader) => ArchiveReader;
}

export interface Brought {
  /** `imported`, `refused`, or the code of what was thrown. */
  readonly end: string;
  readonly faults: readonly LogFault[];
  readonly imported: Imported | undefined;
}

let count = 0;

/** Imports an archive of these files. */
export async function bringLog(files: Files, given: Bringing): Promise<Brought> {
  const { world, folder, vkey, through = (archive) => archive } = given;
  const path = join(given.place, `${++count}.tar`);
  const writer = await createArchive(path);
  for (const [name, bytes] of files) await writer.write(name, bytes);
  await writer.finish();
  const archive = await openArchive(path);
  const faults: LogFault[] = [];
  const { policy, clock, log } = auditDeps(world.sql, folder);
  try {
    const imported = await importLog({
      archive: through(archive),
      sql: world.sql,
      tiles: await openTileStore(folder),
      vkey: given.own ?? vkey,
      verifier: createNoteVerifier(crypto, vkey),
      emitter: gateway.did,
      tenant: given.tenant ?? 'default',
      hasher,
      crypto,
      policy: policy(),
      witnesses: given.witnesses ?? [],
      clock,
      log,
      onFault: (fault) => void faults.push(fault),
      onProgress: () => undefined,
    });
    return { end: imported.imported ? 'imported' : 'refused', faults, imported };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return { end: code ?? message, faults, imported: undefined };
  } finally {
    await archive.close();
  }
}
