import { CHAIN_LIMITS, type ProblemCode } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { TrustError } from '../error.js';
import type { DidKeys } from '../identity/did-keys.js';
import type { Anchor, Anchors } from './anchor.js';
import type { ParsedChain } from './chain.js';
import { keyOfLink } from './keys.js';
import type { ParsedLink } from './link.js';

/** The steps of verification in the order of CAP-19. Each throws with the number of the link that fails. */

/** Step 2. */
export function anchorOf({ root }: ParsedChain, anchors: Anchors): Anchor {
  const { iss } = root.claims;
  const anchor = anchors.get(iss);
  if (anchor !== undefined) return anchor;
  const hint = `The operator of this gateway would have to add a trust anchor for ${iss}.`;
  throw refusal('UNTRUSTED_ISSUER', 1, 'the issuer of the root is no trust anchor', hint);
}

/** Whether a link is revoked: by its `lid`, or as `links[index]` of this chain by a rule below a DID (REV-2); or the DID it
 *  names whose identity has ended, which counts as revoked (ID-15). */
export type RevocationCheck = (
  lid: string,
  index: number,
  links: readonly ParsedLink[],
) => boolean | { readonly ended: string };

/** Step 3. */
export function checkRevoked(links: readonly ParsedLink[], isRevoked: RevocationCheck): void {
  for (let index = 0; index < links.length; index++) {
    const { lid, claims } = links[index] as ParsedLink;
    const revoked = isRevoked(lid, index, links);
    if (revoked === false) continue;
    if (revoked === true)
      throw refusal('REVOKED', index + 1, 'the link was revoked', `Ask ${claims.iss} for a new one.`);
    const hint = `The identity ${revoked.ended}, which the link names, was rotated or deactivated: ask for a chain among active ones.`;
    throw refusal('REVOKED', index + 1, 'an identity of the link has ended', hint);
  }
}

/** Step 4, how a link follows from its parent. */
export function checkDelegation(links: readonly ParsedLink[], index: number): void {
  if (index === 0) return;
  const { claims } = links[index] as ParsedLink;
  const parent = links[index - 1] as ParsedLink;
  if (claims.iss !== parent.claims.sub)
    throw unfounded(index, 'its iss is not the sub of its parent', SPLICED);
  if (claims.par_hash !== parent.lid)
    throw unfounded(index, 'its par_hash is not the lid of its parent', SPLICED);
  const left = parent.claims.dlg ?? 0;
  if (left < 1) {
    const help = `Ask ${parent.claims.iss} for link ${index} with a dlg of at least 1.`;
    throw unfounded(index, 'its parent allows no delegation (dlg 0)', help);
  }
  if ((claims.dlg ?? 0) > left - 1) {
    const help = `Ask ${claims.iss} for a link whose dlg is at most ${left - 1}.`;
    throw unfounded(index, `its dlg is not below its parent's ${left}`, help);
  }
}

const SPLICED = 'Links of different chains were put together: take a chain whole, as its issuer gave it.';

/** Step 4, the signature: by a key of the issuer that may delegate (ID-4). */
export function checkSignature(link: ParsedLink, index: number, keys: DidKeys, crypto: CryptoProvider): void {
  checkSignatureBy(link, index, keyOfLink(link, index, keys), crypto);
}

/** Step 4, the signature, once it is known by which key. */
export function checkSignatureBy(
  link: ParsedLink,
  index: number,
  publicKey: Uint8Array,
  crypto: CryptoProvider,
): void {
  if (!crypto.ed25519Verify(link.signature, link.signingInput, publicKey)) throw invalidSignature(index);
}

/** Why a link is refused whose signature does not verify. */
export function invalidSignature(index: number): TrustError {
  const hint = 'The link was altered or signed with another key; get the chain again from who issued it.';
  const data = { hint, link: index + 1 };
  return new TrustError('SIGNATURE_INVALID', 'the signature of the link does not verify', data);
}

/** Step 4, whether the links before allow `bearer`. That a bearer link states `aud` is part of its syntax. */
export function checkBearerAncestors(links: readonly ParsedLink[], index: number): void {
  if (links[index]?.claims.bearer !== true) return;
  const above = links.slice(0, index).find((link) => link.claims.bearer_below !== true);
  if (above === undefined) return;
  const help = `Ask ${above.claims.iss} for one with bearer_below, or prove possession of a key instead.`;
  const reason = `link ${links.indexOf(above) + 1} does not allow bearer links below (bearer_below)`;
  throw unfounded(index, reason, help);
}

/** Step 4, whether the link may say `bearer`. */
export function checkBearer(links: readonly ParsedLink[], index: number, anchor: Anchor): void {
  checkBearerAncestors(links, index);
  const { bearer, exp, iat, iss } = (links[index] as ParsedLink).claims;
  if (bearer !== true || exp - iat <= anchor.bearerMax) return;
  const reason = `a bearer link may live ${anchor.bearerMax} s under this trust anchor, and this one lives ${exp - iat} s`;
  throw unfounded(index, reason, `Ask ${iss} for a key that ends sooner.`);
}

/** Step 4, the times, as of `now` in Unix seconds. */
export function checkTimes({ claims }: ParsedLink, index: number, now: number): void {
  const { iss, iat, exp, nbf = iat } = claims;
  const skew = CHAIN_LIMITS.skewSeconds;
  // Written so that a time that is not a number refuses.
  if (!(Math.max(iat, nbf) <= now + skew)) {
    const hint = `It is valid from ${Math.max(iat, nbf)} (Unix seconds); here it is ${now}.`;
    throw refusal('NOT_YET_VALID', index + 1, 'the link is not valid yet', hint);
  }
  if (!(now < exp + skew)) {
    throw refusal('EXPIRED', index + 1, `the link expired at ${exp}`, `Ask ${iss} for a new one.`);
  }
}

/** Step 4, that the links are in force together at some moment: else the skew that is forgiven would let a link begin
 *  after one before it has ended, and the logged chain would verify as of no moment at all (AUD-22). */
export function checkTogether(links: readonly ParsedLink[]): void {
  let begins = 0;
  for (const { claims } of links) begins = Math.max(begins, claims.iat, claims.nbf ?? claims.iat);
  for (let index = 0; index < links.length; index++) {
    const { claims } = links[index] as ParsedLink;
    if (begins < claims.exp + CHAIN_LIMITS.skewSeconds) continue;
    const reason = `the link expired at ${claims.exp}, before another began at ${begins}`;
    throw refusal('EXPIRED', index + 1, reason, `Ask ${claims.iss} for a new one.`);
  }
}

/** Step 5. */
export function checkAudience(links: readonly ParsedLink[], audience: string): void {
  for (let index = 0; index < links.length; index++) {
    const { claims } = links[index] as ParsedLink;
    if (claims.aud === undefined || claims.aud.includes(audience)) continue;
    const hint = `Ask ${claims.iss} for a link whose aud has ${audience}.`;
    throw refusal('AUDIENCE_MISMATCH', index + 1, 'the link is for other gateways', hint);
  }
}

/** Step 6. */
export function checkInvoke(links: readonly ParsedLink[]): void {
  const last = links.length - 1;
  const { invoke, iss } = (links[last] as ParsedLink).claims;
  if (invoke !== false) return;
  const help = `Act with a link that its holder adds for another key, or ask ${iss} for one without it.`;
  throw unfounded(last, 'its holder may delegate, but not act (invoke false)', help);
}

/** Steps 5 and 6, for whoever verified a chain without knowing where it would be shown: that it is for this gateway, if one
 *  is named, and that its holder may act.
 *  @throws {TrustError} AUDIENCE_MISMATCH | DELEGATION_INVALID */
export function checkUse({ links }: { readonly links: readonly ParsedLink[] }, audience?: string): void {
  if (audience !== undefined) checkAudience(links, audience);
  checkInvoke(links);
}

/** There are six ways to be that: the caller is told which. All of it stands in the chain that was shown, but for
 *  `bearerMax`, which only who has a link of the anchor learns. */
function unfounded(index: number, reason: string, help: string): TrustError {
  return refusal('DELEGATION_INVALID', index + 1, reason, `What was wrong: ${reason}. ${help}`);
}

function refusal(code: ProblemCode, link: number, reason: string, hint: string): TrustError {
  return new TrustError(code, `link ${link}: ${reason}`, { link, hint });
}
