import type { Signer } from '../../crypto/jws.js';
import type { CryptoProvider } from '../../crypto/provider.js';
import { decodeBase58, encodeBase58 } from '../../encoding/base58.js';
import { canonicalBytes } from '../../encoding/jcs.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../encoding/json.js';
import { malformed, TrustError } from '../../error.js';
import { encodeMultikey, parseMultikey } from '../did-key.js';
import { parseVersionTime } from './version-time.js';

/** A well-formed `eddsa-jcs-2022` proof whose signature is not checked yet. */
export interface IntegrityProof {
  /** The key that says it signed, as Multikey. */
  readonly multikey: string;
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
  /** The proof without `proofValue`: it is signed too. */
  readonly options: JsonObject;
}

const MEMBERS = ['type', 'cryptosuite', 'verificationMethod', 'created', 'proofPurpose', 'proofValue', 'id'];
const METHOD = /^did:key:(z[1-9A-HJ-NP-Za-km-z]{1,64})#(z[1-9A-HJ-NP-Za-km-z]{1,64})$/;

/** Takes a Data Integrity proof apart as did:webvh uses them: suite `eddsa-jcs-2022` (VC Data Integrity EdDSA 1.0
 *  section 3.3), purpose `assertionMethod`, an Ed25519 `did:key` whose fragment is its own key. Closed: a proof that
 *  says more, such as when it expires, is refused rather than misread.
 *  @throws {TrustError} MALFORMED */
export function parseIntegrityProof(value: JsonValue | undefined): IntegrityProof {
  if (!isJsonObject(value)) throw malformed('a proof that is not an object');
  const { proofValue, ...options } = value;
  if (Object.keys(value).some((name) => !MEMBERS.includes(name)))
    throw malformed('a proof with an unknown member');
  if (options['type'] !== 'DataIntegrityProof' || options['cryptosuite'] !== 'eddsa-jcs-2022')
    throw malformed('a proof of another cryptosuite');
  if (options['proofPurpose'] !== 'assertionMethod') throw malformed('a proof for another purpose');
  if (Object.hasOwn(options, 'created')) parseVersionTime(options['created']);
  if (Object.hasOwn(options, 'id') && typeof options['id'] !== 'string')
    throw malformed('a proof with a bad id');
  const multikey = parseMethod(options['verificationMethod']);
  return { multikey, publicKey: parseMultikey(multikey), signature: parseProofValue(proofValue), options };
}

/** Checks a proof over a document that holds no `proof` itself.
 *  @throws {TrustError} SIGNATURE_INVALID */
export function verifyIntegrityProof(
  { options, signature, publicKey }: IntegrityProof,
  document: JsonObject,
  crypto: CryptoProvider,
): void {
  if (crypto.ed25519Verify(signature, signedBytes(options, document, crypto), publicKey)) return;
  throw new TrustError('SIGNATURE_INVALID', 'a Data Integrity proof does not verify');
}

/** Signs a document with a `did:key`; `created` is an ISO 8601 time. */
export function signIntegrityProof(
  document: JsonObject,
  created: string,
  signer: Signer,
  crypto: CryptoProvider,
): JsonObject {
  const multikey = encodeMultikey(signer.publicKey);
  const options = {
    type: 'DataIntegrityProof',
    cryptosuite: 'eddsa-jcs-2022',
    verificationMethod: `did:key:${multikey}#${multikey}`,
    created,
    proofPurpose: 'assertionMethod',
  };
  const signature = signer.sign(signedBytes(options, document, crypto));
  return { ...options, proofValue: `z${encodeBase58(signature)}` };
}

/** Hash of the options, then hash of the document (section 3.3.4). */
function signedBytes(options: JsonObject, document: JsonObject, crypto: CryptoProvider): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set(crypto.sha256(canonicalBytes(options)));
  bytes.set(crypto.sha256(canonicalBytes(document)), 32);
  return bytes;
}

function parseMethod(method: JsonValue | undefined): string {
  const [, body, fragment] = (typeof method === 'string' ? METHOD.exec(method) : null) ?? [];
  if (body === undefined || body !== fragment)
    throw malformed('a proof whose verificationMethod is no key of a did:key');
  return body;
}

function parseProofValue(value: JsonValue | undefined): Uint8Array {
  const text = typeof value === 'string' && value.startsWith('z') ? value.slice(1) : '';
  const signature = decodeBase58(text);
  if (signature.length !== 64) throw malformed('a proofValue that is not 64 bytes in multibase base58');
  return signature;
}
