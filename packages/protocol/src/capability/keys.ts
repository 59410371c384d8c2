import type { DidKeys } from '../identity/did-keys.js';
import { type DidResolver, didKeyKeys } from '../identity/resolver.js';
import { withLink } from './chain.js';
import type { ParsedLink } from './link.js';

/** The keys of a DID. A `did:key` is its key: nobody has to be asked.
 *  @throws {TrustError} what the resolver throws */
export async function keysOf(did: string, resolver: DidResolver): Promise<DidKeys> {
  return did.startsWith('did:key:') ? didKeyKeys(did) : resolver.resolve(did);
}

/** The keys of the issuer of one link, whose number is put into any error. */
export async function keysOfIssuer(link: ParsedLink, index: number, resolver: DidResolver): Promise<DidKeys> {
  try {
    return await keysOf(link.claims.iss, resolver);
  } catch (error) {
    throw withLink(index + 1, error);
  }
}
