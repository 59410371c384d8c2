import type { Commitment, Disclosure, Principal } from '@talosprotocol/contracts';
import { type CryptoProvider, commit, disclose } from '@talosprotocol/protocol';
import type { Random } from './system.js';

/** Who does something on the admin surface, as the log keeps it (AUD-4): a commitment, and what opens it. */
export function sealActor(
  { kind, id, how }: Pick<Principal, 'kind' | 'id' | 'how'>,
  { crypto, random }: { readonly crypto: CryptoProvider; readonly random: Random },
): { readonly actor: Commitment; readonly disclosure: Disclosure } {
  const value = { kind, id, how };
  const salt = random(32);
  return { actor: commit('/actor', value, salt, crypto), disclosure: disclose('/actor', value, salt) };
}
