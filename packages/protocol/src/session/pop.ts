import { createChecker, PROOF_TYP, ProofClaims, type RequestProofClaims } from '@talosprotocol/contracts';
import { type ParsedJws, parseJws, type Signer, signJws, verifyJwsSignature } from '../crypto/jws.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { decodeBase64url } from '../encoding/base64url.js';
import { isTrustError, malformed, TrustError } from '../error.js';
import { type DidKeys, keyFor } from '../identity/did-keys.js';

/** Seconds by which the clocks of agent and gateway may differ in a proof (SES-2). */
export const PROOF_SKEW = 60;

/** A well-formed proof whose claims and signature are not checked yet. */
export interface ParsedProof {
  readonly jws: ParsedJws;
  readonly claims: ProofClaims;
}

/** What a proof must say. */
export interface ExpectedProof {
  /** DID of this gateway. */
  readonly audience: string;
  readonly method: string;
  /** The absolute URL of the request with its query, as its caller knows it. */
  readonly url: string;
  /** Hash of the chain presented (CAP-5). */
  readonly cth: string;
  /** The keys, valid now, of the leaf's `sub`. */
  readonly holder: DidKeys;
}

/** What checking a proof needs from outside. */
export interface ProofContext {
  /** Unix seconds. */
  readonly now: number;
  readonly crypto: CryptoProvider;
  /** Uses the nonce up or throws, such as `Nonces.consume`. Called last, when all else holds. */
  readonly consumeNonce: (nonce: string) => void;
}

/** What a verified proof gives. */
export interface VerifiedProof {
  readonly claims: ProofClaims;
  /** The agent's fresh X25519 public key, 32 bytes. */
  readonly epk: Uint8Array;
}

/** Longest proof in bytes. */
export const MAX_PROOF = 8192;
const checkClaims = createChecker(ProofClaims);

/** Signs a proof of possession (SES-2) with the key of the leaf's `sub`.
 *  @throws {TypeError} claims a gateway would refuse as malformed */
export function signProof(claims: ProofClaims, signer: Signer): string {
  const wrong = checkClaims(claims);
  if (wrong !== undefined) throw new TypeError(`claims of a proof: ${wrong}`);
  return signJws({ typ: PROOF_TYP, claims }, signer);
}

/** Takes a proof apart; nothing is verified.
 *  @throws {TrustError} MALFORMED */
export function parseProof(text: string): ParsedProof {
  const jws = parseJws(text, PROOF_TYP, { maxBytes: MAX_PROOF });
  const wrong = checkClaims(jws.claims);
  if (wrong !== undefined) throw malformed(`claims of a proof: ${wrong}`);
  return { jws, claims: jws.claims as ProofClaims };
}

/** Checks a proof for one request: its claims, its signature by an `authentication` key of the holder, and its nonce
 *  last, so that nobody else can use the nonce up (SES-3).
 *  @throws {TrustError} PROOF_INVALID with the claim as caveat; whatever `consumeNonce` throws */
export function verifyProof(proof: ParsedProof, expected: ExpectedProof, ctx: ProofContext): VerifiedProof {
  const { claims } = proof;
  checkProofClaims(claims, expected, ctx.now);
  verifyHolder(proof.jws, expected.holder, ctx.crypto);
  ctx.consumeNonce(claims.nonce);
  return { claims, epk: decodeBase64url(claims.epk) };
}

const CLOCK = 'Set the clock of this machine.';

/** Checks what every proof says of its request, in the order of SES-3.
 *  @throws {TrustError} PROOF_INVALID with the claim as caveat */
export function checkProofClaims(
  claims: ProofClaims | RequestProofClaims,
  expected: Omit<ExpectedProof, 'holder'>,
  now: number,
): void {
  if (claims.aud !== expected.audience) throw refused('aud', 'is not this gateway');
  if (Math.abs(now - claims.iat) > PROOF_SKEW) throw refused('iat', 'is more than 60 s from now', CLOCK);
  if (claims.htm !== expected.method) throw refused('htm', 'is not the method of this request');
  if (claims.htu !== expected.url) throw refused('htu', 'is not the URL of this request');
  if (claims.cth !== expected.cth) throw refused('cth', 'is not the hash of this capability');
}

/** Checks the signature by an `authentication` key of the holder. A key that is unknown, or not meant for this,
 *  proves nothing either: one code for all.
 *  @throws {TrustError} PROOF_INVALID */
export function verifyHolder(jws: ParsedJws, holder: DidKeys, crypto: CryptoProvider): void {
  try {
    verifyJwsSignature(jws, keyFor(holder, jws.header.kid, 'authentication'), crypto);
  } catch (cause) {
    if (!isTrustError(cause)) throw cause;
    throw new TrustError('PROOF_INVALID', "the proof is not signed by the capability's holder", {}, cause);
  }
}

/** The refusal of a proof for one of its claims. */
export function refused(claim: string, why: string, hint?: string): TrustError {
  return new TrustError('PROOF_INVALID', `${claim} of the proof ${why}`, {
    caveat: claim,
    hint: hint ?? `${claim} of the proof ${why}: prove each request as it is sent.`,
  });
}
