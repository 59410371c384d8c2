import type { Queries, Sql } from '../../platform/sql.js';

/** A root link as it was issued; public data, never a seed. */
interface IssuedCapability {
  readonly lid: string;
  readonly cth: string;
  readonly chain: string;
  readonly sub: string;
  readonly exp: number;
  readonly at: number;
}

/** The SQL of issued capabilities. */
export interface CapabilityStore {
  /** `keep` keeps what belongs to it in the same transaction. */
  addCapability(issued: IssuedCapability, keep: (tx: Queries) => Promise<void>): Promise<void>;
  /** The chain that an administrator's `lid` stands for, if this platform issued it. */
  findCapability(lid: string): Promise<IssuedCapability | undefined>;
}

export function createCapabilityStore(sql: Sql): CapabilityStore {
  return {
    addCapability: ({ lid, cth, chain, sub, exp, at }, keep) =>
      sql.transaction(async (tx) => {
        await tx.query(
          `INSERT INTO kernel_capability (lid, cth, chain, sub, exp, issued_at) VALUES ($1, $2, $3, $4, $5, $6)`,
          [lid, cth, chain, sub, exp, at],
        );
        await keep(tx);
      }),
    findCapability: async (lid) => {
      const [row] = await sql.query<IssuedCapability>(
        'SELECT lid, cth, chain, sub, exp, issued_at AS at FROM kernel_capability WHERE lid = $1',
        [lid],
      );
      return row;
    },
  };
}
