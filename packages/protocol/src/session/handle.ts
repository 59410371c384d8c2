import { generationOf, MAX_SESSIONS } from './records.js';
import { SESSION_UNKNOWN } from './session-code.js';
import type { SessionStore } from './session-store.js';

/** A session as a plain number that may be kept across waits: the slot, and how many sessions it had before. The
 *  count has 31 bits, so a slot repeats a handle after 2^31 sessions of its own. */
export function handleOf<T>({ records }: SessionStore<T>, slot: number): number {
  return generationOf(records, slot) * MAX_SESSIONS + slot;
}

/** The slot of the session, or SESSION_UNKNOWN once it has ended. */
export function slotOfHandle<T>(store: SessionStore<T>, handle: number): number {
  const generation = Math.floor(handle / MAX_SESSIONS);
  const slot = handle - generation * MAX_SESSIONS;
  return store.isHeld(slot, generation) ? slot : SESSION_UNKNOWN;
}
