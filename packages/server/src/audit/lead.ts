import { setTimeout as sleep } from 'node:timers/promises';
import { TrustError } from '@talosprotocol/protocol';
import type { Sql, SqlSession } from '../platform/sql.js';
import type { Clock } from '../platform/system.js';
import { watchWork } from '../platform/watched-work.js';
import { type Head, type LogIdentity, prepareSession, takeHead, tryLock } from './lead-store.js';

/** The hold on the log: a database session that has its lock, and the epoch it writes under. */
export interface Lead {
  readonly session: SqlSession;
  readonly head: Head;
  /** Runs `work` on the session; if it does not end in time, the session is given up.
   *  @throws {TrustError} UNAVAILABLE */
  within<T>(work: Promise<T>): Promise<T>;
  isLost(): boolean;
  close(): Promise<void>;
}

export interface LeadOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly identity: LogIdentity;
  /** A start counts the boot. */
  readonly start: boolean;
  /** Longest wait for the lock: after a kill the server needs a moment to notice. */
  readonly waitMs: number;
}

const STATEMENT_MS = 10_000;
const RETRY_MS = 50;

/** Becomes the only one that writes the log of this database.
 *  @throws {TrustError} CONFLICT: another process holds it; UNAVAILABLE; as `takeHead` */
export async function takeLead(options: LeadOptions): Promise<Lead> {
  const session = await options.sql.openSession();
  try {
    await prepareSession(session, STATEMENT_MS);
    await waitForLock(session, options);
    const head = await takeHead(session, options.identity, options.start);
    return createLead(session, head);
  } catch (error) {
    await session.close().catch(() => undefined);
    throw error;
  }
}

async function waitForLock(session: SqlSession, { clock, waitMs }: LeadOptions): Promise<void> {
  const limit = clock.monotonic() + waitMs;
  while (!(await tryLock(session))) {
    if (clock.monotonic() >= limit) throw held();
    await sleep(RETRY_MS);
  }
}

function held(): TrustError {
  return new TrustError('CONFLICT', 'another process writes the log of this database', {
    hint: 'a log has one writer: stop the other one, or start this one as `server kernel,gateway`, which hands in there',
  });
}

function createLead(session: SqlSession, head: Head): Lead {
  let lost = false;
  const gone = session.lost.then(() => {
    lost = true;
  });
  const close = async (): Promise<void> => {
    const ending = session.close().catch(() => undefined);
    await Promise.race([ending, gone, sleep(1_000, undefined, { ref: false })]);
    lost = true;
  };
  const { within } = watchWork(gone, STATEMENT_MS + 2_000, () => {
    lost = true;
    return new TrustError('UNAVAILABLE', 'the database does not answer the log');
  });
  return { session, head, within, isLost: () => lost, close };
}
