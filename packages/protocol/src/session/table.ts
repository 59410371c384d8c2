import type { CryptoProvider } from '../crypto/provider.js';
import { TrustError } from '../error.js';
import type { TalosAuthorization } from './authorization.js';
import { isSessionMac, type MacFields } from './mac.js';
import type { NewSession, Session } from './session.js';
import { createSessionStore, type SessionEntry, type SessionStore } from './session-store.js';
import { decodeSessionId, isUint32 } from './sid.js';

/** What the table needs from outside. */
export interface SessionTableDeps {
  /** Number of this node, and of its start; 32 bits each. */
  readonly node: number;
  readonly boot: number;
  /** DID of the gateway, part of every MAC. */
  readonly gateway: string;
  /** Most sessions at a time. */
  readonly capacity: number;
  /** Most sessions of one subject at a time; one more ends that subject's oldest. Default 256. */
  readonly perSubject?: number;
  /** Most sessions below one root link at a time: who may delegate makes as many subjects as it likes. Default a
   *  quarter of the table, but no less than 256 and no less than one subject may have. */
  readonly perRoot?: number;
  readonly crypto: CryptoProvider;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly random: (length: number) => Uint8Array;
  /** True if the link is revoked as of now. Asked after the session was indexed: a revocation that comes in
   *  between finds either the mark or the session, never neither. */
  readonly isRevoked: (lid: string) => boolean;
}

/** What of a request its MAC covers besides the `Authorization` header and the gateway. */
export type AuthenticatedRequest = Pick<MacFields, 'method' | 'target' | 'headers' | 'bodyHash'>;

/** The sessions of one node. All calls are synchronous. */
export interface SessionTable<T> {
  /** Opens a session.
   *  @throws {TrustError} UNAVAILABLE: the table, or the root link's share of it, is full; REVOKED with the link; EXPIRED */
  open(session: NewSession<T>): Session<T>;
  /** Says before the body is read whether the request can be good; marks nothing.
   *  @throws {TrustError} MALFORMED | SESSION_UNKNOWN | SESSION_ELSEWHERE | REPLAY, its reason `seen` or
   *  `below_window` */
  peek(sid: string, seq: number): Session<T>;
  /** Verifies a request and uses its number up, in one step; a refused request uses nothing up.
   *  @throws {TrustError} as `peek`; PROOF_INVALID: the MAC is not that of this request */
  authenticate(authorization: TalosAuthorization, request: AuthenticatedRequest): Session<T>;
  /** True while the session has neither ended nor expired: ask again after each wait, before an effect. */
  isOpen(sid: string): boolean;
  /** Ends a session; false if there is none. */
  close(sid: string): boolean;
  /** Ends every session whose chain holds the link (SES-12); how many. */
  revoke(lid: string): number;
  /** Ends every session that has expired; how many. Call it now and then. */
  sweep(): number;
  /** Sessions held, with those that have expired and were not asked for since. */
  size(): number;
}

const REPLAY_HINT = 'Every request of a session needs a number of its own, also when it is tried again.';

/** Makes the session table of a node (SES-6 to SES-12). A full table refuses new sessions rather than end those of
 *  others. Memory is bounded by `capacity`: per session its key, a window of 32 or 128 bytes, and the opener's
 *  context. */
export function createSessionTable<T>(deps: SessionTableDeps): SessionTable<T> {
  const { node, boot, capacity, now } = deps;
  if (!isUint32(node) || !isUint32(boot)) throw new RangeError('node and boot are 32-bit unsigned integers');
  if (!isUint32(capacity) || capacity === 0) throw new RangeError('capacity is a positive 32-bit integer');
  const store = createSessionStore<T>(deps);
  const find = createFinder(store, deps);

  function peek(sid: string, seq: number): SessionEntry<T> {
    const entry = find(sid);
    const verdict = entry.seen.check(seq);
    if (verdict !== 'fresh') throw new TrustError('REPLAY', verdict, { hint: REPLAY_HINT });
    return entry;
  }

  /** Looks again, since the session may have ended or the number been used while the body was read. */
  function authenticate(authorization: TalosAuthorization, request: AuthenticatedRequest): Session<T> {
    const { sid, seq, rid, mac } = authorization;
    const entry = peek(sid, seq);
    const fields = { ...request, sid, seq, rid, gateway: deps.gateway };
    if (!isSessionMac(mac, entry.key, fields, deps.crypto)) {
      throw new TrustError('PROOF_INVALID', 'the MAC is not that of this request', { caveat: 'mac' });
    }
    entry.seen.mark(seq);
    return entry;
  }

  function end(entries: readonly SessionEntry<T>[]): number {
    for (const entry of entries) store.remove(entry);
    return entries.length;
  }

  function held(sid: string): readonly SessionEntry<T>[] {
    const entry = store.at(decodeSessionId(sid).slot);
    return entry?.sid === sid ? [entry] : [];
  }

  return {
    open: createOpener(store, deps),
    peek,
    authenticate,
    isOpen: (sid) => held(sid).some((entry) => isLive(entry, now())),
    close: (sid) => end(held(sid)) === 1,
    revoke: (lid) => end(store.ofLink(lid)),
    sweep: () => sweep(store, now()),
    size: store.size,
  };
}

function createFinder<T>(store: SessionStore<T>, deps: SessionTableDeps): (sid: string) => SessionEntry<T> {
  return (sid) => {
    const { node, boot, slot } = decodeSessionId(sid);
    if (node !== deps.node || boot < deps.boot) {
      throw new TrustError('SESSION_ELSEWHERE', 'the session is of another node or an earlier start');
    }
    const entry = store.at(slot);
    if (entry?.sid !== sid) throw new TrustError('SESSION_UNKNOWN', 'no session has this id');
    if (isLive(entry, deps.now())) return entry;
    store.remove(entry);
    throw new TrustError('SESSION_UNKNOWN', 'the session has expired');
  };
}

/** So many sessions are nobody's fair share. */
const SMALL_TABLE = 256;

function createOpener<T>(
  store: SessionStore<T>,
  deps: SessionTableDeps,
): (session: NewSession<T>) => Session<T> {
  const perSubject = deps.perSubject ?? 256;
  const perRoot = deps.perRoot ?? Math.max(SMALL_TABLE, perSubject, Math.floor(deps.capacity / 4));
  return (session) => {
    const now = deps.now();
    if (!isLive(session, now)) throw new TrustError('EXPIRED', 'the session would end before it began');
    const [oldest, ...others] = store.ofSubject(session.subject);
    if (oldest !== undefined && others.length + 1 >= perSubject) store.remove(oldest);
    if (store.size() >= deps.capacity) sweep(store, now);
    if (store.size() >= deps.capacity) throw full('the session table');
    if (session.lids.slice(0, 1).some((root) => store.countOfLink(root) >= perRoot))
      throw full("the root link's share of the session table");
    const entry = store.insert(session);
    const revoked = entry.lids.findIndex((lid) => deps.isRevoked(lid));
    if (revoked < 0) return entry;
    store.remove(entry);
    throw new TrustError('REVOKED', 'a link was revoked while the session was opened', { link: revoked + 1 });
  };
}

function full(what: string): TrustError {
  return new TrustError('UNAVAILABLE', `${what} is full`, { hint: 'Try again in a minute.' });
}

function sweep<T>(store: SessionStore<T>, now: number): number {
  const expired = store.all().filter((entry) => !isLive(entry, now));
  for (const entry of expired) store.remove(entry);
  return expired.length;
}

function isLive(session: { readonly exp: number }, now: number): boolean {
  return now < session.exp * 1000;
}
