import type { LogManifest, PolicyAnchors } from '@talosprotocol/contracts';
import {
  type CosignatureVerifier,
  type CryptoProvider,
  canonicalize,
  decodeEntryBundle,
  encodeHex,
  formatNote,
  type LogFault,
  type NoteSignature,
  type NoteVerifier,
  TILE_WIDTH,
  type TileId,
  type TreeHasher,
  TrustError,
  tilePath,
  tilesOf,
  type VerifiedCheckpoint,
  verifyCheckpoint,
} from '@talosprotocol/protocol';
import {
  type ArchiveExamined,
  type ArchiveReader,
  archiveTiles,
  disclosedFrom,
  examineArchive,
  manifestFaults,
  readCheckpointNote,
  readManifest,
} from '@talosprotocol/sdk/archive';
import type { Log } from '../../platform/log.js';
import type { Sql } from '../../platform/sql.js';
import type { Clock } from '../../platform/system.js';
import { hasAnchors } from '../anchor/anchor-store.js';
import { AUDIT_LIMITS } from '../deps.js';
import { inParallel } from '../in-parallel.js';
import { type Lead, takeLead } from '../lead.js';
import { createPartitions } from '../partitions.js';
import { createPolicyHistory, type PolicyInForce } from '../policy-history.js';
import type { TileStore } from '../tile-store.js';
import { createRestorer } from './restore.js';
import { restoreAnchors } from './restore-anchors.js';
import { createSteadyArchive } from './steady-archive.js';

export interface ImportDeps {
  readonly archive: ArchiveReader;
  readonly sql: Sql;
  readonly tiles: TileStore;
  readonly vkey: string;
  readonly verifier: NoteVerifier;
  readonly emitter: string;
  readonly tenant: string;
  readonly hasher: TreeHasher;
  readonly crypto: CryptoProvider;
  /** That of talos.yaml. */
  readonly policy: PolicyInForce;
  /** Those of talos.yaml: cosignatures of others are left out. */
  readonly witnesses: readonly CosignatureVerifier[];
  readonly clock: Clock;
  readonly log: Log;
  readonly onFault: (fault: LogFault) => void;
  readonly onProgress: (done: number, total: number) => void;
}

/** What came of it. */
export interface Imported {
  readonly origin: string;
  readonly size: number;
  readonly root: string;
  /** False: faults were told, and nothing was written. */
  readonly imported: boolean;
  /** The policies whose anchors were taken over: that these were in force is the word of the archive. */
  readonly policies: readonly PolicyAnchors[];
  /** Chain anchors that were taken over. Whether the chain has their blocks is asked once the platform runs. */
  readonly anchors: number;
  /** Names of the witnesses whose cosignatures were taken over. */
  readonly cosigned: readonly string[];
  /** Cosignatures by keys that talos.yaml does not name. */
  readonly leftOut: number;
}

/** Brings a whole log back from an archive, into a database and a place for tiles that hold none. All of it is verified
 *  before anything is written; rows and checkpoint come in one transaction. The keys are not part of an archive: only
 *  the platform that has the log's key can go on with it.
 *  @throws {TrustError} SETTINGS_INVALID: other keys; CONFLICT: there is a log already, or a platform runs; MALFORMED;
 *  LOG_CORRUPT: the archive changed meanwhile */
export async function importLog(given: ImportDeps): Promise<Imported> {
  const deps = { ...given, archive: createSteadyArchive(given.archive, given.crypto) };
  const manifest = await readManifest(deps.archive);
  assertOwn(manifest, deps.vkey);
  assertWhole(manifest);
  await assertEmpty(deps);
  const { origin, size } = manifest;
  const note = await readCheckpointNote(deps.archive);
  const checkpoint = verified(deps, manifest, note);
  const root = encodeHex(checkpoint.root);
  const examined = await examine(deps, manifest, checkpoint);
  const { kept, unknown: leftOut } = examined.cosigned;
  const facts = { origin, size, root, leftOut };
  if (examined.faults > 0) return { ...facts, imported: false, policies: [], anchors: 0, cosigned: [] };
  const { sql, clock, vkey, emitter, tenant } = deps;
  const identity = { origin, vkey, emitter, tenant };
  const lead = await takeLead({ sql, clock, identity, start: false, waitMs: 0 });
  try {
    await fill(deps, lead, checkpoint, examined);
  } finally {
    await lead.close();
  }
  const { policies, anchors } = examined;
  return { ...facts, imported: true, policies, anchors, cosigned: kept.map(({ name }) => name) };
}

function assertOwn({ origin, vkey }: LogManifest, own: string): void {
  if (vkey === own) return;
  throw new TrustError(
    'SETTINGS_INVALID',
    `the archive is of the log ${origin}, whose key is not in this data folder`,
    {
      hint: 'put the files keys/*.key of the platform whose log it is into the data folder first',
    },
  );
}

/** What the log knows of subjects follows from their events. */
function assertWhole({ pruned }: LogManifest): void {
  if (pruned === 0) return;
  throw new TrustError('PRUNED', `the archive has no bodies of events below ${pruned}`, {
    hint: 'a log is brought back from an archive that was written before it was pruned; talos audit fsck verifies this one',
  });
}

async function assertEmpty(deps: ImportDeps): Promise<void> {
  const what = await whatIsThere(deps);
  if (what === undefined) return;
  throw new TrustError('CONFLICT', `${what} a log already`, {
    hint: 'import into an empty data folder and database',
  });
}

async function whatIsThere({ sql, tiles }: ImportDeps): Promise<string | undefined> {
  const [row] = await sql.query<{ size: number }>('SELECT size FROM audit_log WHERE size > 0');
  if (row !== undefined) return `the database holds ${row.size} events of`;
  if (await hasAnchors(sql)) return 'the database holds anchors of';
  return (await tiles.readCheckpoint()) === undefined ? undefined : 'the place of the tiles holds';
}

function verified({ verifier, crypto }: ImportDeps, manifest: LogManifest, note: string): VerifiedCheckpoint {
  const checkpoint = verifyCheckpoint(note, { origin: manifest.origin, keys: [verifier] });
  const [fault] = manifestFaults(manifest, note, checkpoint, crypto);
  if (fault === undefined) return checkpoint;
  throw new TrustError('MALFORMED', `${fault.where}: ${fault.what}`);
}

/** The first pass: everything that the archive holds. */
async function examine(
  deps: ImportDeps,
  manifest: LogManifest,
  checkpoint: VerifiedCheckpoint,
): Promise<ArchiveExamined> {
  const onProgress = (done: number): void => deps.onProgress(done, 2 * checkpoint.size);
  const examined = await examineArchive({
    ...deps,
    manifest,
    checkpoint,
    inForce: deps.policy,
    onProgress,
  });
  if (examined.faults === 0 && examined.tenant !== undefined) assertTenant(examined.tenant, deps.tenant);
  return examined;
}

/** The next start would refuse it. */
function assertTenant(tenant: string, own: string): void {
  if (tenant === own) return;
  throw new TrustError('SETTINGS_INVALID', `the log is of the tenant ${tenant}, talos.yaml of ${own}`, {
    hint: 'put the talos.yaml of the platform whose log it is into the data folder first',
  });
}

/** The second pass. Tiles first: without a checkpoint they are nothing yet; then rows and checkpoint at once. */
async function fill(
  deps: ImportDeps,
  lead: Lead,
  { size, note: { text, signatures } }: VerifiedCheckpoint,
  { policies, cosigned }: ArchiveExamined,
): Promise<void> {
  const { session, head } = lead;
  // Lines of keys that nobody here knows go no further.
  const note = formatNote({ text, signatures });
  const witnessed = witnessedNote(text, signatures, cosigned.kept);
  await readCheckpointNote(deps.archive);
  await copyTiles(deps, size);
  await session.query('BEGIN');
  try {
    const history = createPolicyHistory(session);
    for (const { policy, anchors } of policies) await history.record({ hash: policy, anchors });
    const boot = await restoreRows(deps, lead, size);
    await session.query('UPDATE audit_log SET boot = $1', [boot]);
    await restoreAnchors(session, deps.archive, deps.clock.now());
    await session.query(KEEP_CHECKPOINT, [size, note, head.epoch, witnessed]);
    await session.query('COMMIT');
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
  await deps.tiles.writeCheckpoint(note);
}

const KEEP_CHECKPOINT = 'UPDATE audit_checkpoint SET size = $1, note = $2, witnessed = $4 WHERE epoch = $3';

/** Whether so many are enough is judged at each start, by the quorum that is in force then. */
function witnessedNote(
  text: string,
  own: readonly NoteSignature[],
  kept: readonly NoteSignature[],
): string | null {
  return kept.length === 0 ? null : formatNote({ text, signatures: [...own, ...kept] });
}

/** Bundles that are written at once. */
const AT_A_TIME = 8;

async function copyTiles({ archive, tiles }: ImportDeps, size: number): Promise<void> {
  const read = archiveTiles(archive);
  await inParallel(tilesOf(size), AT_A_TIME, async (tile) => {
    const bytes = await read(tile);
    if (bytes !== undefined) await tiles.write([{ tile, path: tilePath(tile), bytes }]);
  });
}

async function restoreRows(deps: ImportDeps, lead: Lead, size: number): Promise<number> {
  const { archive, crypto, sql, log } = deps;
  const { makeRoom } = createPartitions(sql, AUDIT_LIMITS.partition, log);
  const restorer = createRestorer({ lead, crypto, makeRoom });
  for (let from = 0; from < size; from += TILE_WIDTH) {
    const width = Math.min(TILE_WIDTH, size - from);
    const tile: TileId = { level: 'entries', index: from / TILE_WIDTH, width };
    const entries = decodeEntryBundle((await archiveTiles(archive)(tile)) ?? new Uint8Array(), width);
    const disclosed = await disclosedFrom(archive, from);
    await restorer.add(
      entries.map((leaf, i) => {
        const disclosures = disclosed.get(from + i);
        return { leaf, disclosures: disclosures === undefined ? undefined : canonicalize(disclosures) };
      }),
    );
    deps.onProgress(size + restorer.size, 2 * size);
  }
  return restorer.boot;
}
