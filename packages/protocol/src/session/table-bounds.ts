import { TrustError } from '../error.js';
import type { Link } from './authorities.js';
import { authorityOf, SESSION_BYTES } from './records.js';
import type { NewSession } from './session.js';
import { bytesOfSession, type SessionStore } from './session-store.js';
import { firstSlot } from './slot-list.js';

/** How much a table may hold. */
export interface TableBounds {
  /** Most sessions at a time, up to MAX_SESSIONS. */
  readonly capacity: number;
  /** Most bytes of sessions and of what their contexts are said to take; unbounded by default. One root link may
   *  take a quarter of it. */
  readonly memory?: number;
  /** Most sessions of one subject at a time; one more ends that subject's oldest. Default 256. */
  readonly perSubject?: number;
  /** Most sessions below one root link at a time: who may delegate makes as many subjects as it likes. Default a
   *  quarter of the table, but no less than 256 and no less than one subject may have. */
  readonly perRoot?: number;
}

/** Says whether there is room for a session. */
export interface RoomCheck<T> {
  /** The oldest session of a subject that may have no more, or -1. */
  oldestToEnd(subject: string): number;
  /** `held` slots are already reserved for it.
   *  @throws {TrustError} UNAVAILABLE: the table, or the root link's share of it, is full */
  assertRoom(session: NewSession<T>, held: 0 | 1): void;
}

/** So many sessions are nobody's fair share. */
const SMALL_TABLE = 256;
/** What the context of a session takes, if its opener does not say. */
const CONTEXT_BYTES = 4096;

/** What the context of a session counts for, in bytes. */
export function contextBytes<T>(session: NewSession<T>): number {
  return session.bytes ?? CONTEXT_BYTES;
}

/** Makes the check (SES-8). */
export function createRoomCheck<T>(store: SessionStore<T>, bounds: TableBounds): RoomCheck<T> {
  const { capacity, memory = Number.POSITIVE_INFINITY, perSubject = 256 } = bounds;
  const perRoot = bounds.perRoot ?? Math.max(SMALL_TABLE, perSubject, Math.floor(capacity / 4));
  const { authorities, records } = store;

  function oldestToEnd(subject: string): number {
    const sessions = authorities.subject(subject)?.sessions;
    return sessions !== undefined && sessions.size >= perSubject ? firstSlot(sessions) : -1;
  }

  const rootOf = (slot: number) => (slot < 0 ? undefined : authorities.at(authorityOf(records, slot)).root);

  /** What the session's context adds. */
  function addedBytes(session: NewSession<T>): number {
    const known = authorities.find(session.authority);
    if (known === undefined) return contextBytes(session);
    if (known.subject === session.subject) return 0;
    throw new RangeError('one key for the authority of two subjects');
  }

  function assertShare(root: Link<T>, oldest: number, added: number): void {
    const below = root.sessions - (rootOf(oldest) === root ? 1 : 0);
    if (below >= perRoot || root.bytes + added > memory / 4)
      throw full("the root link's share of the session table");
  }

  function assertRoom(session: NewSession<T>, held: 0 | 1): void {
    const oldest = oldestToEnd(session.subject);
    const leaving = oldest < 0 ? 0 : 1;
    const added = addedBytes(session);
    const bytes = store.bytes() - leaving * SESSION_BYTES + bytesOfSession(session.window) + added;
    if (store.size() - held - leaving >= capacity || bytes > memory) throw full('the session table');
    const root = authorities.link(session.lids[0] ?? '');
    if (root !== undefined) assertShare(root, oldest, added);
  }

  return { oldestToEnd, assertRoom };
}

function full(what: string): TrustError {
  return new TrustError('UNAVAILABLE', `${what} is full`, { hint: 'Try again in a minute.' });
}
