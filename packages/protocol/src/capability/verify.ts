import type { CryptoProvider } from '../crypto/provider.js';
import type { DidKeys } from '../identity/did-keys.js';
import { type DidResolver, didKeyKeys } from '../identity/resolver.js';
import type { Anchor, Anchors } from './anchor.js';
import { atLink, type ParsedChain, parseChain } from './chain.js';
import { areDidKeys, isDidKey, keyOfDidKey, keyOfLink, keysOfIssuer } from './keys.js';
import type { ParsedLink } from './link.js';
import { createSignatureBatch, type SignatureBatch, type SignatureVerifier } from './signatures.js';
import {
  anchorOf,
  checkAudience,
  checkBearer,
  checkDelegation,
  checkInvoke,
  checkRevoked,
  checkSignatureBy,
  checkTimes,
  checkTogether,
  type RevocationCheck,
} from './steps.js';
import { asVerified, type VerifiedCapability } from './verified.js';

/** What a gateway verifies with. */
export interface VerifyContext {
  /** Unix seconds; 30 s of skew are forgiven. */
  readonly now: number;
  /** The DID of this gateway. */
  readonly audience: string;
  readonly anchors: Anchors;
  /** Whether this `lid` was revoked, or the link by a rule below a DID. */
  readonly isRevoked: RevocationCheck;
  /** Finds the keys of DIDs that are not `did:key`; asked only for a link whose parents have verified. */
  readonly resolver: DidResolver;
  readonly crypto: CryptoProvider;
  /** Verifies the signatures elsewhere, such as on other threads; by default `crypto` does, here. It MUST keep the one
   *  Ed25519 rule, and changes no decision: also with it the failure that comes first in the order of CAP-19 is the
   *  one reported. */
  readonly signatures?: SignatureVerifier;
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
  const { audience, anchors, isRevoked, crypto } = context;
  const parsed = typeof chain === 'string' ? parseChain(chain, crypto) : chain;
  const { links } = parsed;
  const anchor = anchorOf(parsed, anchors);
  checkRevoked(links, isRevoked);
  let keysValidUntil = Number.POSITIVE_INFINITY;
  if (context.signatures === undefined && areDidKeys(links)) {
    verifyLinks(links, anchor, { time: context.now, crypto, keyOf: keyOfDidKey });
  } else keysValidUntil = await verifyLinksLater(links, anchor, context);
  checkTogether(links);
  checkAudience(links, audience);
  checkInvoke(links);
  // Fetching keys takes time, in which a revocation may have come in.
  checkRevoked(links, isRevoked);
  return asVerified(parsed, anchor, keysValidUntil);
}

/** What step 4 is taken with where nobody has to be waited for. */
interface LinkContext {
  readonly time: number;
  readonly crypto: CryptoProvider;
  keyOf(link: ParsedLink, index: number, anchor: Anchor): Uint8Array;
}

/** Step 4, link after link. */
function verifyLinks(links: readonly ParsedLink[], anchor: Anchor, context: LinkContext): void {
  const { time, crypto } = context;
  for (let index = 0; index < links.length; index++) {
    const link = links[index] as ParsedLink;
    checkDelegation(links, index);
    checkSignatureBy(link, index, context.keyOf(link, index, anchor), crypto);
    checkBearer(links, index, anchor);
    checkTimes(link, index, time);
  }
}

/** Step 4 where DIDs are fetched or signatures are verified elsewhere. Returns until when the keys that were fetched
 *  may be used. */
async function verifyLinksLater(
  links: readonly ParsedLink[],
  anchor: Anchor,
  context: VerifyContext,
): Promise<number> {
  const batch = createSignatureBatch(context);
  let keysValidUntil = Number.POSITIVE_INFINITY;
  try {
    for (let index = 0; index < links.length; index++) {
      const link = links[index] as ParsedLink;
      checkDelegation(links, index);
      if (isDidKey(link.claims.iss)) batch.add(link, index, keyOfDidKey(link, index, anchor));
      else keysValidUntil = Math.min(keysValidUntil, await addFetched(link, index, batch, context));
      checkBearer(links, index, anchor);
      checkTimes(link, index, context.now);
    }
  } catch (error) {
    // A signature that was put off comes before what failed after it.
    await batch.verify();
    throw error;
  }
  await batch.verify();
  return keysValidUntil;
}

/** A DID is asked about only once the links before have verified: nobody makes us fetch with a forged chain. */
async function addFetched(
  link: ParsedLink,
  index: number,
  batch: SignatureBatch,
  { resolver }: VerifyContext,
): Promise<number> {
  await batch.verify();
  const keys = await keysOfIssuer(link, index, resolver);
  batch.add(link, index, keyOfLink(link, index, keys));
  return keys.validUntil ?? Number.POSITIVE_INFINITY;
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
  const keyOf = (link: ParsedLink, index: number): Uint8Array =>
    keyOfLink(
      link,
      index,
      atLink(index + 1, () => keysOf(link.claims.iss)),
    );
  verifyLinks(links, anchor, { time, crypto, keyOf });
  if (audience !== undefined) checkAudience(links, audience);
  return asVerified(parsed, anchor, Number.POSITIVE_INFINITY);
}

/** Checks that a capability verified earlier still holds: no link revoked since, none out of its time.
 *  Synchronous and cheap, to be called in the step that uses the capability.
 *  @throws {TrustError} REVOKED | NOT_YET_VALID | EXPIRED */
export function checkInForce(
  capability: VerifiedCapability,
  context: { readonly now: number; readonly isRevoked?: RevocationCheck },
): void {
  const { links } = capability;
  if (context.isRevoked !== undefined) checkRevoked(links, context.isRevoked);
  for (let index = 0; index < links.length; index++)
    checkTimes(links[index] as ParsedLink, index, context.now);
}
