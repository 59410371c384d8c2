import type { CryptoProvider } from '../crypto/provider.js';
import type { DidKeys } from '../identity/did-keys.js';
import { type DidResolver, didKeyKeys } from '../identity/resolver.js';
import type { Anchors } from './anchor.js';
import { atLink, type ParsedChain, parseChain } from './chain.js';
import { keysOfIssuer } from './keys.js';
import {
  anchorOf,
  checkAudience,
  checkBearer,
  checkDelegation,
  checkInvoke,
  checkRevoked,
  checkSignature,
  checkTimes,
  checkTogether,
} from './steps.js';
import { asVerified, type VerifiedCapability } from './verified.js';

/** What a gateway verifies with. */
export interface VerifyContext {
  /** Unix seconds; 30 s of skew are forgiven. */
  readonly now: number;
  /** The DID of this gateway. */
  readonly audience: string;
  readonly anchors: Anchors;
  /** Whether this `lid` was revoked. */
  readonly isRevoked: (lid: string) => boolean;
  /** Finds the keys of DIDs that are not `did:key`; asked only for a link whose parents have verified. */
  readonly resolver: DidResolver;
  readonly crypto: CryptoProvider;
}

/** What an auditor verifies with, who was not there. */
export interface VerifyAsOfContext {
  /** The moment in Unix seconds. */
  readonly time: number;
  /** The DID of the gateway the chain was presented to, if that is to be checked. */
  readonly audience?: string;
  readonly anchors: Anchors;
  readonly crypto: CryptoProvider;
  /** The keys of a DID; by default `did:key` only. */
  readonly keysOf?: (did: string) => DidKeys;
}

/** Verifies a chain for use at this gateway, now (CAP-19): cheapest checks first, the first failure decides, and
 *  `data.link` of the error names the link. Whoever keeps the result calls checkInForce before each use, and
 *  verifies again after `keysValidUntil`. Proof of possession is not part of this.
 *  @throws {TrustError} MALFORMED | UNTRUSTED_ISSUER | REVOKED | DELEGATION_INVALID | SIGNATURE_INVALID |
 *    NOT_YET_VALID | EXPIRED | AUDIENCE_MISMATCH, and what the resolver throws
 *  @example const capability = await verifyCapability(chain, context) */
export async function verifyCapability(
  chain: string | ParsedChain,
  context: VerifyContext,
): Promise<VerifiedCapability> {
  const { now, audience, anchors, isRevoked, resolver, crypto } = context;
  const parsed = typeof chain === 'string' ? parseChain(chain, crypto) : chain;
  const { links } = parsed;
  const anchor = anchorOf(parsed, anchors);
  checkRevoked(links, isRevoked);
  let keysValidUntil = Number.POSITIVE_INFINITY;
  for (const [index, link] of links.entries()) {
    checkDelegation(links, index);
    const keys = await keysOfIssuer(link, index, resolver);
    keysValidUntil = Math.min(keysValidUntil, keys.validUntil ?? keysValidUntil);
    checkSignature(link, index, keys, crypto);
    checkBearer(links, index, anchor);
    checkTimes(link, index, now);
  }
  checkTogether(links);
  checkAudience(links, audience);
  checkInvoke(links);
  // Fetching keys takes time, in which a revocation may have come in.
  checkRevoked(links, isRevoked);
  return asVerified(parsed, anchor, keysValidUntil);
}

/** Verifies a chain as of some moment, without asking anybody: steps 1, 2 and 4 of CAP-19, and 5 if an audience is
 *  given. Says nothing about revocation, and nothing about whether the holder may act.
 *  @throws {TrustError} as verifyCapability */
export function verifyCapabilityAsOf(
  chain: string | ParsedChain,
  context: VerifyAsOfContext,
): VerifiedCapability {
  const { time, audience, anchors, crypto, keysOf = didKeyKeys } = context;
  const parsed = typeof chain === 'string' ? parseChain(chain, crypto) : chain;
  const { links } = parsed;
  const anchor = anchorOf(parsed, anchors);
  for (const [index, link] of links.entries()) {
    checkDelegation(links, index);
    const keys = atLink(index + 1, () => keysOf(link.claims.iss));
    checkSignature(link, index, keys, crypto);
    checkBearer(links, index, anchor);
    checkTimes(link, index, time);
  }
  if (audience !== undefined) checkAudience(links, audience);
  return asVerified(parsed, anchor, Number.POSITIVE_INFINITY);
}

/** Checks that a capability verified earlier still holds: no link revoked since, none out of its time.
 *  Synchronous and cheap, to be called in the step that uses the capability.
 *  @throws {TrustError} REVOKED | NOT_YET_VALID | EXPIRED */
export function checkInForce(
  capability: VerifiedCapability,
  context: { readonly now: number; readonly isRevoked?: (lid: string) => boolean },
): void {
  const { links } = capability;
  if (context.isRevoked !== undefined) checkRevoked(links, context.isRevoked);
  for (const [index, link] of links.entries()) checkTimes(link, index, context.now);
}
