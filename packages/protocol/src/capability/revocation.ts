import {
  CHAIN_LIMITS,
  createChecker,
  REVOCATION_TYP,
  RevocationClaims,
  type RevokedBy,
} from '@talosprotocol/contracts';
import { type ParsedJws, parseJws, type Signer, signJws, verifyJwsSignature } from '../crypto/jws.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { encodeBase64url } from '../encoding/base64url.js';
import { malformed, TrustError } from '../error.js';
import { keyFor } from '../identity/did-keys.js';
import { type DidResolver, didKeyKeys } from '../identity/resolver.js';
import type { Anchors } from './anchor.js';
import { atLink, type ParsedChain, parseChain } from './chain.js';
import type { IssueDeps } from './issue.js';
import { keysOf, keysOfIssuer } from './keys.js';
import type { ParsedLink } from './link.js';
import { anchorOf, checkDelegation, checkSignature } from './steps.js';

/** A revocation, well-formed, not verified. */
export interface ParsedRevocation {
  readonly jws: ParsedJws;
  readonly claims: RevocationClaims;
  /** The chain up to and including the revoked link. */
  readonly chain: ParsedChain;
}

/** A revocation that must be put in force. */
export interface VerifiedRevocation {
  readonly lid: string;
  /** Who asked: the link's issuer, the issuer of a link before it, or its holder. */
  readonly by: Exclude<RevokedBy, 'administrator'>;
}

/** What a revocation is verified with. */
export interface RevocationContext {
  /** Unix seconds. */
  readonly now: number;
  readonly anchors: Anchors;
  readonly resolver: DidResolver;
  readonly crypto: CryptoProvider;
}

/** A chain of 16 KiB inside base64url, and the rest. */
export const MAX_REVOCATION_BYTES = 24_576;
const check = createChecker(RevocationClaims);

/** Signs the revocation of link `link` (1 is the root) of a chain; by default its last (CAP-25).
 *  @throws {RangeError} no such link */
export function signRevocation(
  revoked: { readonly chain: ParsedChain; readonly link?: number },
  signer: Signer,
  deps: IssueDeps,
): string {
  const { chain, link = chain.links.length } = revoked;
  const last = chain.links[link - 1];
  if (last === undefined) throw new RangeError('the chain has no such link');
  const claims: RevocationClaims = {
    iss: signer.did,
    iat: deps.now(),
    jti: encodeBase64url(deps.randomBytes(16)),
    lid: last.lid,
    chain: chain.links
      .slice(0, link)
      .map(({ jws }) => jws)
      .join('~'),
  };
  return signJws({ typ: REVOCATION_TYP, claims }, signer);
}

/** Reads a revocation (CAP-25).
 *  @throws {TrustError} MALFORMED: also where `lid` is not that of the last link of `chain` */
export function parseRevocation(compact: string, crypto: CryptoProvider): ParsedRevocation {
  const jws = parseJws(compact, REVOCATION_TYP, { maxBytes: MAX_REVOCATION_BYTES });
  const fault = check(jws.claims);
  if (fault !== undefined) throw malformed(`claims of a revocation: ${fault}`);
  const claims = jws.claims as unknown as RevocationClaims;
  const chain = parseChain(claims.chain, crypto);
  if (chain.leaf.lid !== claims.lid) throw malformed('a revocation whose chain does not end in its lid');
  return { jws, claims, chain };
}

/** Verifies a revocation (CAP-25): its chain is one this gateway could accept, whatever its times, so that nobody
 *  fills the list with links of their own making; the signer is one of those who may revoke the link.
 *  @throws {TrustError} UNTRUSTED_ISSUER | DELEGATION_INVALID | SIGNATURE_INVALID | NOT_YET_VALID, MALFORMED, and
 *    what the resolver throws */
export async function verifyRevocation(
  revocation: string | ParsedRevocation,
  context: RevocationContext,
): Promise<VerifiedRevocation> {
  const parsed = typeof revocation === 'string' ? parseRevocation(revocation, context.crypto) : revocation;
  return { lid: parsed.claims.lid, by: await verifyRevoker(parsed, context) };
}

/** Verifies a revocation as of some moment, without asking anybody, as `verifyRevocation` does: for the auditor.
 *  @throws {TrustError} as verifyRevocation */
export function verifyRevocationAsOf(
  revocation: string,
  context: { readonly time: number; readonly anchors: Anchors; readonly crypto: CryptoProvider },
): VerifiedRevocation {
  const parsed = parseRevocation(revocation, context.crypto);
  return { lid: parsed.claims.lid, by: verifyRevokerAsOf(parsed, context) };
}

/** A statement about the last link of a chain, signed by somebody who stands at that link or above it. */
interface SignedAtLink {
  readonly jws: ParsedJws;
  readonly claims: { readonly iss: string; readonly iat: number };
  readonly chain: ParsedChain;
}

/** Verifies chain and signer of a revocation (CAP-25, REV-3); gives what the signer is to the chain's last link. */
export async function verifyRevoker(
  { claims, chain, jws }: SignedAtLink,
  { anchors, resolver, crypto, now }: RevocationContext,
): Promise<VerifiedRevocation['by']> {
  anchorOf(chain, anchors);
  const by = revokerOf(claims.iss, chain.links);
  checkMade(claims.iat, now);
  for (const [index, link] of chain.links.entries()) {
    checkDelegation(chain.links, index);
    checkSignature(link, index, await keysOfIssuer(link, index, resolver), crypto);
  }
  const keys = await keysOf(claims.iss, resolver);
  verifyJwsSignature(jws, keyFor(keys, jws.header.kid, 'capabilityDelegation'), crypto);
  return by;
}

/** The same as of some moment, without asking anybody. */
export function verifyRevokerAsOf(
  { claims, chain, jws }: SignedAtLink,
  context: { readonly time: number; readonly anchors: Anchors; readonly crypto: CryptoProvider },
): VerifiedRevocation['by'] {
  const { time, anchors, crypto } = context;
  anchorOf(chain, anchors);
  const by = revokerOf(claims.iss, chain.links);
  checkMade(claims.iat, time);
  for (const [index, link] of chain.links.entries()) {
    checkDelegation(chain.links, index);
    checkSignature(
      link,
      index,
      atLink(index + 1, () => didKeyKeys(link.claims.iss)),
      crypto,
    );
  }
  verifyJwsSignature(jws, keyFor(didKeyKeys(claims.iss), jws.header.kid, 'capabilityDelegation'), crypto);
  return by;
}

function checkMade(iat: number, now: number): void {
  if (iat <= now + CHAIN_LIMITS.skewSeconds) return;
  throw new TrustError('NOT_YET_VALID', 'a revocation of the future');
}

function revokerOf(iss: string, links: readonly ParsedLink[]): VerifiedRevocation['by'] {
  const last = links[links.length - 1] as ParsedLink;
  if (last.claims.iss === iss) return 'issuer';
  if (links.some((link) => link.claims.iss === iss)) return 'ancestor';
  if (last.claims.sub === iss) return 'subject';
  const hint =
    'A link is revoked by its issuer, the issuer of a link before it, its holder or an administrator.';
  throw new TrustError('DELEGATION_INVALID', 'the signer may not revoke this link', { hint });
}
