import type { VerifiedCapability } from '@talosprotocol/protocol';

/** For whom all is done: the `prn` of the root, else its holder. */
export function principalOf({ principal, links }: Pick<VerifiedCapability, 'principal' | 'links'>): string {
  return principal ?? links[0]?.claims.sub ?? '';
}
