import { CHAIN_LIMITS } from '@talosprotocol/contracts';
import type { Anchor, NewSession, VerifiedCapability } from '@talosprotocol/protocol';

type Terms = Omit<NewSession<VerifiedCapability>, 'exp' | 'window' | 'deriveKey'>;

/** What the session table is told of a capability. */
export type AuthorityTerms = (capability: VerifiedCapability) => Terms;

/** A capability in memory, by the length of its chain: measured 4 to 13 times as much. */
const BYTES = { fixed: 1024, perCharacter: 12 } as const;

/** Makes the terms. Sessions of the same chain share them if they were opened under the same anchor and its keys were
 *  fetched at the same time: all that a later check of the capability asks for. */
export function createAuthorityTerms(): AuthorityTerms {
  const anchors = new WeakMap<Anchor, number>();
  let count = 0;

  function numberOf(anchor: Anchor): number {
    const known = anchors.get(anchor) ?? count++;
    anchors.set(anchor, known);
    return known;
  }

  return (capability) => ({
    subject: capability.holder,
    lids: capability.links.map((link) => link.lid),
    context: capability,
    authority: `${capability.cth} ${numberOf(capability.anchor)} ${capability.keysValidUntil}`,
    validFrom: validFrom(capability),
    bytes: BYTES.fixed + BYTES.perCharacter * capability.chain.length,
  });
}

/** When the last of the links begins, with the skew that verification forgives (CAP-19). */
function validFrom({ links }: VerifiedCapability): number {
  const begins = links.map(({ claims }) => Math.max(claims.iat, claims.nbf ?? 0));
  return Math.max(0, ...begins.map((begin) => begin - CHAIN_LIMITS.skewSeconds));
}
