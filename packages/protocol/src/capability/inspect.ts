import type { CapabilityClaims } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { describeConstraint, describeOnly } from './caveat.js';
import { parseChain } from './chain.js';
import type { ParsedLink } from './link.js';

/** What a chain says, without anything being verified: anybody could have written it. */
export interface CapabilityDescription {
  readonly verified: false;
  /** Hash of the chain (CAP-5). */
  readonly cth: string;
  /** UTF-8 bytes of the chain, of 16,384 allowed. */
  readonly bytes: number;
  /** Root first. */
  readonly links: readonly LinkDescription[];
}

/** What one link says. */
export interface LinkDescription {
  /** 1 is the root. */
  readonly link: number;
  readonly lid: string;
  readonly kid?: string;
  readonly claims: CapabilityClaims;
  /** Each grant in words, such as `read tool:fs where /path within /docs`. */
  readonly grants: readonly string[];
}

/** Reads a chain for people to look at.
 *  @throws {TrustError} MALFORMED, as a verifier would call it */
export function describeCapability(text: string, crypto: CryptoProvider): CapabilityDescription {
  const { chain, cth, links } = parseChain(text, crypto);
  return { verified: false, cth, bytes: chain.length, links: links.map(describeLink) };
}

/** Reads one link of a chain for people to look at; `index` 0 is the root. */
export function describeLink({ lid, header, claims }: ParsedLink, index: number): LinkDescription {
  return {
    link: index + 1,
    lid,
    ...(header.kid === undefined ? {} : { kid: header.kid }),
    claims,
    grants: claims.grants.map(({ scope, ops, where = [], only }) => {
      const caveats = [...where.map(describeConstraint), ...(only === undefined ? [] : [describeOnly(only)])];
      return `${ops.join(' and ')} ${scope}${caveats.length === 0 ? '' : ` where ${caveats.join(' and ')}`}`;
    }),
  };
}
