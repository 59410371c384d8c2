import { parseDidKey } from '../identity/did-key.js';
import { type DidKeys, keyFor } from '../identity/did-keys.js';
import { type DidResolver, didKeyKeys } from '../identity/resolver.js';
import type { Anchor } from './anchor.js';
import { atLink, withLink } from './chain.js';
import type { ParsedLink } from './link.js';

/** The keys of a DID. A `did:key` is its key: nobody has to be asked.
 *  @throws {TrustError} what the resolver throws */
export async function keysOf(did: string, resolver: DidResolver): Promise<DidKeys> {
  return isDidKey(did) ? didKeyKeys(did) : resolver.resolve(did);
}

/** True for a DID that is its key. */
export function isDidKey(did: string): boolean {
  return did.startsWith('did:key:');
}

/** True if no issuer has to be asked about. */
export function areDidKeys(links: readonly ParsedLink[]): boolean {
  for (const { claims } of links) if (!isDidKey(claims.iss)) return false;
  return true;
}

/** The keys of the issuer of one link, whose number is put into any error. */
export async function keysOfIssuer(link: ParsedLink, index: number, resolver: DidResolver): Promise<DidKeys> {
  try {
    return await keysOf(link.claims.iss, resolver);
  } catch (error) {
    throw withLink(index + 1, error);
  }
}

/** The key a link must be signed with (ID-4), among those of its issuer.
 *  @throws {TrustError} SIGNATURE_INVALID */
export function keyOfLink(link: ParsedLink, index: number, keys: DidKeys): Uint8Array {
  return atLink(index + 1, () => keyFor(keys, link.header.kid, 'capabilityDelegation'));
}

/** As keyOfLink, for a link whose issuer is a `did:key`. That of a trust anchor was read before.
 *  @throws {TrustError} MALFORMED | SIGNATURE_INVALID */
export function keyOfDidKey(link: ParsedLink, index: number, anchor: Anchor): Uint8Array {
  if (index === 0 && link.header.kid === undefined && anchor.publicKey !== undefined) return anchor.publicKey;
  return atLink(index + 1, () => {
    const { header, claims } = link;
    if (header.kid === undefined) return parseDidKey(claims.iss);
    return keyFor(didKeyKeys(claims.iss), header.kid, 'capabilityDelegation');
  });
}
