import type { DeactivatedBy, Identity, IdentityKind, IdentityStatus } from '@talosprotocol/contracts';
import { type Cursor, formatTime } from '@talosprotocol/protocol';
import type { Queries, Sql } from '../../platform/sql.js';
import {
  type Change,
  type ChangeStore,
  createChangeStore,
  insertChange,
  type KeepChange,
  lockChanges,
} from './change-store.js';

/** An identity with what pages are cut by. */
interface StoredIdentity {
  readonly identity: Identity;
  readonly cursor: Cursor;
}

/** A registration. */
export interface NewIdentity {
  readonly did: string;
  readonly kind: IdentityKind;
  readonly name: string;
  /** The signed proof of key control. */
  readonly proof: string;
  /** UUIDv7 */
  readonly id: string;
  /** Unix milliseconds. */
  readonly at: number;
}

/** The end of an identity. */
export interface Ending {
  readonly did: string;
  readonly at: number;
  readonly statement: string | null;
  /** A successor takes its name and kind over; without one it is deactivated. */
  readonly successor?: { readonly did: string; readonly proof: string; readonly id: string };
  readonly by?: DeactivatedBy;
}

/** The identities' SQL. */
export interface IdentityStore extends ChangeStore {
  /** False if the DID is registered already. `keep` keeps what belongs to it in the same transaction. */
  addIdentity(identity: NewIdentity, change: Change, keep: (tx: Queries) => Promise<void>): Promise<boolean>;
  findIdentity(did: string): Promise<Identity | undefined>;
  /** Newest first, beginning after `after`. */
  listIdentities(count: number, after: Cursor | undefined): Promise<StoredIdentity[]>;
  /** Ends an active identity and registers its successor if it has one; gives the number of the change. Undefined if it
   *  was not active any more, or the successor is registered already: then nothing is changed. */
  endIdentity(ending: Ending, keep: KeepChange): Promise<number | undefined>;
}

interface IdentityRow {
  readonly did: string;
  readonly kind: IdentityKind;
  readonly name: string;
  readonly id: string;
  readonly registered_at: number;
  readonly proof: string | null;
  readonly status: IdentityStatus;
  readonly ended_at: number | null;
  readonly successor: string | null;
}

export function createIdentityStore(sql: Sql): IdentityStore {
  return {
    ...createChangeStore(sql),
    addIdentity: (identity, change, keep) =>
      sql.transaction(async (tx) => {
        await lockChanges(tx);
        if (!(await insertIdentity(tx, identity))) return false;
        await insertChange(tx, change);
        await keep(tx);
        return true;
      }),
    findIdentity: async (did) => {
      const [row] = await sql.query<IdentityRow>('SELECT * FROM kernel_identity WHERE did = $1', [did]);
      return row === undefined ? undefined : toIdentity(row);
    },
    listIdentities: async (count, after) => {
      const rows = await sql.query<IdentityRow>(
        `SELECT * FROM kernel_identity
         WHERE $1::bigint IS NULL OR (registered_at / 1000, id) < ($1::bigint, $2::uuid)
         ORDER BY registered_at / 1000 DESC, id DESC LIMIT $3`,
        [after?.seconds ?? null, after?.id ?? null, count],
      );
      return rows.map((row) => ({
        identity: toIdentity(row),
        cursor: { seconds: Math.floor(row.registered_at / 1000), id: row.id },
      }));
    },
    endIdentity: (ending, keep) =>
      sql.transaction(async (tx) => {
        const number = await endIdentity(tx, ending);
        if (number !== undefined) await keep(tx, number);
        return number;
      }),
  };
}

async function insertIdentity(
  tx: Queries,
  { did, kind, name, id, at, proof }: NewIdentity,
): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO kernel_identity (did, kind, name, id, registered_at, proof) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (did) DO NOTHING RETURNING did`,
    [did, kind, name, id, at, proof],
  );
  return rows.length === 1;
}

/** The lock on changes comes first: two endings of one identity come one after the other. */
async function endIdentity(
  tx: Queries,
  { did, at, statement, successor, by }: Ending,
): Promise<number | undefined> {
  await lockChanges(tx);
  const [row] = await tx.query<IdentityRow>(
    "SELECT * FROM kernel_identity WHERE did = $1 AND status = 'active' FOR UPDATE",
    [did],
  );
  if (row === undefined) return undefined;
  const { kind, name } = row;
  if (successor !== undefined) {
    if (!(await insertIdentity(tx, { ...successor, kind, name, at }))) return undefined;
    await insertChange(tx, { did: successor.did, type: 'succeeded', at, predecessor: did });
  }
  await tx.query('UPDATE kernel_identity SET status = $2, ended_at = $3, successor = $4 WHERE did = $1', [
    did,
    successor === undefined ? 'deactivated' : 'rotated',
    at,
    successor?.did ?? null,
  ]);
  const ended = { did, at, ...(statement === null ? {} : { statement }) };
  if (successor !== undefined)
    return insertChange(tx, { ...ended, type: 'rotated', successor: successor.did });
  return insertChange(tx, { ...ended, type: 'deactivated', ...(by === undefined ? {} : { by }) });
}

function toIdentity(row: IdentityRow): Identity {
  const { did, kind, name, registered_at, proof, status, ended_at, successor } = row;
  return {
    did,
    kind,
    name,
    registered: formatTime(registered_at),
    proven: proof !== null,
    status,
    ...(ended_at === null ? {} : { ended: formatTime(ended_at) }),
    ...(successor === null ? {} : { successor }),
  };
}
