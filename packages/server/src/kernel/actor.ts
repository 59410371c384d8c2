import type { Principal } from '@talosprotocol/contracts';

/** Who does something on the admin surface, as the log keeps it (AUD-4). */
export type Actor = Pick<Principal, 'kind' | 'id' | 'how'>;

export function actorOf({ kind, id, how }: Actor): Actor {
  return { kind, id, how };
}

/** As it is kept beside what was done, until that is in the log. */
export function encodeActor(actor: Actor | undefined): string | null {
  return actor === undefined ? null : JSON.stringify(actorOf(actor));
}

export function decodeActor(text: string | null): { readonly actor?: Actor } {
  return text === null ? {} : { actor: JSON.parse(text) as Actor };
}
