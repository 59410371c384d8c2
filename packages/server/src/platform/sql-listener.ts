import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from './log.js';
import type { Sql, SqlSession } from './sql.js';

/** A connection that listens, and is made again when it breaks. */
export interface SqlListener {
  /** The connection as it is now; undefined while there is none. */
  session(): SqlSession | undefined;
  /** Gives the connection up; another is made at once. For one that does not answer. */
  reconnect(): void;
  close(): Promise<void>;
}

export interface SqlListenerOptions {
  readonly sql: Pick<Sql, 'openSession'>;
  /** Lowercase letters and underscores. */
  readonly channel: string;
  readonly log: Log;
  readonly onNotification: (payload: string) => void;
  /** Called after each connection listens: what was said before was not heard. */
  readonly onConnect: () => void;
}

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;

/** Listens until closed (PostgreSQL LISTEN). While the database is away it tries again, at first soon. */
export function createSqlListener(options: SqlListenerOptions): SqlListener {
  const { log } = options;
  const closed = new AbortController();
  let session: SqlSession | undefined;
  let waitMs = FIRST_WAIT_MS;

  const hold = async (): Promise<void> => {
    const opened = await openListening(options);
    session = opened;
    waitMs = FIRST_WAIT_MS;
    if (closed.signal.aborted) return end(opened);
    options.onConnect();
    await lostOrAborted(opened, closed.signal);
  };
  const run = async (): Promise<void> => {
    while (!closed.signal.aborted) {
      try {
        await hold();
        if (!closed.signal.aborted) log.warn('the connection that listens to the database broke');
      } catch (error) {
        if (waitMs === FIRST_WAIT_MS) log.warn('no connection listens to the database', { err: error });
      }
      session = undefined;
      await sleep(waitMs, undefined, { signal: closed.signal }).catch(() => undefined);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    }
  };
  const running = run();
  return {
    session: () => session,
    reconnect: () => {
      if (session !== undefined) void end(session);
    },
    close: async () => {
      closed.abort();
      const last = session;
      session = undefined;
      if (last !== undefined) await end(last);
      await running;
    },
  };
}

async function openListening({ sql, channel, onNotification }: SqlListenerOptions): Promise<SqlSession> {
  if (!/^[a-z_]+$/.test(channel)) throw new TypeError('not the name of a channel');
  const session = await sql.openSession({ onNotification });
  try {
    await session.query("SET application_name = 'talos listener'");
    await session.query("SET statement_timeout = '10s'");
    await session.query(`LISTEN ${channel}`);
    return session;
  } catch (error) {
    await end(session);
    throw error;
  }
}

const END_MS = 1_000;

/** A connection that is half gone does not say goodbye. */
async function end(session: SqlSession): Promise<void> {
  const closing = session.close().catch(() => undefined);
  await Promise.race([closing, session.lost, sleep(END_MS, undefined, { ref: false })]);
}

/** The signal lives longer than the session: nothing is left on it. */
function lostOrAborted(session: SqlSession, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done);
    void session.lost.then(done);
    if (signal.aborted) done();
  });
}
