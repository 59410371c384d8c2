import type { CryptoProvider } from '../crypto/provider.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { malformed } from '../error.js';
import { decodeBase64, encodeBase64 } from './base64.js';
import { HASH_BYTES, type Sha256 } from './hash.js';

/** Checks signatures of one key. The interface is open to other signature types than Ed25519: a witness's
 *  cosignature differs in what `verify` makes of the message. */
export interface NoteVerifier {
  readonly name: string;
  readonly keyId: number;
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

/** Makes signatures of one key. */
export interface NoteSigner {
  readonly name: string;
  readonly keyId: number;
  sign(message: Uint8Array): Uint8Array;
}

/** A verifier key in parts; `type` is the signature type of C2SP signed-note, 1 for Ed25519. */
export interface VerifierKey {
  readonly name: string;
  readonly keyId: number;
  readonly type: number;
  readonly publicKey: Uint8Array;
}

/** What note keys need of a crypto provider. */
export type NoteCrypto = Pick<CryptoProvider, 'sha256' | 'ed25519Verify'>;

/** The signature type of plain Ed25519 (C2SP signed-note). */
const ED25519_NOTE = 1;

/** Bytes of an Ed25519 public key. */
export const PUBLIC_KEY_BYTES = 32;
const MAX_VKEY_LENGTH = 4096;

// biome-ignore lint/suspicious/noControlCharactersInRegex: no part of a note may have them
const NOT_IN_NAME = /[\p{White_Space}\p{Surrogate}\u0000-\u001f+]/u;

/** True for a key name: not empty, no white space, no plus sign, no control character (C2SP signed-note). */
export function isKeyName(name: string): boolean {
  return name !== '' && !NOT_IN_NAME.test(name);
}

/** Computes a key id: the first four bytes, big-endian, of SHA-256(name LF type || public key). It tells keys
 *  apart and proves nothing: a colliding key is easily made, but its signatures do not verify. */
export function keyIdOf(sha256: Sha256, name: string, type: number, publicKey: Uint8Array): number {
  const prefix = encodeUtf8(`${name}\n`);
  const input = new Uint8Array(prefix.length + 1 + publicKey.length);
  input.set(prefix);
  input[prefix.length] = type;
  input.set(publicKey, prefix.length + 1);
  const digest = sha256(input);
  return new DataView(digest.buffer, digest.byteOffset, HASH_BYTES).getUint32(0);
}

/** Writes an Ed25519 verifier key: `<name>+<key id, 8 hex digits>+<base64(1 || public key)>`.
 *  @throws {TypeError} the name is not a key name or the public key has not 32 bytes */
export function formatVerifierKey(sha256: Sha256, name: string, publicKey: Uint8Array): string {
  return formatKey(sha256, ...assertNoteKey(name, ED25519_NOTE, publicKey));
}

/** Writes a verifier key of any signature type. */
export function formatKey(sha256: Sha256, name: string, type: number, publicKey: Uint8Array): string {
  const id = keyIdOf(sha256, name, type, publicKey).toString(16).padStart(8, '0');
  return `${name}+${id}+${encodeBase64(new Uint8Array([type, ...publicKey]))}`;
}

/** Reads a verifier key of any signature type and checks that its key id belongs to it.
 *  @throws {TrustError} MALFORMED */
export function parseVerifierKey(sha256: Sha256, vkey: string): VerifierKey {
  if (vkey.length > MAX_VKEY_LENGTH) throw malformed('a verifier key that is too long');
  const match = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/su.exec(vkey);
  const [, name = '', hex = '', base64 = ''] = match ?? [];
  if (!isKeyName(name)) throw malformed('text that is not a verifier key');
  const [type, ...publicKey] = decodeBase64(base64);
  if (type === undefined) throw malformed('a verifier key without key');
  const key = { name, keyId: Number.parseInt(hex, 16), type, publicKey: Uint8Array.from(publicKey) };
  if (keyIdOf(sha256, name, type, key.publicKey) !== key.keyId) {
    throw malformed('a verifier key whose id does not belong to it');
  }
  return key;
}

/** Builds the verifier of an Ed25519 verifier key.
 *  @throws {TrustError} MALFORMED, also for a key of another signature type */
export function createNoteVerifier(crypto: NoteCrypto, vkey: string): NoteVerifier {
  const { name, keyId, type, publicKey } = parseVerifierKey(crypto.sha256, vkey);
  if (type !== ED25519_NOTE || publicKey.length !== PUBLIC_KEY_BYTES) {
    throw malformed('a verifier key that is not Ed25519');
  }
  const verify = (message: Uint8Array, signature: Uint8Array): boolean =>
    crypto.ed25519Verify(signature, message, publicKey);
  return { name, keyId, verify };
}

/** Builds a signer from the public half of an Ed25519 key and a function that signs with the private half, which
 *  stays where it is.
 *  @throws {TypeError} the name is not a key name or the public key has not 32 bytes */
export function createNoteSigner(
  sha256: Sha256,
  key: { readonly name: string; readonly publicKey: Uint8Array; sign(message: Uint8Array): Uint8Array },
): NoteSigner {
  const keyId = keyIdOf(sha256, ...assertNoteKey(key.name, ED25519_NOTE, key.publicKey));
  return { name: key.name, keyId, sign: (message) => key.sign(message) };
}

/** Returns the parts of an Ed25519 key, of whatever signature type.
 *  @throws {TypeError} the name is not a key name or the public key has not 32 bytes */
export function assertNoteKey(
  name: string,
  type: number,
  publicKey: Uint8Array,
): [name: string, type: number, publicKey: Uint8Array] {
  if (!isKeyName(name))
    throw new TypeError('a key name is not empty and has neither white space nor plus sign');
  if (publicKey.length !== PUBLIC_KEY_BYTES) throw new TypeError('an Ed25519 public key has 32 bytes');
  return [name, type, publicKey];
}
