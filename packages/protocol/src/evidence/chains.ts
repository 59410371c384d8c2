import type { Anchors } from '../capability/anchor.js';
import { parseChain } from '../capability/chain.js';
import type { VerifiedCapability } from '../capability/verified.js';
import { verifyCapabilityAsOf } from '../capability/verify.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { notProven } from './not-proven.js';

/** The chains a bundle has shown so far, verified. */
export interface Chains {
  /** @throws {TrustError} PROOF_NOT_PROVEN, or the code of CAP-19 that failed */
  add(cth: string, chain: string): void;
  /** Undefined for a chain that lies before the events seen; it cannot come after them (AUD-4). */
  find(cth: string): VerifiedCapability | undefined;
}

/** Collects chains (AUD-22). Signatures and delegation are checked here, once; whether every link was valid at a
 *  certain moment is asked of each decision, so a chain is verified as of the first second at which all its links
 *  have begun. */
export function createChains(anchors: Anchors, crypto: CryptoProvider): Chains {
  const chains = new Map<string, VerifiedCapability>();
  const missed = new Set<string>();
  return {
    find: (cth) => {
      const known = chains.get(cth);
      if (known === undefined) missed.add(cth);
      return known;
    },
    add: (cth, chain) => {
      // Else what was passed over for want of its chain would count as checked once the chain is there.
      if (missed.has(cth)) throw notProven('chain', 'the chain is logged after an event that refers to it');
      if (chains.has(cth)) throw notProven('chain', 'a chain is logged twice');
      const parsed = parseChain(chain, crypto);
      if (parsed.cth !== cth)
        throw notProven('chain', 'the chain does not hash to the cth it is logged under');
      const begins = parsed.links.map(({ claims }) => Math.max(claims.iat, claims.nbf ?? 0));
      chains.set(cth, verifyCapabilityAsOf(parsed, { time: Math.max(...begins), anchors, crypto }));
    },
  };
}
