import { createChecker, PROOF_TYP, RequestProofClaims } from '@talosprotocol/contracts';
import { type ParsedJws, parseJws, type Signer, signJws } from '../crypto/jws.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { encodeBase64url } from '../encoding/base64url.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { malformed } from '../error.js';
import { SIGNED_HEADERS, type SignedHeaders } from './headers.js';
import { checkProofClaims, type ExpectedProof, MAX_PROOF, refused, verifyHolder } from './pop.js';

/** A well-formed proof of one request whose claims and signature are not checked yet. */
export interface ParsedRequestProof {
  readonly jws: ParsedJws;
  readonly claims: RequestProofClaims;
}

/** What a proof of one request must say. */
export interface ExpectedRequestProof extends ExpectedProof {
  /** The headers admission reads, as received. */
  readonly headers: SignedHeaders;
}

const checkClaims = createChecker(RequestProofClaims);

/** Signs a proof of one request (SES-13) with the key of the leaf's `sub`.
 *  @throws {TypeError} claims a gateway would refuse as malformed */
export function signRequestProof(claims: RequestProofClaims, signer: Signer): string {
  const wrong = checkClaims(claims);
  if (wrong !== undefined) throw new TypeError(`claims of a proof: ${wrong}`);
  return signJws({ typ: PROOF_TYP, claims }, signer);
}

/** Takes a proof of one request apart; nothing is verified. One that opens a session is refused here.
 *  @throws {TrustError} MALFORMED */
export function parseRequestProof(text: string): ParsedRequestProof {
  const jws = parseJws(text, PROOF_TYP, { maxBytes: MAX_PROOF });
  const wrong = checkClaims(jws.claims);
  if (wrong !== undefined) throw malformed(`claims of a proof: ${wrong}`);
  return { jws, claims: jws.claims as RequestProofClaims };
}

/** Checks all of a proof that shows before the body is there: its claims and its signature by an `authentication` key
 *  of the holder (SES-14). The request is not proven before `verifyProvenBody`.
 *  @throws {TrustError} PROOF_INVALID with the claim as caveat */
export function verifyRequestProof(
  proof: ParsedRequestProof,
  expected: ExpectedRequestProof,
  ctx: { readonly now: number; readonly crypto: CryptoProvider },
): void {
  const { claims, jws } = proof;
  checkProofClaims(claims, expected, ctx.now);
  if (claims.hh !== hashSignedHeaders(expected.headers, ctx.crypto)) {
    throw refused('hh', 'is not the hash of the headers of this request');
  }
  verifyHolder(jws, expected.holder, ctx.crypto);
}

/** Checks the body of a request whose proof was verified, and uses its nonce up: last, so that nobody else can.
 *  @throws {TrustError} PROOF_INVALID; whatever `consumeNonce` throws */
export function verifyProvenBody(
  { claims }: Pick<ParsedRequestProof, 'claims'>,
  body: Uint8Array,
  ctx: { readonly crypto: CryptoProvider; readonly consumeNonce: (nonce: string) => void },
): void {
  if (claims.bh !== encodeBase64url(ctx.crypto.sha256(body)))
    throw refused('bh', 'is not the hash of this body');
  ctx.consumeNonce(claims.nonce);
}

/** The hash of the headers admission reads (`hh`, SES-13): each as `name:value`, in their order, or `name:` where it
 *  is absent, joined by line feeds. Values are visible ASCII, as `readRequestHeaders` gives them. */
export function hashSignedHeaders(headers: SignedHeaders, crypto: CryptoProvider): string {
  const lines = SIGNED_HEADERS.map((name) => `${name}:${headers[name] ?? ''}`);
  return encodeBase64url(crypto.sha256(encodeUtf8(lines.join('\n'))));
}
