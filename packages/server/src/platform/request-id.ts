import { createUuidv7 } from '@talosprotocol/protocol';
import type { Clock, Random } from './system.js';

/** Names requests `req_<UUIDv7>`: sortable by time, not guessable from one another. */
export function createRequestIds(deps: { readonly clock: Clock; readonly random: Random }): () => string {
  return () => `req_${createUuidv7(deps.clock.now(), deps.random(16))}`;
}
