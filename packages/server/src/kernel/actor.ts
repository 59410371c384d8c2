import type { Principal } from '@talosprotocol/contracts';

/** Who does something on the admin surface, as the log keeps it (AUD-4). */
export type Actor = Pick<Principal, 'kind' | 'id' | 'how'>;

export function actorOf({ kind, id, how }: Actor): Actor {
  return { kind, id, how };
}
