import type { Sql } from '../../platform/sql.js';

/** The starts of nodes. */
export interface NodeStore {
  /** Counts a start of the node and gives its number. */
  nextBoot(node: number): Promise<number>;
}

export function createNodeStore(sql: Sql): NodeStore {
  return {
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
