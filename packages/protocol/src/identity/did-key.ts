import { isEd25519PublicKey } from '../crypto/ed25519.js';
import { decodeBase58, encodeBase58 } from '../encoding/base58.js';
import { malformed } from '../error.js';

/** Multicodec `ed25519-pub`, 0xed, as an unsigned varint. */
const ED25519_PUB = [0xed, 0x01] as const;
const PREFIX = 'did:key:';

/** Writes an Ed25519 public key as `did:key:z6Mk...` (did:key method, section 3.1).
 *  @throws {RangeError} 32 bytes that the Ed25519 rule refuses, or another length */
export function encodeDidKey(publicKey: Uint8Array): string {
  return PREFIX + encodeMultikey(publicKey);
}

/** Reads the Ed25519 public key out of a `did:key` in its one spelling: no other key type, no fragment.
 *  @throws {TrustError} MALFORMED */
export function parseDidKey(did: string): Uint8Array {
  if (!did.startsWith(PREFIX)) throw malformed('a DID that is not a did:key');
  return parseMultikey(did.slice(PREFIX.length));
}

/** Writes an Ed25519 public key as a Multikey value: multibase `z` over multicodec and key.
 *  @throws {RangeError} as encodeDidKey */
export function encodeMultikey(publicKey: Uint8Array): string {
  if (!isEd25519PublicKey(publicKey)) throw new RangeError('not an Ed25519 public key');
  return `z${encodeBase58(Uint8Array.of(...ED25519_PUB, ...publicKey))}`;
}

/** Reads a Multikey value that must hold an Ed25519 public key.
 *  @throws {TrustError} MALFORMED */
export function parseMultikey(text: string): Uint8Array {
  const publicKey = decodeMultikey(text);
  if (publicKey === undefined) throw malformed('a key that is not Ed25519');
  return publicKey;
}

/** As parseMultikey, but undefined for a well-formed key of another type.
 *  @throws {TrustError} MALFORMED */
export function decodeMultikey(text: string): Uint8Array | undefined {
  if (!text.startsWith('z')) throw malformed('a key that is not in multibase base58');
  const bytes = decodeBase58(text.slice(1));
  if (bytes[0] !== ED25519_PUB[0] || bytes[1] !== ED25519_PUB[1]) return undefined;
  const publicKey = bytes.slice(2);
  if (!isEd25519PublicKey(publicKey)) throw malformed('an Ed25519 key the acceptance rule refuses');
  return publicKey;
}
