import {
  type BelowRole,
  type BelowRule,
  createChecker,
  REVOCATION_BELOW_TYP,
  RevocationBelowClaims,
  type RevokedBy,
} from '@talosprotocol/contracts';
import type { Anchors } from '../capability/anchor.js';
import { type ParsedChain, parseChain } from '../capability/chain.js';
import type { IssueDeps } from '../capability/issue.js';
import {
  MAX_REVOCATION_BYTES,
  type RevocationContext,
  verifyRevoker,
  verifyRevokerAsOf,
} from '../capability/revocation.js';
import { type ParsedJws, parseJws, type Signer, signJws } from '../crypto/jws.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { decodeBase64url, encodeBase64url } from '../encoding/base64url.js';
import { parseJsonObject } from '../encoding/json.js';
import { malformed } from '../error.js';

/** A revocation below a DID, well-formed, not verified. */
export interface ParsedRevocationBelow {
  readonly jws: ParsedJws;
  readonly claims: RevocationBelowClaims;
  /** The chain up to and including the point. */
  readonly chain: ParsedChain;
}

/** A rule that must be put in force. */
export interface VerifiedRevocationBelow {
  readonly rule: BelowRule;
  /** Who asked: the issuer of the point, the issuer of a link before it, or the holder of the point. */
  readonly by: Exclude<RevokedBy, 'administrator'>;
}

/** Which links a revocation below a DID reaches: those below link `link` (1 is the root, by default the last) of
 *  `chain` that `below` issued. */
export interface BelowOptions {
  readonly chain: ParsedChain;
  readonly link?: number;
  readonly below: string;
  readonly as: BelowRole;
}

const check = createChecker(RevocationBelowClaims);

/** Signs the revocation of all that a DID handed on below a link (REV-1).
 *  @throws {RangeError} no such link */
export function signRevocationBelow(options: BelowOptions, signer: Signer, deps: IssueDeps): string {
  const { chain, link = chain.links.length, below, as } = options;
  const point = chain.links[link - 1];
  if (point === undefined) throw new RangeError('the chain has no such link');
  const claims: RevocationBelowClaims = {
    iss: signer.did,
    iat: deps.now(),
    jti: encodeBase64url(deps.randomBytes(16)),
    lid: point.lid,
    chain: chain.links
      .slice(0, link)
      .map(({ jws }) => jws)
      .join('~'),
    below,
    as,
  };
  return signJws({ typ: REVOCATION_BELOW_TYP, claims }, signer);
}

/** Whether a compact JWS says of itself that it is a revocation below a DID, and not of one link. Anything else,
 *  rubbish too, is false. */
export function isRevocationBelow(compact: string): boolean {
  try {
    const header = parseJsonObject(decodeBase64url(compact.slice(0, compact.indexOf('.'))));
    return header['typ'] === REVOCATION_BELOW_TYP;
  } catch {
    return false;
  }
}

/** Reads a revocation below a DID (REV-1).
 *  @throws {TrustError} MALFORMED: also where `lid` is not that of the last link of `chain` */
export function parseRevocationBelow(compact: string, crypto: CryptoProvider): ParsedRevocationBelow {
  const jws = parseJws(compact, REVOCATION_BELOW_TYP, { maxBytes: MAX_REVOCATION_BYTES });
  const fault = check(jws.claims);
  if (fault !== undefined) throw malformed(`claims of a revocation: ${fault}`);
  const claims = jws.claims as unknown as RevocationBelowClaims;
  const chain = parseChain(claims.chain, crypto);
  if (chain.leaf.lid !== claims.lid) throw malformed('a revocation whose chain does not end in its lid');
  return { jws, claims, chain };
}

/** Verifies a revocation below a DID (REV-3): its chain is one this gateway could accept, whatever its times, and the
 *  signer stands at the point or above it, so that the rule reaches only links below the signer.
 *  @throws {TrustError} as verifyRevocation */
export async function verifyRevocationBelow(
  revocation: string | ParsedRevocationBelow,
  context: RevocationContext,
): Promise<VerifiedRevocationBelow> {
  const parsed =
    typeof revocation === 'string' ? parseRevocationBelow(revocation, context.crypto) : revocation;
  return { rule: ruleOf(parsed), by: await verifyRevoker(parsed, context) };
}

/** The same as of some moment, without asking anybody: for the auditor.
 *  @throws {TrustError} as verifyRevocation */
export function verifyRevocationBelowAsOf(
  revocation: string,
  context: { readonly time: number; readonly anchors: Anchors; readonly crypto: CryptoProvider },
): VerifiedRevocationBelow {
  const parsed = parseRevocationBelow(revocation, context.crypto);
  return { rule: ruleOf(parsed), by: verifyRevokerAsOf(parsed, context) };
}

function ruleOf({ claims }: ParsedRevocationBelow): BelowRule {
  return { below: claims.below, as: claims.as, point: claims.lid };
}
