import type { Queries } from '../sql.js';
import { MAX_NODES, type NodeRun } from './node-run.js';

/** A node as the registry has it. */
export interface NodeRow extends NodeRun {
  /** DID of its gateway. */
  readonly gateway: string;
  readonly services: readonly string[];
  /** Where other nodes call it; null while it takes no calls. */
  readonly url: string | null;
  readonly version: string;
  readonly started: Date;
  /** Seconds since it was last seen, by the database's clock. */
  readonly age: number;
  readonly ended: boolean;
}

/** What a run says of itself. */
export type NodeFacts = Pick<NodeRow, 'gateway' | 'services' | 'version'>;

/** 'node' in ASCII: the class of the nodes' advisory locks. */
const LOCK = 0x6e6f6465;

/** Takes the lock of a number if it is free. It lasts as long as the session. */
export async function tryNodeLock(session: Queries, node: number): Promise<boolean> {
  const [row] = await session.query<{ held: boolean }>(
    'SELECT pg_try_advisory_lock($1::int, $2::int) AS held',
    [LOCK, node],
  );
  return row?.held === true;
}

/** Takes the smallest number that nobody holds; undefined if there is none. */
export async function takeFreeNumber(session: Queries): Promise<number | undefined> {
  for (let node = 1; node <= MAX_NODES; node += 1) if (await tryNodeLock(session, node)) return node;
  return undefined;
}

/** Counts a start under a number whose lock is held, and gives the boot. */
export async function countBoot(session: Queries, node: number, facts: NodeFacts): Promise<number> {
  const { gateway, services, version } = facts;
  const [row] = await session.query<{ boot: number }>(
    `INSERT INTO cluster_node AS n (node, boot, gateway, services, version, started_at, seen_at, ended)
     VALUES ($1, 1, $2, $3, $4, clock_timestamp(), clock_timestamp(), false)
     ON CONFLICT (node) DO UPDATE SET boot = n.boot + 1, gateway = $2, services = $3, version = $4, url = NULL,
       started_at = clock_timestamp(), seen_at = clock_timestamp(), ended = false
     RETURNING boot`,
    [node, gateway, services.join(' '), version],
  );
  if (row === undefined) throw new Error('the start of the node was not counted');
  return row.boot;
}

/** Says that the run lives, and where it is called. False if the number has another run by now. */
export async function markSeen(queries: Queries, run: NodeRun, url: string | null): Promise<boolean> {
  const rows = await queries.query(
    `UPDATE cluster_node SET seen_at = clock_timestamp(), url = $3
     WHERE node = $1 AND boot = $2 AND NOT ended RETURNING 1 AS one`,
    [run.node, run.boot, url],
  );
  return rows.length > 0;
}

/** Says that the run has ended. */
export async function markEnded(queries: Queries, { node, boot }: NodeRun): Promise<void> {
  await queries.query('UPDATE cluster_node SET ended = true, url = NULL WHERE node = $1 AND boot = $2', [
    node,
    boot,
  ]);
}

interface Row extends Omit<NodeRow, 'services'> {
  readonly services: string;
}

/** Every number that was ever used, with its last run. */
export async function readNodes(queries: Queries): Promise<NodeRow[]> {
  const rows = await queries.query<Row>(
    `SELECT node, boot, gateway, services, url, version, started_at AS started, ended,
       extract(epoch FROM clock_timestamp() - seen_at)::float8 AS age FROM cluster_node ORDER BY node LIMIT 1024`,
  );
  return rows.map((row) => ({ ...row, services: row.services.split(' ') }));
}
