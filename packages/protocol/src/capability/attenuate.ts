import type { Grant } from '@talosprotocol/contracts';
import type { Signer } from '../crypto/jws.js';
import { TrustError } from '../error.js';
import { type ParsedChain, parseChain } from './chain.js';
import { type IssueDeps, type LinkOptions, signLink } from './issue.js';
import { checkBearerAncestors, checkDelegation } from './steps.js';

/** What a further link says. Nothing is inherited silently: where the parent's word is meant, say `same`. */
export interface AttenuateOptions extends Omit<LinkOptions, 'grants' | 'exp'> {
  /** Grants, or `same` for those of the parent, word for word. */
  readonly grants: readonly Grant[] | 'same';
  /** Unix seconds, or `same` for the parent's. */
  readonly exp: number | 'same';
  /** Gateways, or `same` for the parent's, if it states any. A bearer link needs some. */
  readonly aud?: readonly string[] | 'same';
}

/** Adds a link to a chain, offline: the holder of its last link passes on part of what it may. A grant beyond the
 *  parent's is worth nothing, as every link is evaluated; `lintAttenuation` says where that is so.
 *  @throws {TrustError} DELEGATION_INVALID: the signer is not the chain's holder, `dlg` is used up, or a bearer link is not
 *    allowed below.
 *    MALFORMED: as issueCapability, or the chain would be too long
 *  @example attenuate(chain, { sub, grants, exp: now + 900 }, agent, deps).chain */
export function attenuate(
  chain: string | ParsedChain,
  options: AttenuateOptions,
  signer: Signer,
  deps: IssueDeps,
): ParsedChain {
  const parent = typeof chain === 'string' ? parseChain(chain, deps.crypto) : chain;
  checkHolder(parent, signer);
  const link = signLink(resolveSame(options, parent), signer, deps, { par_hash: parent.leaf.lid });
  const longer = parseChain(`${parent.chain}~${link}`, deps.crypto);
  checkDelegation(longer.links, parent.links.length);
  checkBearerAncestors(longer.links, parent.links.length);
  return longer;
}

function checkHolder({ leaf, links }: ParsedChain, signer: Signer): void {
  if (leaf.claims.sub === signer.did) return;
  const hint = `Only ${leaf.claims.sub} can add a link to this chain.`;
  throw new TrustError('DELEGATION_INVALID', 'the signer does not hold the chain', {
    link: links.length,
    hint,
  });
}

function resolveSame(options: AttenuateOptions, { leaf }: ParsedChain): LinkOptions {
  const { claims } = leaf;
  const { grants, exp, aud, ...others } = options;
  return {
    ...others,
    grants: grants === 'same' ? claims.grants : grants,
    exp: exp === 'same' ? claims.exp : exp,
    ...audience(aud === 'same' ? claims.aud : aud),
  };
}

function audience(aud: readonly string[] | undefined): { readonly aud?: readonly string[] } {
  return aud === undefined ? {} : { aud };
}
