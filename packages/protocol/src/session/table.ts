import type { TalosAuthorization } from './authorization.js';
import { SID_AT, SID_END } from './header-reader.js';
import { type AuthenticatedRequest, isSessionMac } from './mac.js';
import { createOpener, type OpenerDeps } from './open-session.js';
import { keyBytes, MAX_SESSIONS, SESSION_BYTES } from './records.js';
import type { NewSession, Session } from './session.js';
import { sessionAt } from './session-at.js';
import { PROOF_INVALID, sessionRefusal } from './session-code.js';
import { createSessionHits, type SessionHits, type SessionHitsDeps } from './session-hits.js';
import { createSessionStore } from './session-store.js';
import { isUint32 } from './sid.js';

/** What the table needs from outside. */
export interface SessionTableDeps extends OpenerDeps, SessionHitsDeps {
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** The sessions of one node. All calls are synchronous. */
export interface SessionTable<T> {
  /** The same sessions without an object or an exception for each request. */
  readonly hits: SessionHits<T>;
  /** Opens a session.
   *  @throws {TrustError} UNAVAILABLE: the table, or the root link's share of it, is full; REVOKED with the link; EXPIRED */
  open(session: NewSession<T>): Session<T>;
  /** Says before the body is read whether the request can be good; marks nothing.
   *  @throws {TrustError} MALFORMED | SESSION_UNKNOWN | SESSION_ELSEWHERE | NOT_YET_VALID | REPLAY, its reason `seen`
   *  or `below_window` */
  peek(sid: string, seq: number): Session<T>;
  /** Verifies a request and uses its number up, in one step; a refused request uses nothing up.
   *  @throws {TrustError} as `peek`; PROOF_INVALID: the MAC is not that of this request */
  authenticate(authorization: TalosAuthorization, request: AuthenticatedRequest): Session<T>;
  /** The same for the value of the `Authorization` header, the fastest way.
   *  @throws {TrustError} as `authenticate` */
  verify(authorization: string, request: AuthenticatedRequest): Session<T>;
  /** True while the session has neither ended nor expired: ask again after each wait, before an effect. */
  isOpen(sid: string): boolean;
  /** Ends a session; false if there is none. */
  close(sid: string): boolean;
  /** Ends every session whose chain holds the link (SES-12); how many. Of very many, the memory is freed by `sweep`. */
  revoke(lid: string): number;
  /** Frees sessions that have expired, looking at no more than `most`; how many. Call it every second. */
  sweep(most?: number): number;
  /** Sessions held, with those that are over and were not freed yet. */
  size(): number;
  /** Memory in use by sessions, in bytes, with what their contexts were said to take. */
  bytes(): number;
  /** How many sessions ended because their subject opened another. */
  evicted(): number;
}

/** Sessions that are freed at once when they are revoked: some milliseconds. */
const AT_ONCE = 65_536;

/** Most sessions that a table of so many bytes can hold, if they share what they were opened for. */
export function sessionsWithin(bytes: number): number {
  return Math.min(MAX_SESSIONS, Math.floor(bytes / SESSION_BYTES));
}

/** Makes the session table of a node (SES-6 to SES-12). A full table refuses new sessions rather than end those of
 *  others. Per session it takes SESSION_BYTES in typed arrays and no object; what sessions were opened for is
 *  kept once for all that share it. */
export function createSessionTable<T>(deps: SessionTableDeps): SessionTable<T> {
  const { node, boot, capacity, crypto } = deps;
  if (!isUint32(node) || !isUint32(boot)) throw new RangeError('node and boot are 32-bit unsigned integers');
  if (!isUint32(capacity) || capacity === 0 || capacity > MAX_SESSIONS)
    throw new RangeError(`capacity is an integer from 1 to ${MAX_SESSIONS}`);
  const seconds = (): number => Math.floor(deps.now() / 1000);
  const store = createSessionStore<T>(capacity);
  const hits = createSessionHits(store, deps);
  const opener = createOpener(store, deps, seconds);

  function verified(sid: string, code: number, slot: number): Session<T> {
    if (code < 0) throw sessionRefusal(code);
    return sessionAt(store, sid, slot);
  }

  function peek(sid: string, seq: number): Session<T> {
    const slot = hits.find(sid);
    return verified(sid, slot < 0 ? slot : hits.check(slot, seq, seconds()), slot);
  }

  /** Looks again, since the session may have ended or the number been used while the body was read. */
  function authenticate(authorization: TalosAuthorization, request: AuthenticatedRequest): Session<T> {
    const { sid, seq, rid, mac } = authorization;
    const slot = hits.resolve(peek(sid, seq).handle);
    const fields = { ...request, sid, seq, rid, gateway: deps.gateway };
    if (!isSessionMac(mac, keyBytes(store.records, slot), fields, crypto))
      throw sessionRefusal(PROOF_INVALID);
    return verified(sid, hits.use(slot, seq, seconds()), slot);
  }

  function verify(authorization: string, request: AuthenticatedRequest): Session<T> {
    const slot = hits.verify(authorization, request, seconds());
    return verified(authorization.slice(SID_AT, SID_END), slot, slot);
  }

  function close(sid: string): boolean {
    const slot = hits.find(sid);
    if (slot >= 0) store.remove(slot);
    return slot >= 0;
  }

  function isOpen(sid: string): boolean {
    const slot = hits.find(sid);
    return slot >= 0 && hits.liveness(slot, seconds()) === 0;
  }

  function revoke(lid: string): number {
    const ended = store.revoke(lid);
    store.sweep(seconds(), AT_ONCE);
    return ended;
  }

  return {
    hits,
    open: opener.open,
    peek,
    authenticate,
    verify,
    isOpen,
    close,
    revoke,
    sweep: (most = MAX_SESSIONS) => store.sweep(seconds(), most),
    size: store.size,
    bytes: store.bytes,
    evicted: opener.evicted,
  };
}
