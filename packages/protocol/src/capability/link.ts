import { CAPABILITY_TYP, CapabilityClaims, CHAIN_LIMITS, createChecker } from '@talosprotocol/contracts';
import { type ParsedJws, parseJws } from '../crypto/jws.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { encodeBase64url } from '../encoding/base64url.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { malformed } from '../error.js';
import { type CompiledGrant, compileGrant } from './grant.js';

/** A link of a capability, well-formed, not verified. */
export interface ParsedLink extends Omit<ParsedJws, 'claims'> {
  /** The compact JWS as received. */
  readonly jws: string;
  /** Identifies the link everywhere (CAP-5). */
  readonly lid: string;
  readonly claims: CapabilityClaims;
  readonly grants: readonly CompiledGrant[];
}

const check = createChecker(CapabilityClaims);

/** Reads one link: its JWS, the closed schema of its claims, what one claim asks of another, and its grants (CAP-1
 *  to CAP-3). Verifies no signature.
 *  @throws {TrustError} MALFORMED */
export function parseLink(jws: string, crypto: CryptoProvider): ParsedLink {
  const parsed = parseJws(jws, CAPABILITY_TYP, { maxBytes: CHAIN_LIMITS.bytes });
  const fault = check(parsed.claims);
  if (fault !== undefined) throw malformed(`claims of a link: ${fault}`);
  const claims = parsed.claims as unknown as CapabilityClaims;
  checkClaims(claims);
  const grants = claims.grants.map((grant) => compileGrant(grant, crypto));
  const { header, signingInput, signature } = parsed;
  return { jws, lid: hashAscii(jws, crypto), header, claims, grants, signingInput, signature };
}

/** base64url of SHA-256 over text that is ASCII, as `lid` and `cth` are (CAP-5). */
export function hashAscii(text: string, crypto: CryptoProvider): string {
  return encodeBase64url(crypto.sha256(encodeUtf8(text)));
}

function checkClaims(claims: CapabilityClaims): void {
  const isRoot = claims.par_hash === undefined;
  if (claims.exp <= claims.iat) throw malformed('a link with exp not above iat');
  if (isRoot && claims.exp - claims.iat > CHAIN_LIMITS.rootSeconds) {
    throw malformed('a root link that lives longer than a year');
  }
  if (!isRoot && claims.prn !== undefined) throw malformed('a link below the root with prn');
  if ((isRoot || claims.bearer === true) && claims.aud === undefined) {
    throw malformed('a root or bearer link without aud');
  }
}
