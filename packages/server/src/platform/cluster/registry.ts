import { setTimeout as sleep } from 'node:timers/promises';
import { TrustError } from '@talosprotocol/protocol';
import type { Log } from '../log.js';
import type { Sql, SqlSession } from '../sql.js';
import type { Clock } from '../system.js';
import { isSameRun, MAX_NODES, type NodeRun } from './node-run.js';
import {
  countBoot,
  markEnded,
  markSeen,
  type NodeFacts,
  type NodeRow,
  readNodes,
  takeFreeNumber,
  tryNodeLock,
} from './node-store.js';

/** The nodes of one database, and this process among them. */
export interface NodeRegistry {
  readonly self: NodeRun;
  /** Says where other nodes call this one. */
  announce(url: string): Promise<void>;
  /** The nodes that live, as of at most a second ago. */
  live(): readonly NodeRow[];
  /** That run, if it lives and takes calls; looks again before it says that there is none. */
  find(run: NodeRun): Promise<CallableRow | undefined>;
  /** Somebody found that nobody answers there: it counts as gone until it is seen anew. */
  suspect(run: NodeRun): void;
  /** Every number that is or was in use. */
  all(): Promise<(NodeRow & { readonly live: boolean })[]>;
  /** Rejects while this process is not sure of its number. */
  assertHeld(): void;
  /** Settles when another process runs under this number: then this one must end. */
  readonly lost: Promise<void>;
  /** Gives the number back. */
  close(): Promise<void>;
}

/** A node that can be called. */
export type CallableRow = NodeRow & { readonly url: string };

export interface RegistryDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly log: Log;
}

/** Longest silence of a node that counts as alive. */
export const LIVE_MS = 5_000;
const HEARTBEAT_MS = 1_000;
/** A node that is not known is looked for again, but no more often than this. */
const LOOK_MS = 200;
const STATEMENT_MS = 4_000;

/** Claims a number for this process: its advisory lock lasts as long as a session of its own, however the process ends.
 *  @throws {TrustError} UNAVAILABLE: no number is free; SETTINGS_INVALID: the other nodes have another gateway key */
export async function joinCluster(deps: RegistryDeps, facts: NodeFacts): Promise<NodeRegistry> {
  const session = await openNodeSession(deps.sql);
  try {
    assertSameKeys(await readNodes(session), facts);
    const node = await takeFreeNumber(session);
    if (node === undefined) throw new TrustError('UNAVAILABLE', `all ${MAX_NODES} node numbers are taken`);
    const run = { node, boot: await countBoot(session, node, facts) };
    const nodes = await readNodes(session);
    return createRegistry(deps, { run, session, nodes });
  } catch (error) {
    await session.close().catch(() => undefined);
    throw error;
  }
}

async function openNodeSession(sql: Sql): Promise<SqlSession> {
  const session = await sql.openSession();
  await session.query(`SET statement_timeout = ${STATEMENT_MS}`);
  // A machine that vanished from the network must not keep its number for hours.
  await session.query('SET tcp_keepalives_idle = 5');
  await session.query('SET tcp_keepalives_interval = 2');
  await session.query('SET tcp_keepalives_count = 3');
  return session;
}

/** Nodes accept each other's calls, and each other's sessions, by the keys they share. */
function assertSameKeys(nodes: readonly NodeRow[], { gateway }: NodeFacts): void {
  const other = nodes.find((row) => isLive(row) && row.gateway !== gateway);
  if (other === undefined) return;
  throw new TrustError(
    'SETTINGS_INVALID',
    `node ${other.node} on this database is of the gateway ${other.gateway}, not ${gateway}`,
    { hint: 'nodes of one platform share their keys: start with a copy of its folder keys/' },
  );
}

function isLive({ age, ended }: NodeRow): boolean {
  return !ended && age * 1000 < LIVE_MS;
}

interface Joined {
  readonly run: NodeRun;
  readonly session: SqlSession;
  readonly nodes: readonly NodeRow[];
}

interface Seen {
  readonly rows: readonly NodeRow[];
  readonly at: number;
}

function createRegistry({ sql, clock, log }: RegistryDeps, joined: Joined): NodeRegistry {
  const self = joined.run;
  let url: string | null = null;
  let ended = false;
  let seen: Seen = { rows: joined.nodes, at: clock.monotonic() };
  /** Runs that nobody answers for, with the age they had: a younger row clears them. */
  const suspects = new Map<number, { readonly boot: number; readonly at: number }>();
  const hold = createNumberHold({ sql, log }, joined);

  const live = (): NodeRow[] => {
    const passed = (clock.monotonic() - seen.at) / 1000;
    return seen.rows.filter((row) => isLive({ ...row, age: row.age + passed }) && !isSuspect(row));
  };
  const isSuspect = (row: NodeRow): boolean => {
    const suspect = suspects.get(row.node);
    return suspect?.boot === row.boot && seen.at - row.age * 1000 <= suspect.at;
  };
  const look = async (): Promise<void> => {
    const at = clock.monotonic();
    seen = { rows: await readNodes(sql), at };
  };
  const callable = (run: NodeRun): CallableRow | undefined => {
    const found = live().find((row) => isSameRun(row, run));
    return found === undefined || found.url === null ? undefined : { ...found, url: found.url };
  };
  let looking: Promise<void> | undefined;
  /** Whoever asks for what is not there shares one look with all others who do. */
  const lookSoon = (): Promise<void> => {
    looking ??= sleep(Math.max(0, seen.at + LOOK_MS - clock.monotonic()))
      .then(look)
      .finally(() => {
        looking = undefined;
      });
    return looking;
  };
  const beat = async (): Promise<void> => {
    await hold.beat(url);
    await look();
  };
  const beating = repeat(beat, HEARTBEAT_MS, (err) => {
    if (!ended) log.warn('the node could not say that it lives', { err });
  });
  return {
    self,
    live,
    announce: async (given) => {
      url = given;
      await beat();
    },
    find: async (run) => {
      const present = callable(run);
      if (present !== undefined || run.node < 1 || run.node > MAX_NODES) return present;
      // A number that has a later run does not get the earlier one back.
      if (seen.rows.some(({ node, boot }) => node === run.node && boot > run.boot)) return undefined;
      await lookSoon();
      return callable(run);
    },
    suspect: ({ node, boot }) => void suspects.set(node, { boot, at: clock.monotonic() }),
    all: async () => {
      await look();
      const living = new Set(live().map((row) => row.node));
      return seen.rows.map((row) => ({ ...row, live: living.has(row.node) }));
    },
    assertHeld: hold.assertHeld,
    lost: hold.lost,
    close: async () => {
      ended = true;
      await beating.stop();
      await markEnded(sql, self).catch(() => undefined);
      await hold.close();
    },
  };
}

interface NumberHold {
  beat(url: string | null): Promise<void>;
  assertHeld(): void;
  readonly lost: Promise<void>;
  close(): Promise<void>;
}

/** The session whose lock says that the number is ours. If it breaks, the number is taken again, unless somebody was
 *  faster: then its boot is another one, and this run is over. */
function createNumberHold(
  { sql, log }: Pick<RegistryDeps, 'sql' | 'log'>,
  { run, session: first }: Joined,
): NumberHold {
  let session: SqlSession | undefined = first;
  let lose: () => void = () => undefined;
  const lost = new Promise<void>((resolve) => {
    lose = resolve;
  });
  const watch = (watched: SqlSession): void => {
    void watched.lost.then(() => {
      if (session === watched) session = undefined;
    });
  };
  watch(first);
  const retake = async (): Promise<SqlSession> => {
    const again = await openNodeSession(sql);
    // Our own dead session may still have it; whoever else has it has counted the boot up.
    if (await tryNodeLock(again, run.node)) {
      watch(again);
      session = again;
      return again;
    }
    return again;
  };
  return {
    lost,
    beat: async (url) => {
      const held = session ?? (await retake());
      const isOurs = await markSeen(held, run, url).finally(() => {
        if (held !== session) void held.close().catch(() => undefined);
      });
      if (isOurs) return;
      log.error('another process runs under the number of this node');
      lose();
    },
    assertHeld: () => {
      if (session === undefined) throw new TrustError('UNAVAILABLE', 'the node is not sure of its number');
    },
    close: async () => {
      const last = session;
      session = undefined;
      await last?.close().catch(() => undefined);
    },
  };
}

/** Runs `work` again and again, a pause after each run. */
function repeat(
  work: () => Promise<void>,
  pauseMs: number,
  onError: (error: unknown) => void,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await sleep(pauseMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
      if (!stopping.signal.aborted) await work().catch(onError);
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
