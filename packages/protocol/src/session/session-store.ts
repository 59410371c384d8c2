import { type Authorities, type Authority, createAuthorities } from './authorities.js';
import {
  authorityOf,
  clearRecord,
  createRecords,
  expOf,
  fillRecord,
  type PackedSession,
  putBack,
  type Records,
  SESSION_BYTES,
  tagOf,
  takeSlot,
  widthOf,
} from './records.js';
import { appendSlot, BY_AUTHORITY, BY_SUBJECT, firstSlot, removeSlot } from './slot-list.js';
import { createTimerWheel } from './timer-wheel.js';
import { WIDE_WINDOW_BYTES } from './wide-windows.js';
import type { WindowWidth } from './window.js';

/** Where sessions lie: packed by slot, listed by authority, by subject and by expiry. */
export interface SessionStore<T> {
  readonly records: Records;
  readonly authorities: Authorities<T>;
  /** Takes a slot for a session to come; it counts as held. */
  reserve(): number;
  /** Gives a reserved slot back. */
  release(slot: number): void;
  /** Puts a session into the slot that was reserved for it. */
  insert(slot: number, authority: Authority<T>, session: Omit<PackedSession, 'authority'>): void;
  /** Ends a session and wipes its key. */
  remove(slot: number): void;
  /** True if the slot holds the session with this tag. */
  isHeld(slot: number, tag: number): boolean;
  /** Puts every session whose chain holds the link out of force; how many. They are removed by `sweep`. */
  revoke(lid: string): number;
  /** Removes sessions that were revoked or are over, looking at no more than `most`; how many it removed. */
  sweep(now: number, most: number): number;
  /** Sessions held, with the slots reserved. */
  size(): number;
  /** Memory in use, with what the contexts are said to take. */
  bytes(): number;
}

/** What one session takes, in bytes, without its authority. */
export function bytesOfSession(window: WindowWidth): number {
  return SESSION_BYTES + (window === 1024 ? WIDE_WINDOW_BYTES : 0);
}

/** Makes an empty store. */
export function createSessionStore<T>(capacity: number): SessionStore<T> {
  const records = createRecords(capacity);
  const authorities = createAuthorities<T>();
  const wheel = createTimerWheel(records, remove);
  /** Revoked, with sessions to be removed. */
  const revoked: Authority<T>[] = [];
  let size = 0;
  let bytes = 0;

  function insert(slot: number, authority: Authority<T>, session: Omit<PackedSession, 'authority'>): void {
    if (authority.sessions.size === 0) bytes += authority.bytes;
    fillRecord(records, slot, { ...session, authority: authority.id });
    appendSlot(records, BY_AUTHORITY, authority.sessions, slot);
    appendSlot(records, BY_SUBJECT, authority.owner.sessions, slot);
    wheel.add(slot);
    if (authority.root !== undefined) authority.root.sessions += 1;
    bytes += bytesOfSession(session.window);
  }

  function remove(slot: number): void {
    const authority = authorities.at(authorityOf(records, slot));
    removeSlot(records, BY_AUTHORITY, authority.sessions, slot);
    removeSlot(records, BY_SUBJECT, authority.owner.sessions, slot);
    wheel.remove(slot);
    if (authority.root !== undefined) authority.root.sessions -= 1;
    bytes -= bytesOfSession(widthOf(records, slot));
    size -= 1;
    clearRecord(records, slot);
    if (authority.sessions.size > 0) return;
    bytes -= authority.bytes;
    authorities.remove(authority);
  }

  function removeRevoked(most: number): number {
    let removed = 0;
    for (let last = revoked.at(-1); last !== undefined && removed < most; last = revoked.at(-1)) {
      const slot = firstSlot(last.sessions);
      if (slot < 0) revoked.pop();
      else {
        remove(slot);
        removed += 1;
      }
    }
    return removed;
  }

  return {
    records,
    authorities,
    reserve() {
      size += 1;
      return takeSlot(records);
    },
    release(slot) {
      size -= 1;
      putBack(records, slot);
    },
    insert,
    remove,
    isHeld: (slot, tag) => slot < records.grown && tagOf(records, slot) === tag && expOf(records, slot) !== 0,
    revoke(lid) {
      const ended = authorities.revoke(lid);
      revoked.push(...ended);
      return ended.reduce((sessions, authority) => sessions + authority.sessions.size, 0);
    },
    sweep(now, most) {
      const removed = removeRevoked(most);
      return removed + wheel.advance(now, most - removed);
    },
    size: () => size,
    bytes: () => bytes,
  };
}
