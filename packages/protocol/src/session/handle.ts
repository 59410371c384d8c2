import { SLOTS, tagOf } from './records.js';
import { SESSION_UNKNOWN } from './session-code.js';
import type { SessionStore } from './session-store.js';

/** A session as a plain number that may be kept across waits. No other session of the slot has it before 2^20 more
 *  were opened there, and then one in 2048 of every 2^20th. */
export function handleOf<T>({ records }: SessionStore<T>, slot: number): number {
  return tagOf(records, slot) * SLOTS + slot;
}

/** The slot of the session, or SESSION_UNKNOWN once it has ended. */
export function slotOfHandle<T>(store: SessionStore<T>, handle: number): number {
  const tag = Math.floor(handle / SLOTS);
  const slot = handle - tag * SLOTS;
  return store.isHeld(slot, tag) ? slot : SESSION_UNKNOWN;
}
