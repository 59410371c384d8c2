import { TrustError } from '../error.js';
import type { Authority } from './authorities.js';
import { SESSION_SECONDS } from './grant.js';
import { handleOf, slotOfHandle } from './handle.js';
import type { NewSession, Session } from './session.js';
import { sessionAt } from './session-at.js';
import type { SessionStore } from './session-store.js';
import { encodeSessionId } from './sid.js';
import { contextBytes, createRoomCheck, type TableBounds } from './table-bounds.js';

/** Sessions that are over and removed before each opening: more than one, so that they never pile up. */
const STEP = 64;

/** Opens sessions, each within the bounds of its subject, its root link and the table. */
export interface Opener<T> {
  open(session: NewSession<T>): Session<T>;
  /** How many sessions were ended because their subject opened another. */
  evicted(): number;
}

/** What opening needs from outside. */
export interface OpenerDeps extends TableBounds {
  /** Number of this node, and of its start; 32 bits each. */
  readonly node: number;
  readonly boot: number;
  readonly random: (length: number) => Uint8Array;
  /** True if the link is revoked as of now. Asked after the session was indexed: a revocation that comes in
   *  between finds either the mark or the session, never neither. */
  readonly isRevoked: (lid: string) => boolean;
}

/** Makes the part of the table that opens. The callbacks of an opening (randomness, key, revocation) may call the
 *  table: whatever they can change is looked at again after them. */
export function createOpener<T>(store: SessionStore<T>, deps: OpenerDeps, seconds: () => number): Opener<T> {
  const room = createRoomCheck(store, deps);
  let evicted = 0;

  function open(session: NewSession<T>): Session<T> {
    const now = seconds();
    const exp = Math.min(Math.floor(session.exp), now + SESSION_SECONDS);
    if (!(now < exp)) throw new TrustError('EXPIRED', 'the session would end before it began');
    store.sweep(now, STEP);
    room.assertRoom(session, 0);
    const slot = store.reserve();
    const { sid, random, key } = prepare(session, slot);
    makeRoom(session.subject);
    const authority = authorityFor(session);
    store.insert(slot, authority, { random, key, exp, window: session.window });
    key.fill(0);
    assertStillOpen(authority, handleOf(store, slot));
    return sessionAt(store, sid, slot);
  }

  function prepare(
    session: NewSession<T>,
    slot: number,
  ): { sid: string; random: Uint8Array; key: Uint8Array } {
    let key: Uint8Array | undefined;
    try {
      const random = deps.random(16);
      const sid = encodeSessionId({ node: deps.node, boot: deps.boot, slot, random });
      key = session.deriveKey(sid);
      if (key.length !== 32) throw new RangeError('a session key has 32 bytes');
      room.assertRoom(session, 1);
      return { sid, random, key };
    } catch (error) {
      key?.fill(0);
      store.release(slot);
      throw error;
    }
  }

  function makeRoom(subject: string): void {
    const oldest = room.oldestToEnd(subject);
    if (oldest < 0) return;
    store.remove(oldest);
    evicted += 1;
  }

  function authorityFor(session: NewSession<T>): Authority<T> {
    const { authority: key, subject, lids, context, validFrom = 0 } = session;
    const known = store.authorities.find(key);
    const terms = { subject, lids, context, validFrom, bytes: contextBytes(session) };
    return known ?? store.authorities.add(key, terms);
  }

  /** The session is indexed by now: a revocation that came before is seen here, one that comes later finds it. */
  function assertStillOpen(authority: Authority<T>, handle: number): void {
    try {
      const link = authority.lids.findIndex((lid) => deps.isRevoked(lid));
      if (link >= 0) throw revoked({ link: link + 1 });
      if (authority.revoked || slotOfHandle(store, handle) < 0) throw revoked({});
    } catch (error) {
      const slot = slotOfHandle(store, handle);
      if (slot >= 0) store.remove(slot);
      throw error;
    }
  }

  return { open, evicted: () => evicted };
}

function revoked(data: { link?: number }): TrustError {
  return new TrustError('REVOKED', 'a link was revoked while the session was opened', data);
}
