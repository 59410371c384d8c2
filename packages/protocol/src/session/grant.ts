import { createChecker, SESSION_TYP, SessionClaims } from '@talosprotocol/contracts';
import { parseJws, type Signer, signJws, verifyJwsSignature } from '../crypto/jws.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { decodeBase64url, encodeBase64url } from '../encoding/base64url.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { malformed, TrustError } from '../error.js';
import { type DidKeys, keyFor } from '../identity/did-keys.js';

/** Longest life of a session in seconds (SES-4). */
export const SESSION_SECONDS = 3600;

/** What an agent expects of the answer to its opening. */
export interface ExpectedGrant {
  /** The keys, valid now, of the gateway the proof was made for. */
  readonly gateway: DidKeys;
  /** The agent's own DID. */
  readonly subject: string;
  /** The proof as it was sent. */
  readonly proof: string;
}

/** What a verified answer gives. */
export interface VerifiedGrant {
  readonly claims: SessionClaims;
  /** The gateway's fresh X25519 public key, 32 bytes. */
  readonly epk: Uint8Array;
}

const MAX_GRANT = 8192;
const checkClaims = createChecker(SessionClaims);

/** The hash by which a session's answer names the proof it answers (SES-4). */
export function hashProof(proof: string, crypto: CryptoProvider): string {
  return encodeBase64url(crypto.sha256(encodeUtf8(proof)));
}

/** Signs the answer to an opening (SES-4) with a key of the gateway.
 *  @throws {TypeError} claims an agent would refuse as malformed */
export function signSessionGrant(claims: SessionClaims, signer: Signer): string {
  const wrong = checkClaims(claims) ?? checkLife(claims);
  if (wrong !== undefined) throw new TypeError(`claims of a session: ${wrong}`);
  return signJws({ typ: SESSION_TYP, claims }, signer);
}

/** Checks the answer to an opening: that the gateway the capability names gave it, to this agent, for this proof.
 *  The proof's nonce and the agent's `epk` make it fresh, so no clock is asked.
 *  @throws {TrustError} MALFORMED | AUDIENCE_MISMATCH | PROOF_INVALID | SIGNATURE_INVALID */
export function verifySessionGrant(
  text: string,
  expected: ExpectedGrant,
  ctx: { readonly crypto: CryptoProvider },
): VerifiedGrant {
  const jws = parseJws(text, SESSION_TYP, { maxBytes: MAX_GRANT });
  const wrong = checkClaims(jws.claims) ?? checkLife(jws.claims as SessionClaims);
  if (wrong !== undefined) throw malformed(`claims of a session: ${wrong}`);
  const claims = jws.claims as SessionClaims;
  if (claims.iss !== expected.gateway.did)
    throw new TrustError('AUDIENCE_MISMATCH', 'the session is of another gateway');
  if (claims.aud !== expected.subject)
    throw new TrustError('PROOF_INVALID', 'the session is for another agent');
  if (claims.proof !== hashProof(expected.proof, ctx.crypto)) {
    throw new TrustError('PROOF_INVALID', 'the session answers another proof');
  }
  verifyJwsSignature(jws, keyFor(expected.gateway, jws.header.kid, 'authentication'), ctx.crypto);
  return { claims, epk: decodeBase64url(claims.epk) };
}

function checkLife({ iat, exp }: SessionClaims): string | undefined {
  const seconds = exp - iat;
  return seconds > 0 && seconds <= SESSION_SECONDS
    ? undefined
    : `exp is not 1 to ${SESSION_SECONDS} s after iat`;
}
