import type { Sql } from '../../platform/sql.js';

/** The part of the status lists that one list covers. */
export interface StatusRange {
  /** Links that have an index in the range. */
  readonly issued: number;
  /** Indexes of those that were revoked one by one, or whose holder has ended (ID-15). */
  readonly revoked: readonly number[];
}

/** An issued link. */
export interface IssuedLink {
  readonly index: number;
  /** Its holder has ended, and the link with it. */
  readonly isHolderEnded: boolean;
}

/** The SQL of status lists. */
export interface StatusStore {
  findIssued(lid: string): Promise<IssuedLink | undefined>;
  /** Statuses from index `from` to before `to`. */
  readStatuses(from: number, to: number): Promise<StatusRange>;
  /** Whether an administrator revoked all that this DID issued, or it has ended. */
  isIssuerRevoked(did: string): Promise<boolean>;
}

const ENDED_HOLDER = 'LEFT JOIN kernel_identity AS i ON i.did = c.sub AND i.ended_at IS NOT NULL';

export function createStatusStore(sql: Sql): StatusStore {
  return {
    findIssued: async (lid) => {
      const [row] = await sql.query<{ index: number; ended: boolean }>(
        `SELECT c.status_index AS index, i.did IS NOT NULL AS ended FROM kernel_capability AS c ${ENDED_HOLDER} WHERE c.lid = $1`,
        [lid],
      );
      return row && { index: row.index, isHolderEnded: row.ended };
    },
    readStatuses: async (from, to) => {
      const [row] = await sql.query<{ issued: number; revoked: (number | string)[] | null }>(
        `SELECT count(*) AS issued, array_agg(c.status_index) FILTER (WHERE r.name IS NOT NULL OR i.did IS NOT NULL) AS revoked
         FROM kernel_capability AS c LEFT JOIN kernel_revocation AS r ON r.name = c.lid ${ENDED_HOLDER}
         WHERE c.status_index >= $1 AND c.status_index < $2`,
        [from, to],
      );
      return { issued: row?.issued ?? 0, revoked: (row?.revoked ?? []).map(Number) };
    },
    isIssuerRevoked: async (did) => {
      const rows = await sql.query(
        `SELECT 1 FROM kernel_revocation WHERE below = $1 AND role = 'issuer' AND point IS NULL
         UNION ALL SELECT 1 FROM kernel_identity WHERE did = $1 AND ended_at IS NOT NULL`,
        [did],
      );
      return rows.length > 0;
    },
  };
}
