import type { VerifiedCapability } from '@talosprotocol/protocol';

type Held = Pick<VerifiedCapability, 'principal' | 'links'>;

/** For whom all is done, so that nobody else is taken for him: the holder of the root, else whom its issuer names by `prn`. Of
 *  several anchors each may name whom it likes, and is believed for its own alone. */
export function principalOf({ principal, links }: Held): string {
  const claims = links[0]?.claims;
  return principal === undefined ? (claims?.sub ?? '') : `${claims?.iss} ${principal}`;
}

/** For whom all is done, as the operator names him in budgets: the `prn` of the root, else its holder. */
export function principalName({ principal, links }: Held): string {
  return principal ?? links[0]?.claims.sub ?? '';
}
