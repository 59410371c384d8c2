import { handleOf } from './handle.js';
import { authorityOf, expOf, widthOf } from './records.js';
import type { Session } from './session.js';
import type { SessionStore } from './session-store.js';

/** What the table tells of the session in a slot. */
export function sessionAt<T>(store: SessionStore<T>, sid: string, slot: number): Session<T> {
  const { records, authorities } = store;
  const { subject, lids, context } = authorities.at(authorityOf(records, slot));
  const [exp, window] = [expOf(records, slot), widthOf(records, slot)];
  return { sid, handle: handleOf(store, slot), subject, lids, exp, window, context };
}
