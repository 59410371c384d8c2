import {
  type CryptoProvider,
  createEventExaminer,
  type EventExaminer,
  encodeHex,
  encodeUtf8,
  equalBytes,
  examineTree,
  isTrustError,
  type LogFault,
  type NoteVerifier,
  openDisclosures,
  parseJson,
  type TileSource,
  type TreeHasher,
  verifyCheckpoint,
} from '@talosprotocol/protocol';
import type { Sql } from '../../platform/sql.js';
import { type AuditStore, createAuditStore, type EventRow } from '../store.js';
import { createFoundExaminer, type FoundExaminer } from './examine-found.js';
import { examineTables, type RowCounts, readLogRow } from './examine-tables.js';

export interface LogExaminationDeps {
  readonly sql: Sql;
  readonly source: TileSource;
  /** The checkpoint beside the tiles. */
  readonly shown: string | undefined;
  readonly origin: string;
  readonly verifier: NoteVerifier;
  readonly hasher: TreeHasher;
  readonly crypto: CryptoProvider;
  readonly onFault: (fault: LogFault) => void;
  readonly onProgress: (done: number, total: number) => void;
}

/** What was looked at. Faults were told as they were found. */
export interface LogExamined {
  readonly origin: string;
  /** Events under the checkpoint, and all that are durable. */
  readonly size: number;
  readonly sequenced: number;
  /** Bodies below this index are gone. */
  readonly pruned: number;
  readonly root: string;
  readonly rows: number;
}

/** Looks at the whole log: every tile and bundle against the signed root, every row against its entry, events against
 *  those before them, disclosures against commitments, and what else the database says of the log. Writes nothing.
 *  @throws {TrustError} UNAVAILABLE: something could not be read now */
export async function examineLog(deps: LogExaminationDeps): Promise<LogExamined> {
  const { sql, origin, hasher, crypto, onFault } = deps;
  const row = await readLogRow(sql);
  const said = Math.max(row.pruned, row.recorded);
  const checkpoint = chooseCheckpoint(deps, row.note);
  const size = checkpoint?.size ?? 0;
  const examiner = createEventExaminer({ crypto, origin, onFault });
  const found = createFoundExaminer({ sql, crypto, pruned: said, onFault });
  const rows = createRowExaminer({ ...deps, store: createAuditStore(sql), examiner, found, pruned: said });
  const total = Math.max(row.size, size);
  // What was recorded later is not signed.
  let onRecord = 0;
  await examineTree({
    hasher,
    size,
    root: checkpoint?.root ?? hasher.empty(),
    source: deps.source,
    pruned: said,
    onRecord: () => {
      onRecord = examiner.pruned;
      return onRecord;
    },
    onFault,
    onEntries: (from, entries) => rows.compare(from, entries),
    onGone: (from, hashes) => rows.compareHashes(from, hashes),
    onProgress: (done) => deps.onProgress(done, total),
  });
  // What could be read of the database beyond the tiles, and where they could not be read.
  await rows.follow(total, (done) => deps.onProgress(done, total));
  await found.end();
  await examineTables(sql, { row, examiner, onRecord, counted: rows.counts, onFault });
  return {
    origin,
    size,
    sequenced: row.size,
    pruned: onRecord,
    root: encodeHex(checkpoint?.root ?? hasher.empty()),
    rows: rows.counts.rows,
  };
}

interface Signed {
  readonly size: number;
  readonly root: Uint8Array;
}

/** The newest of the two checkpoints that verifies. The one beside the tiles may be a moment older, never newer. */
function chooseCheckpoint(deps: LogExaminationDeps, note: string | undefined): Signed | undefined {
  const kept = readCheckpoint(deps, note, 'checkpoint of the database');
  const shown = readCheckpoint(deps, deps.shown, 'checkpoint');
  if (note !== undefined && deps.shown === undefined)
    deps.onFault({ where: 'checkpoint', what: 'is missing' });
  if (shown !== undefined && shown.size > (kept?.size ?? 0)) {
    const what = `is of ${shown.size} events, that of the database of ${kept?.size ?? 0}: the database went back`;
    deps.onFault({ where: 'checkpoint', what });
    return shown;
  }
  if (shown !== undefined && shown.size === kept?.size && !equalBytes(shown.root, kept.root))
    deps.onFault({ where: 'checkpoint', what: 'has another root than that of the database' });
  return kept ?? shown;
}

function readCheckpoint(
  { origin, verifier, onFault }: LogExaminationDeps,
  note: string | undefined,
  where: string,
): Signed | undefined {
  try {
    return note === undefined ? undefined : verifyCheckpoint(note, { origin, keys: [verifier] });
  } catch (error) {
    if (!isTrustError(error)) throw error;
    onFault({ where, what: `does not verify: ${error.data.reason}` });
    return undefined;
  }
}

interface RowExaminer {
  /** Compares the rows of these entries with them; both are followed. */
  compare(from: number, entries: readonly Uint8Array[]): Promise<void>;
  /** Compares rows whose entries are gone with the hashes of those. */
  compareHashes(from: number, hashes: readonly Uint8Array[] | undefined): Promise<void>;
  /** Follows the rows that were not compared, up to `size`. */
  follow(size: number, onProgress: (done: number) => void): Promise<void>;
  readonly counts: RowCounts;
}

interface RowExamination extends LogExaminationDeps {
  readonly store: AuditStore;
  readonly examiner: EventExaminer;
  readonly found: FoundExaminer;
  readonly pruned: number;
}

/** What rows are held against: the entries, or their hashes alone. */
interface Signatures {
  readonly entries?: readonly Uint8Array[];
  readonly hashes?: readonly Uint8Array[];
}

/** Of one row. */
interface Signature {
  readonly entry: Uint8Array | undefined;
  readonly hash: Uint8Array | undefined;
}

const CHUNK = 256;

function createRowExaminer(deps: RowExamination): RowExaminer {
  const counts = { rows: 0, allowed: 0, denied: 0 };
  let next = 0;
  const look = async (from: number, to: number, signed: Signatures): Promise<void> => {
    const found = new Map((await deps.store.rows(from, to, to - from)).map((row) => [row.idx, row]));
    await deps.found.read(from, to);
    for (let index = from; index < to; index += 1) {
      const row = found.get(index);
      if (row !== undefined) counts.rows += 1;
      const effect = lookAt(deps, index, row, {
        entry: signed.entries?.[index - from],
        hash: signed.hashes?.[index - from],
      });
      if (effect !== undefined) counts[effect] += 1;
    }
    next = to;
  };
  const follow: RowExaminer['follow'] = async (size, onProgress) => {
    while (next < size) {
      await look(next, Math.min(next + CHUNK, size), {});
      onProgress(next);
    }
  };
  return {
    counts,
    follow,
    compare: async (from, entries) => {
      // Bundles that could not be read lie between.
      await follow(from, () => undefined);
      await look(from, from + entries.length, { entries });
    },
    compareHashes: async (from, hashes) => {
      if (hashes === undefined) return;
      await follow(from, () => undefined);
      await look(from, from + hashes.length, { hashes });
    },
  };
}

/** One row and the entry it should be; gives what was decided, if it is a decision. */
function lookAt(
  deps: RowExamination,
  index: number,
  row: EventRow | undefined,
  signature: Signature,
): 'allowed' | 'denied' | undefined {
  const leaf = compareRow(deps, index, row, signature);
  const event = leaf === undefined ? undefined : deps.examiner.follow(index, leaf);
  if (event === undefined) return undefined;
  if (row !== undefined) {
    deps.found.compare(index, event);
    examineDisclosures(deps, index, row);
    if (event.id !== `evt_${row.id}`)
      deps.onFault({ where: 'row', index, what: 'has another id than its event' });
  }
  if (event.type !== 'decision') return undefined;
  return event.effect === 'allow' ? 'allowed' : 'denied';
}

/** The leaf to follow: the entry, which is what was signed, else the row. */
function compareRow(
  { pruned, hasher, onFault }: RowExamination,
  index: number,
  row: EventRow | undefined,
  { entry, hash }: Signature,
): Uint8Array | undefined {
  if (row === undefined) {
    if (index >= pruned) onFault({ where: 'row', index, what: 'is missing' });
    return entry;
  }
  const leaf = encodeUtf8(row.event);
  const isSigned =
    (entry === undefined || equalBytes(leaf, entry)) &&
    (hash === undefined || equalBytes(hasher.leaf(leaf), hash));
  if (!isSigned) onFault({ where: 'row', index, what: 'is not the entry that was signed' });
  return isSigned ? leaf : entry;
}

function examineDisclosures({ crypto, onFault }: RowExamination, index: number, row: EventRow): void {
  if (row.disclosures === null) return;
  try {
    const disclosures = parseJson(row.disclosures, { floats: true }) as unknown as Parameters<
      typeof openDisclosures
    >[1];
    const event = parseJson(row.event) as unknown as Parameters<typeof openDisclosures>[0];
    openDisclosures(event, disclosures, crypto);
  } catch (error) {
    if (!isTrustError(error)) throw error;
    onFault({ where: 'disclosure', index, what: `does not open a commitment: ${error.data.reason}` });
  }
}
