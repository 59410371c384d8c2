import type { AnchorProof } from '@talosprotocol/contracts';
import {
  anchorPlace,
  canonicalize,
  isTrustError,
  parseAnchorProof,
  parseJson,
  TrustError,
} from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import type { Queries, Sql } from '../../platform/sql.js';
import type { AnchorHead } from './anchorer.js';

/** An anchor as it is kept. */
export interface AnchorRow extends AnchorHead {
  readonly begunMs: number;
  readonly state: string | undefined;
  /** Grows with every write, so that two processes do not write over each other. */
  readonly version: number;
}

/** An anchor that is proven. */
export interface ProvenAnchor extends AnchorHead {
  readonly place: string;
  readonly begunMs: number;
  readonly proof: AnchorProof;
  /** It came with an archive, and nobody here asked the chain for its block yet. */
  readonly imported: boolean;
}

/** Behind which anchor a page begins. */
export interface AnchorCursor {
  readonly after: number;
  readonly place: string;
}

/** The anchors of this database. A proof that cannot be read is passed over and named in the log: the next one counts. */
export interface AnchorStore {
  open(place: string): Promise<AnchorRow[]>;
  /** The newest that is proven, at the place; without those that came with an archive and of which the chain was not asked. */
  newestAt(place: string): Promise<ProvenAnchor | undefined>;
  /** The newest of those that came with an archive, with a header at the place, of whose blocks nobody asked the chain yet; of
   *  fewer than `below` events, if that is said. */
  newestImported(place: string, below: number | undefined): Promise<ProvenAnchor | undefined>;
  /** The chain has the block of one that came with an archive: it is as one of our own from now on. */
  accept(anchor: ProvenAnchor): Promise<void>;
  /** The chain does not have it. */
  forget(anchor: ProvenAnchor): Promise<void>;
  /** Proven ones of up to `to` events behind the cursor, by size and then by place, at most `limit`, and where to go on. */
  page(to: number, cursor: AnchorCursor, limit: number): Promise<AnchorRows>;
  /** The newest whose block was looked at, at the place or at all. */
  confirmed(place: string | undefined): Promise<ProvenAnchor | undefined>;
  /** Of one kind, or of all. One that came with an archive and of which the chain was not asked only if there is no other. */
  newest(kind: string | undefined): Promise<ProvenAnchor | undefined>;
  /** The smallest that has at least `from` and at most `to` leaves, of one kind or of all; imported ones as in `newest`. */
  covering(from: number, to: number, kind: string | undefined): Promise<ProvenAnchor | undefined>;
  /** When the last was begun at the place, which is that of most events, and at what size. */
  lastBegun(place: string): Promise<Pick<AnchorRow, 'size' | 'begunMs'> | undefined>;
  /** Begins one; one of the same size is begun anew. */
  begin(place: string, head: AnchorHead, begunMs: number): Promise<AnchorRow>;
  /** @throws {TrustError} CONFLICT: another process wrote it since */
  keep(place: string, row: AnchorRow, state: string): Promise<AnchorRow>;
  /** @throws {TrustError} CONFLICT; MALFORMED: what could not be read again is not written */
  prove(place: string, row: AnchorRow, proof: AnchorProof): Promise<void>;
  /** Its proof holds no more: it is open again, with what was kept of it. */
  reopen(place: string, size: number): Promise<void>;
  /** @throws {TrustError} CONFLICT */
  giveUp(place: string, row: AnchorRow): Promise<void>;
  /** What was noted last of others at the place. */
  watched(place: string): Promise<string | undefined>;
  noteWatched(place: string, state: string): Promise<void>;
}

/** Proofs, and the last place that was looked at; undefined if that was the last. */
export interface AnchorRows {
  readonly proofs: readonly AnchorProof[];
  readonly next: AnchorCursor | undefined;
}

interface Stored {
  readonly place: string;
  readonly size: number;
  readonly root: string;
  readonly begun_ms: number;
  readonly version: number;
  readonly state: string | null;
  readonly proof: string | null;
  readonly imported: boolean;
}

const COLUMNS = 'place, size, root, begun_ms, version, state, proof, imported';
const PROVEN = `SELECT ${COLUMNS} FROM audit_anchor WHERE proof IS NOT NULL`;
const OWN = 'WHERE place = $1 AND size = $2 AND version = $3';

const OPEN = `SELECT ${COLUMNS} FROM audit_anchor WHERE place = $1 AND proof IS NULL ORDER BY size`;
const CONFIRMED = `SELECT ${COLUMNS} FROM audit_anchor WHERE confirmed AND NOT imported AND ($1::text IS NULL OR place = $1)
  ORDER BY size DESC, begun_ms`;
// A place begins with its kind.
const NEWEST_AT = `${PROVEN} AND place = $1 AND NOT imported ORDER BY size DESC`;
const NEWEST_IMPORTED = `${PROVEN} AND place = $1 AND imported AND confirmed
  AND ($2::bigint IS NULL OR size < $2) ORDER BY size DESC`;
const IMPORTED = 'WHERE place = $1 AND size = $2 AND imported';
const PAGE = `${PROVEN} AND size <= $1 AND (size, place COLLATE "C") > ($2, $3)
  ORDER BY size, place COLLATE "C" LIMIT $4`;
const NEWEST = `${PROVEN} AND imported = $1 AND ($2::text IS NULL OR split_part(place, ' ', 1) = $2)
  ORDER BY size DESC, begun_ms`;
const COVERING = `${PROVEN} AND imported = $1 AND size BETWEEN $2 AND $3
  AND ($4::text IS NULL OR split_part(place, ' ', 1) = $4)
  ORDER BY size, begun_ms`;
// A log only grows, while a clock may be set back: what it had begun in the future would stand behind all that comes, which would be
// begun anew again and again, and lose its proof each time.
const LAST_BEGUN = `SELECT ${COLUMNS} FROM audit_anchor WHERE place = $1 ORDER BY size DESC LIMIT 1`;
const BEGIN = `INSERT INTO audit_anchor AS a (place, size, root, begun_ms, version) VALUES ($1, $2, $3, $4, 1)
  ON CONFLICT (place, size) DO UPDATE
    SET root = excluded.root, begun_ms = excluded.begun_ms, version = a.version + 1, state = NULL, proof = NULL,
      imported = false
  RETURNING ${COLUMNS}`;
const KEEP = `UPDATE audit_anchor SET state = $4, version = version + 1 ${OWN} RETURNING ${COLUMNS}`;
const PROVE = `UPDATE audit_anchor SET proof = $4, version = version + 1 ${OWN} RETURNING ${COLUMNS}`;
const REOPEN = 'UPDATE audit_anchor SET proof = NULL, version = version + 1 WHERE place = $1 AND size = $2';
const GIVE_UP = `DELETE FROM audit_anchor ${OWN} RETURNING ${COLUMNS}`;
const WATCHED = 'SELECT state FROM audit_anchor_watch WHERE place = $1';
const NOTE_WATCHED = `INSERT INTO audit_anchor_watch (place, state) VALUES ($1, $2)
  ON CONFLICT (place) DO UPDATE SET state = excluded.state`;

type Value = string | number | boolean | null;

/** Builds the store over the tables of `ANCHOR_MIGRATIONS`. */
export function createAnchorStore(sql: Sql, log: Log): AnchorStore {
  const read = (text: string, ...values: readonly Value[]): Promise<Stored[]> =>
    sql.query<Stored>(text, values);
  const write = async (text: string, ...values: readonly (string | number)[]): Promise<Stored> => {
    const [row] = await read(text, ...values);
    if (row === undefined) throw new TrustError('CONFLICT', 'another process writes the anchors of this log');
    return row;
  };
  const said = new Set<string>();
  const passOver = ({ place, size }: Stored): void => {
    const key = `${place} ${size}`;
    if (!said.has(key)) log.error('a proof of an anchor cannot be read', { stage: place, size });
    said.add(key);
  };
  const firstProven = async (text: string, ...values: readonly Value[]) => {
    for (let offset = 0; ; offset++) {
      const [row] = await read(`${text} LIMIT 1 OFFSET ${offset}`, ...values);
      if (row === undefined) return undefined;
      const proven = readProven(row, passOver);
      if (proven !== undefined) return proven;
    }
  };
  // Anybody can make up an anchor in an archive, and a small one: it must not stand before one that the chain has.
  const firstKnown = async (text: string, ...values: readonly Value[]) =>
    (await firstProven(text, false, ...values)) ?? (await firstProven(text, true, ...values));
  return {
    open: async (place) => (await read(OPEN, place)).map(toRow),
    newestAt: (place) => firstProven(NEWEST_AT, place),
    newestImported: (place, below) => firstProven(NEWEST_IMPORTED, place, below ?? null),
    accept: async ({ place, size }) => {
      await read(`UPDATE audit_anchor SET imported = false, version = version + 1 ${IMPORTED}`, place, size);
    },
    forget: async ({ place, size }) => {
      await read(`DELETE FROM audit_anchor ${IMPORTED}`, place, size);
    },
    page: async (to, { after, place }, limit) => {
      const rows = await read(PAGE, to, after, place, limit);
      const last = rows.at(-1);
      return {
        proofs: rows.flatMap((row) => readProven(row, passOver)?.proof ?? []),
        next: last === undefined || rows.length < limit ? undefined : { after: last.size, place: last.place },
      };
    },
    confirmed: (place) => firstProven(CONFIRMED, place ?? null),
    newest: (kind) => firstKnown(NEWEST, kind ?? null),
    covering: (from, to, kind) => firstKnown(COVERING, from, to, kind ?? null),
    lastBegun: async (place) => (await read(LAST_BEGUN, place)).map(toRow)[0],
    begin: async (place, { size, root }, begunMs) => toRow(await write(BEGIN, place, size, root, begunMs)),
    keep: async (place, { size, version }, state) => toRow(await write(KEEP, place, size, version, state)),
    prove: async (place, { size, version }, proof) => {
      await write(PROVE, place, size, version, canonicalize(parseAnchorProof(proof)));
    },
    reopen: async (place, size) => {
      await read(REOPEN, place, size);
    },
    giveUp: async (place, { size, version }) => {
      await write(GIVE_UP, place, size, version);
    },
    watched: async (place) => (await sql.query<{ state: string }>(WATCHED, [place]))[0]?.state,
    noteWatched: async (place, state) => {
      await sql.query(NOTE_WATCHED, [place, state]);
    },
  };
}

function toRow({ size, root, begun_ms: begunMs, version, state }: Stored): AnchorRow {
  return { size, root, begunMs, version, state: state ?? undefined };
}

/** Undefined: its proof cannot be read, which is told. */
function readProven(row: Stored, passOver: (row: Stored) => void): ProvenAnchor | undefined {
  const { place, size, root, begun_ms: begunMs, proof, imported } = row;
  try {
    return { place, size, root, begunMs, imported, proof: parseAnchorProof(parseJson(proof ?? '')) };
  } catch (error) {
    if (!isTrustError(error)) throw error;
    passOver(row);
    return undefined;
  }
}

const IMPORT = `INSERT INTO audit_anchor (place, size, root, begun_ms, version, proof, imported)
  VALUES ($1, $2, $3, $4, 1, $5, true)`;

/** Keeps a proof that came with an archive and was verified; it begins when the last of its events did. */
export async function importAnchor(queries: Queries, proof: AnchorProof, begunMs: number): Promise<void> {
  const { size, root } = proof;
  await queries.query(IMPORT, [anchorPlace(proof), size, root, begunMs, canonicalize(proof)]);
}

/** Whether there are any, proven or begun. */
export async function hasAnchors(queries: Queries): Promise<boolean> {
  return (await queries.query('SELECT 1 FROM audit_anchor LIMIT 1')).length > 0;
}
