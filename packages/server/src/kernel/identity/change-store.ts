import type { DeactivatedBy, IdentityChange } from '@talosprotocol/contracts';
import { formatTime } from '@talosprotocol/protocol';
import type { Queries, Sql } from '../../platform/sql.js';

/** Something that happened to an identity. */
export interface Change {
  readonly did: string;
  readonly type: IdentityChange['type'];
  /** Unix milliseconds. */
  readonly at: number;
  /** versionId of a `did:webvh`. */
  readonly version?: string;
  readonly successor?: string;
  readonly predecessor?: string;
  readonly by?: DeactivatedBy;
  readonly statement?: string;
  /** The document or log that came into use, as fetched, and the log's witness proofs. */
  readonly content?: Uint8Array;
  readonly witness?: Uint8Array;
}

/** A change with its place among all. */
export interface NumberedChange extends Change {
  readonly number: number;
}

/** Keeps what belongs to a change, in the same transaction. */
export type KeepChange = (tx: Queries, number: number) => Promise<void>;

/** The SQL of what happens to identities. */
export interface ChangeStore {
  /** Gives its number. */
  addChange(change: Change, keep: KeepChange): Promise<number>;
  /** Oldest first, without contents; the latest `count`. */
  changesOf(did: string, count: number): Promise<IdentityChange[]>;
  /** Those that brought contents, oldest first, without what came after `at`. */
  contentsOf(did: string, at: number): Promise<NumberedChange[]>;
  /** DIDs that ended, or that publish other keys now, with a number above `number`. */
  turnsAfter(number: number): Promise<Turn[]>;
}

/** A change after which keys that were accepted before are not. */
export interface Turn {
  readonly number: number;
  readonly did: string;
  /** False where the DID goes on with other keys. */
  readonly is_end: boolean;
}

interface ChangeRow {
  readonly number: number;
  readonly did: string;
  readonly type: IdentityChange['type'];
  readonly at: number;
  readonly version: string | null;
  readonly successor: string | null;
  readonly predecessor: string | null;
  readonly ended_by: DeactivatedBy | null;
  readonly statement: string | null;
  readonly content: Uint8Array | null;
  readonly witness: Uint8Array | null;
}

/** Name of the advisory lock under which changes are numbered. */
const LOCK = 0x7461_6c6f_6964;
/** The channel on which processes tell each other that an identity ended, or has other keys (PostgreSQL NOTIFY). */
export const IDENTITY_CHANNEL = 'talos_identity';
const PUBLIC = 'number, did, type, at, version, successor, predecessor, ended_by, statement';
/** Contents read at a time: the newest; each is a log of 1 MiB at most. */
const MAX_CONTENTS = 8;

export function createChangeStore(sql: Sql): ChangeStore {
  return {
    addChange: (change, keep) =>
      sql.transaction(async (tx) => {
        await lockChanges(tx);
        const number = await insertChange(tx, change);
        await keep(tx, number);
        return number;
      }),
    changesOf: async (did, count) => {
      const rows = await sql.query<ChangeRow>(
        `SELECT ${PUBLIC} FROM kernel_identity_change WHERE did = $1 ORDER BY number DESC LIMIT $2`,
        [did, count],
      );
      return rows.reverse().map(toPublic);
    },
    contentsOf: async (did, at) => {
      const rows = await sql.query<ChangeRow>(
        `SELECT * FROM kernel_identity_change WHERE did = $1 AND at <= $2 AND content IS NOT NULL
         ORDER BY number DESC LIMIT $3`,
        [did, at, MAX_CONTENTS],
      );
      return rows.reverse().map(toChange);
    },
    turnsAfter: (number) =>
      sql.query<Turn>(
        `SELECT number, did, (type = 'deactivated' OR successor IS NOT NULL) AS is_end FROM kernel_identity_change
         WHERE number > $1 AND type IN ('deactivated', 'rotated') ORDER BY number`,
        [number],
      ),
  };
}

/** Held until the commit: a reader who has seen a number has seen all before it. */
export async function lockChanges(tx: Queries): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
}

/** Adds a change under the lock and gives its number. */
export async function insertChange(tx: Queries, change: Change): Promise<number> {
  const { did, type, at, version, successor, predecessor, by, statement, content, witness } = change;
  const [row] = await tx.query<{ number: number }>(
    `INSERT INTO kernel_identity_change
       (number, did, type, at, version, successor, predecessor, ended_by, statement, content, witness)
     SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM kernel_identity_change
     RETURNING number`,
    [
      did,
      type,
      at,
      version ?? null,
      successor ?? null,
      predecessor ?? null,
      by ?? null,
      statement ?? null,
      content ?? null,
      witness ?? null,
    ],
  );
  if (row === undefined) throw new Error('a change of an identity was not kept');
  // Heard when the transaction commits: then each process reads what it is.
  if (isTurn(change)) await tx.query('SELECT pg_notify($1, $2)', [IDENTITY_CHANNEL, String(row.number)]);
  return row.number;
}

/** As `turnsAfter` finds them. */
function isTurn({ type }: Change): boolean {
  return type === 'deactivated' || type === 'rotated';
}

function toPublic(row: ChangeRow): IdentityChange {
  const { number: _, did: __, at, ...change } = toChange(row);
  return { at: formatTime(at), ...change };
}

function toChange({ number, did, type, at, ended_by: by, ...rest }: ChangeRow): NumberedChange {
  const { version, successor, predecessor, statement, content, witness } = rest;
  const optional = { version, successor, predecessor, by, statement, content, witness };
  const present = Object.entries(optional).filter(([, value]) => value !== null && value !== undefined);
  return { number, did, type, at, ...Object.fromEntries(present) };
}
