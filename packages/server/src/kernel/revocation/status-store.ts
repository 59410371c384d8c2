import type { Sql } from '../../platform/sql.js';

/** The part of the status lists that one list covers. */
export interface StatusRange {
  /** Links that have an index in the range. */
  readonly issued: number;
  /** Indexes of those that were revoked one by one. */
  readonly revoked: readonly number[];
}

/** The SQL of status lists. */
export interface StatusStore {
  /** The index of an issued link. */
  findStatusIndex(lid: string): Promise<number | undefined>;
  /** Statuses from index `from` to before `to`. */
  readStatuses(from: number, to: number): Promise<StatusRange>;
  /** Whether an administrator revoked all that this DID issued. */
  isIssuerRevoked(did: string): Promise<boolean>;
}

export function createStatusStore(sql: Sql): StatusStore {
  return {
    findStatusIndex: async (lid) => {
      const [row] = await sql.query<{ status_index: number }>(
        'SELECT status_index FROM kernel_capability WHERE lid = $1',
        [lid],
      );
      return row?.status_index;
    },
    readStatuses: async (from, to) => {
      const [row] = await sql.query<{ issued: number; revoked: (number | string)[] | null }>(
        `SELECT count(*) AS issued, array_agg(c.status_index) FILTER (WHERE r.name IS NOT NULL) AS revoked
         FROM kernel_capability AS c LEFT JOIN kernel_revocation AS r ON r.name = c.lid
         WHERE c.status_index >= $1 AND c.status_index < $2`,
        [from, to],
      );
      return { issued: row?.issued ?? 0, revoked: (row?.revoked ?? []).map(Number) };
    },
    isIssuerRevoked: async (did) => {
      const rows = await sql.query(
        `SELECT 1 FROM kernel_revocation WHERE below = $1 AND role = 'issuer' AND point IS NULL`,
        [did],
      );
      return rows.length > 0;
    },
  };
}
