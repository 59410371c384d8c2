import { encodeBase64url } from '../encoding/base64url.js';
import { canonicalBytes } from '../encoding/jcs.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../encoding/json.js';
import { malformed } from '../error.js';
import { type ParsedJws, parseJws, type Signer, signJws, verifyJwsSignature } from './jws.js';
import type { CryptoProvider } from './provider.js';

/** One signature beside the object it signs, an element of its `signatures` (RFC 7515 section 7.2, as A2A agent cards
 *  use it). */
export type JcsSignature = {
  /** base64url of the protected header. */
  readonly protected: string;
  /** base64url of the 64-byte Ed25519 signature. */
  readonly signature: string;
};

const MAX_BYTES = 131_072;
const MEMBERS = ['protected', 'signature'];

/** Signs an object by its canonical JSON: a JWS with detached content (RFC 7515 appendix F) whose payload is
 *  RFC 8785 of the object without its member `signatures`. The header is `{alg: "EdDSA", typ, kid?}`; `kid` defaults to
 *  the signer's.
 *  @throws {TrustError} MALFORMED: an object that is not JSON, or holds a float
 *  @example const card = { ...content, signatures: [signJcs(content, { typ: 'JOSE' }, signer)] } */
export function signJcs(
  object: JsonObject,
  header: { readonly typ: string; readonly kid?: string },
  signer: Signer,
): JcsSignature {
  const [head, , signature] = signJws({ ...header, claims: payloadOf(object) }, signer).split('.');
  return { protected: head as string, signature: signature as string };
}

/** Takes one signature of an object apart. The header is closed, as that of every JWS here: an unprotected `header`, a
 *  `crit` or a `b64` refuses it. Nothing is verified: find the key by `header.kid`, then call `verifyJcs`.
 *  @throws {TrustError} MALFORMED */
export function parseJcs(object: JsonObject, signature: JsonValue | undefined, typ: string): ParsedJws {
  if (!isJsonObject(signature) || Object.keys(signature).some((name) => !MEMBERS.includes(name)))
    throw malformed('a signature that is more or less than protected and signature');
  const { protected: head, signature: value } = signature;
  if (typeof head !== 'string' || typeof value !== 'string' || `${head}${value}`.includes('.'))
    throw malformed('a signature whose parts are not base64url');
  const payload = encodeBase64url(canonicalBytes(payloadOf(object)));
  return parseJws(`${head}.${payload}.${value}`, typ, { maxBytes: MAX_BYTES });
}

/** Checks a signature under the one Ed25519 rule.
 *  @throws {TrustError} SIGNATURE_INVALID */
export function verifyJcs(parsed: ParsedJws, publicKey: Uint8Array, crypto: CryptoProvider): void {
  verifyJwsSignature(parsed, publicKey, crypto);
}

function payloadOf(object: JsonObject): JsonObject {
  const { signatures: _, ...payload } = object;
  return payload;
}
