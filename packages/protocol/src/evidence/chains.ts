import type { Anchor } from '../capability/anchor.js';
import { type ParsedChain, parseChain } from '../capability/chain.js';
import type { VerifiedCapability } from '../capability/verified.js';
import { verifyCapabilityAsOf } from '../capability/verify.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { notProven } from './not-proven.js';
import type { Trust } from './trust-file.js';

/** The chains a bundle has shown so far. */
export interface Chains {
  /** @throws {TrustError} PROOF_NOT_PROVEN, or the code of CAP-19 that failed under the anchors of every policy */
  add(cth: string, chain: string): void;
  /** Undefined for a chain that lies before the events seen; it cannot come after them (AUD-4). */
  find(cth: string): ShownChain | undefined;
  /** All of them, by `cth`. */
  readonly shown: ReadonlyMap<string, ShownChain>;
}

/** A chain whose signatures and delegation hold, and whose root some policy's anchor covers. */
export interface ShownChain extends Pick<ParsedChain, 'links' | 'leaf'> {
  /** The leaf's `sub`: whose key acts. */
  readonly holder: string;
  /** The root's `prn`: for whom all this is done. */
  readonly principal: string | undefined;
  /** The anchor of its root in the policy with this hash; undefined if that policy has none. */
  anchorIn(policy: string): Anchor | undefined;
  /** The chain as that policy's anchor verifies it.
   *  @throws {TrustError} UNTRUSTED_ISSUER | DELEGATION_INVALID: a bearer link that lives longer than it allows */
  under(policy: string): VerifiedCapability;
}

/** Collects chains (AUD-22). A chain is verified as of the first second at which all its links have begun; whether
 *  every link was valid at a certain moment, and under the policy of that moment, is asked of each decision. */
export function createChains(trust: Pick<Trust, 'anchorsOf' | 'all'>, crypto: CryptoProvider): Chains {
  const chains = new Map<string, ShownChain>();
  const missed = new Set<string>();
  return {
    shown: chains,
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
      chains.set(cth, showChain(parsed, trust, crypto));
    },
  };
}

function showChain(
  chain: ParsedChain,
  { anchorsOf, all }: Pick<Trust, 'anchorsOf' | 'all'>,
  crypto: CryptoProvider,
): ShownChain {
  const { links, leaf, root } = chain;
  const time = Math.max(...links.map(({ claims }) => Math.max(claims.iat, claims.nbf ?? 0)));
  const first = verifyCapabilityAsOf(chain, { time, anchors: all, crypto });
  const verified = new Map([[first.anchor, first]]);
  const anchorIn = (policy: string): Anchor | undefined => anchorsOf(policy).get(root.claims.iss);
  return {
    links,
    leaf,
    holder: first.holder,
    principal: first.principal,
    anchorIn,
    under: (policy) => {
      const anchor = anchorIn(policy);
      const known = anchor === undefined ? undefined : verified.get(anchor);
      if (known !== undefined) return known;
      const capability = verifyCapabilityAsOf(chain, { time, anchors: anchorsOf(policy), crypto });
      verified.set(capability.anchor, capability);
      return capability;
    },
  };
}
