import type { RevokedBy } from '@talosprotocol/contracts';
import type { Queries, Sql } from '../../platform/sql.js';
import type { Revocation } from './revocation.js';

/** The revocations' SQL. */
export interface RevocationStore {
  /** Keeps a revocation; gives the one that was there before if the link was revoked already. */
  addRevocation(revocation: Revocation): Promise<Revocation & { readonly audited: boolean }>;
  /** Says that the revocation's event is in the log. */
  markAudited(lid: string): Promise<void>;
  /** Revocations from before that moment (Unix milliseconds) whose event is not known to be in the log. */
  unauditedRevocations(before: number): Promise<Revocation[]>;
  /** In the order in which they were committed. */
  revocationsAfter(number: number): Promise<{ readonly number: number; readonly lid: string }[]>;
}

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

export function createRevocationStore(sql: Sql): RevocationStore {
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
