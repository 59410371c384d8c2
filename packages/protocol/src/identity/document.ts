import { isEd25519PublicKey } from '../crypto/ed25519.js';
import { decodeBase64url } from '../encoding/base64url.js';
import { isJsonObject, type JsonObject, type JsonValue, parseJsonObject } from '../encoding/json.js';
import { malformed } from '../error.js';
import { decodeMultikey } from './did-key.js';
import { type DidKey, type DidKeys, KEY_PURPOSES, type KeyPurpose } from './did-keys.js';

const MAX_BYTES = 65_536;
const MAX_DEPTH = 16;
const MAX_ENTRIES = 64;
const FRAGMENT = /^[A-Za-z0-9._:%-]{1,256}$/;

/** The Ed25519 key of each verification method by its DID URL; undefined where the key is of another type. */
type Methods = Map<string, Uint8Array | undefined>;

/** Reads the Ed25519 keys of a DID document (DID Core 1.0) that must be about `did` itself. Understood are
 *  `Multikey`, `Ed25519VerificationKey2020`, `JsonWebKey` and `JsonWebKey2020`; methods of other types, or with
 *  keys of other curves, give no keys, and members that are not about keys are ignored. Refused are: another
 *  `id`, a method with a foreign controller or outside the DID, a method declared twice, a reference to a method
 *  of this DID that is not there, a published private key, more than 64 KiB or 64 entries in a list.
 *  A key in no relationship has no purposes; a method that says `expires` or `revoked`, whatever the time, gives no
 *  key.
 *  @throws {TrustError} MALFORMED */
export function parseDidDocument(bytes: Uint8Array, did: string): DidKeys {
  return documentKeys(
    parseJsonObject(bytes, { maxBytes: MAX_BYTES, maxDepth: MAX_DEPTH, floats: true }),
    did,
  );
}

/** The keys of a document that is parsed already, by the same rules.
 *  @throws {TrustError} MALFORMED */
export function documentKeys(document: JsonObject, did: string): DidKeys {
  if (document['id'] !== did) throw malformed('a DID document with another id');
  const methods: Methods = new Map();
  for (const entry of list(document, 'verificationMethod')) addMethod(methods, entry, did);
  const purposes = new Map<string, KeyPurpose[]>();
  for (const purpose of KEY_PURPOSES) addPurpose(purposes, methods, document, purpose, did);
  const keys: DidKey[] = [];
  for (const [kid, publicKey] of methods) {
    if (publicKey !== undefined) keys.push({ kid, publicKey, purposes: purposes.get(kid) ?? [] });
  }
  return { did, keys };
}

/** A relationship holds references to methods and methods of its own (DID Core section 5.3). */
function addPurpose(
  purposes: Map<string, KeyPurpose[]>,
  methods: Methods,
  document: JsonObject,
  purpose: KeyPurpose,
  did: string,
): void {
  const entries = list(document, purpose);
  for (const entry of entries) {
    const kid = typeof entry === 'string' ? reference(methods, entry, did) : addMethod(methods, entry, did);
    if (kid === undefined) continue;
    const known = purposes.get(kid) ?? [];
    if (known.includes(purpose)) throw malformed('a DID document with a repeated reference');
    purposes.set(kid, [...known, purpose]);
  }
}

/** The DID URL of a referenced method; undefined for a method of another DID, whose keys are not ours to read. */
function reference(methods: Methods, entry: string, did: string): string | undefined {
  if (!entry.startsWith('#') && !entry.startsWith(`${did}#`)) return undefined;
  const kid = methodId(entry, did);
  if (!methods.has(kid)) throw malformed('a DID document that refers to a method it does not hold');
  return kid;
}

function addMethod(methods: Methods, entry: JsonValue, did: string): string {
  if (!isJsonObject(entry)) throw malformed('a verification method that is not an object');
  const kid = methodId(entry['id'], did);
  if (methods.has(kid)) throw malformed('a verification method declared twice');
  if (entry['controller'] !== did) throw malformed('a verification method with another controller');
  methods.set(kid, methodKey(entry));
  return kid;
}

/** Absolute form of a method's id, which must lie under the DID. */
function methodId(id: JsonValue | undefined, did: string): string {
  const prefix = typeof id === 'string' && id.startsWith('#') ? '#' : `${did}#`;
  if (typeof id !== 'string' || !id.startsWith(prefix) || !FRAGMENT.test(id.slice(prefix.length))) {
    throw malformed('a verification method with a bad id');
  }
  return `${did}#${id.slice(prefix.length)}`;
}

function methodKey(method: JsonObject): Uint8Array | undefined {
  if (Object.hasOwn(method, 'expires') || Object.hasOwn(method, 'revoked')) return undefined;
  switch (method['type']) {
    case 'Multikey':
    case 'Ed25519VerificationKey2020':
      return multibaseKey(method['publicKeyMultibase']);
    case 'JsonWebKey':
    case 'JsonWebKey2020':
      return jwkKey(method['publicKeyJwk']);
    default:
      return undefined;
  }
}

function multibaseKey(value: JsonValue | undefined): Uint8Array | undefined {
  if (typeof value !== 'string') throw malformed('a verification method without publicKeyMultibase');
  // Keys of other types can be long (a post-quantum one has kilobytes); only an Ed25519 one is decoded.
  return value.length > 64 ? undefined : decodeMultikey(value);
}

function jwkKey(jwk: JsonValue | undefined): Uint8Array | undefined {
  if (!isJsonObject(jwk)) throw malformed('a verification method without publicKeyJwk');
  if (Object.hasOwn(jwk, 'd')) throw malformed('a verification method that publishes its private key');
  if (jwk['kty'] !== 'OKP' || jwk['crv'] !== 'Ed25519') return undefined;
  const publicKey = typeof jwk['x'] === 'string' ? decodeBase64url(jwk['x']) : undefined;
  if (publicKey === undefined || !isEd25519PublicKey(publicKey))
    throw malformed('a bad Ed25519 publicKeyJwk');
  return publicKey;
}

function list(document: JsonObject, name: string): readonly JsonValue[] {
  const value = Object.hasOwn(document, name) ? document[name] : [];
  if (!Array.isArray(value) || value.length > MAX_ENTRIES)
    throw malformed(`a DID document with a bad ${name}`);
  return value;
}
