import type { Anchor } from './anchor.js';
import type { ParsedChain } from './chain.js';
import type { CompiledGrant } from './grant.js';
import type { ParsedLink } from './link.js';

declare const verified: unique symbol;

/** A capability whose chain was verified (CAP-19) as of some moment. Made by the verify functions only. It stays
 *  what it is when its links expire or are revoked: see checkInForce. */
export interface VerifiedCapability {
  readonly [verified]: true;
  readonly chain: string;
  /** Hash of the chain (CAP-5). */
  readonly cth: string;
  /** Link zero. */
  readonly anchor: Anchor;
  /** Root first. */
  readonly links: readonly ParsedLink[];
  readonly leaf: ParsedLink;
  /** The leaf's `sub`: whose key acts. */
  readonly holder: string;
  /** The root's `prn`: for whom all this is done. */
  readonly principal: string | undefined;
  /** The anchor's tenant. */
  readonly tenant: string;
  /** The earliest `exp` of all links, Unix seconds, without the 30 s that verification forgives. */
  readonly expires: number;
  /** Unix seconds from which the fetched keys are too old and the chain must be verified again (ID-6); Infinity if
   *  every issuer is a `did:key`. */
  readonly keysValidUntil: number;
  /** The grants of the anchor and of each link, by number of the link. */
  readonly grants: readonly (readonly CompiledGrant[])[];
}

/** For the verify functions alone: what they say about a chain they have checked. */
export function asVerified(chain: ParsedChain, anchor: Anchor, keysValidUntil: number): VerifiedCapability {
  const { links, leaf, root, cth } = chain;
  const facts = {
    chain: chain.chain,
    cth,
    anchor,
    links,
    leaf,
    holder: leaf.claims.sub,
    principal: root.claims.prn,
    tenant: anchor.tenant,
    expires: Math.min(...links.map((link) => link.claims.exp)),
    keysValidUntil,
    grants: [anchor.grants, ...links.map((link) => link.grants)],
  };
  return facts as Omit<VerifiedCapability, typeof verified> as VerifiedCapability;
}
