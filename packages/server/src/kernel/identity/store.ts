import type { Identity, IdentityKind } from '@talosprotocol/contracts';
import { type Cursor, formatTime } from '@talosprotocol/protocol';
import type { Sql } from '../../platform/sql.js';

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
  /** UUIDv7 */
  readonly id: string;
  /** Unix milliseconds. */
  readonly at: number;
}

/** The identities' SQL. */
export interface IdentityStore {
  /** False if the DID is registered already. */
  addIdentity(identity: NewIdentity): Promise<boolean>;
  findIdentity(did: string): Promise<Identity | undefined>;
  /** Newest first, beginning after `after`. */
  listIdentities(count: number, after: Cursor | undefined): Promise<StoredIdentity[]>;
}

interface IdentityRow {
  readonly did: string;
  readonly kind: IdentityKind;
  readonly name: string;
  readonly id: string;
  readonly registered_at: number;
}

export function createIdentityStore(sql: Sql): IdentityStore {
  return {
    addIdentity: async ({ did, kind, name, id, at }) => {
      const rows = await sql.query(
        `INSERT INTO kernel_identity (did, kind, name, id, registered_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (did) DO NOTHING RETURNING did`,
        [did, kind, name, id, at],
      );
      return rows.length === 1;
    },
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
  };
}

function toIdentity({ did, kind, name, registered_at }: IdentityRow): Identity {
  return { did, kind, name, registered: formatTime(registered_at) };
}
