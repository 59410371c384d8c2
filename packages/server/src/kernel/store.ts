import type { Identity, IdentityKind, RevokedBy } from '@talosprotocol/contracts';
import { type Cursor, formatTime } from '@talosprotocol/protocol';
import type { Queries, Sql } from '../platform/sql.js';
import type { Revocation } from './revocation.js';

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

/** A root link as it was issued; public data, never a seed. */
interface IssuedCapability {
  readonly lid: string;
  readonly cth: string;
  readonly chain: string;
  readonly sub: string;
  readonly exp: number;
  readonly at: number;
}

/** The kernel's SQL, but for the ledger's. */
export interface KernelStore {
  /** False if the DID is registered already. */
  addIdentity(identity: NewIdentity): Promise<boolean>;
  findIdentity(did: string): Promise<Identity | undefined>;
  /** Newest first, beginning after `after`. */
  listIdentities(count: number, after: Cursor | undefined): Promise<StoredIdentity[]>;
  addCapability(issued: IssuedCapability): Promise<void>;
  /** The chain that an administrator's `lid` stands for, if this platform issued it. */
  findCapability(lid: string): Promise<IssuedCapability | undefined>;
  /** Keeps a revocation; gives the one that was there before if the link was revoked already. */
  addRevocation(revocation: Revocation): Promise<Revocation & { readonly audited: boolean }>;
  /** Says that the revocation's event is in the log. */
  markAudited(lid: string): Promise<void>;
  /** Revocations from before that moment (Unix milliseconds) whose event is not known to be in the log. */
  unauditedRevocations(before: number): Promise<Revocation[]>;
  /** In the order in which they were committed. */
  revocationsAfter(number: number): Promise<{ readonly number: number; readonly lid: string }[]>;
  /** Counts a start of the node and gives its number. */
  nextBoot(node: number): Promise<number>;
}

export function createKernelStore(sql: Sql): KernelStore {
  return { ...identities(sql), ...capabilities(sql), ...revocations(sql) };
}

type IdentityMethods = Pick<KernelStore, 'addIdentity' | 'findIdentity' | 'listIdentities'>;

interface IdentityRow {
  readonly did: string;
  readonly kind: IdentityKind;
  readonly name: string;
  readonly id: string;
  readonly registered_at: number;
}

function identities(sql: Sql): IdentityMethods {
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

type CapabilityMethods = Pick<KernelStore, 'addCapability' | 'findCapability'>;

function capabilities(sql: Sql): CapabilityMethods {
  return {
    addCapability: async ({ lid, cth, chain, sub, exp, at }) => {
      await sql.query(
        `INSERT INTO kernel_capability (lid, cth, chain, sub, exp, issued_at) VALUES ($1, $2, $3, $4, $5, $6)`,
        [lid, cth, chain, sub, exp, at],
      );
    },
    findCapability: async (lid) => {
      const [row] = await sql.query<IssuedCapability>(
        'SELECT lid, cth, chain, sub, exp, issued_at AS at FROM kernel_capability WHERE lid = $1',
        [lid],
      );
      return row;
    },
  };
}

type RevocationMethods = Pick<
  KernelStore,
  'addRevocation' | 'markAudited' | 'unauditedRevocations' | 'revocationsAfter' | 'nextBoot'
>;

/** 'revoke' in ASCII. */
const REVOKE_LOCK = 0x7265766f6b65;

interface RevocationRow {
  readonly lid: string;
  readonly revoked_by: RevokedBy;
  readonly revocation: string | null;
  readonly revoked_at: number;
  readonly audited: boolean;
}

function toRevocation({ lid, revoked_by, revocation, revoked_at }: RevocationRow): Revocation {
  return { lid, by: revoked_by, revocation, at: revoked_at };
}

function revocations(sql: Sql): RevocationMethods {
  return {
    addRevocation: (revocation) => sql.transaction((tx) => addRevocation(tx, revocation)),
    markAudited: async (lid) => {
      await sql.query('UPDATE kernel_revocation SET audited = true WHERE lid = $1', [lid]);
    },
    unauditedRevocations: async (before) => {
      const rows = await sql.query<RevocationRow>(
        'SELECT * FROM kernel_revocation WHERE NOT audited AND revoked_at < $1 ORDER BY number',
        [before],
      );
      return rows.map(toRevocation);
    },
    revocationsAfter: (number) =>
      sql.query<{ number: number; lid: string }>(
        'SELECT number, lid FROM kernel_revocation WHERE number > $1 ORDER BY number',
        [number],
      ),
    nextBoot: async (node) => {
      const [row] = await sql.query<{ boot: number }>(
        `INSERT INTO kernel_node AS n (node, boot) VALUES ($1, 1)
         ON CONFLICT (node) DO UPDATE SET boot = n.boot + 1 RETURNING boot`,
        [node],
      );
      if (row === undefined) throw new Error('the start of the node was not counted');
      return row.boot;
    },
  };
}

/** Numbered under a lock that is held until the commit: a reader who has seen a number has seen all before it. */
async function addRevocation(
  tx: Queries,
  { lid, by, revocation, at }: Revocation,
): Promise<Revocation & { readonly audited: boolean }> {
  await tx.query('SELECT pg_advisory_xact_lock($1)', [REVOKE_LOCK]);
  await tx.query(
    `INSERT INTO kernel_revocation (number, lid, revoked_by, revocation, revoked_at)
     SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4 FROM kernel_revocation
     ON CONFLICT (lid) DO NOTHING`,
    [lid, by, revocation, at],
  );
  const [row] = await tx.query<RevocationRow>('SELECT * FROM kernel_revocation WHERE lid = $1', [lid]);
  if (row === undefined) throw new Error('a revocation was not kept');
  return { ...toRevocation(row), audited: row.audited };
}
