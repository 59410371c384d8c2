import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto';
import {
  decodeBase64url,
  encodeBase64url,
  isJsonObject,
  type JsonValue,
  parseJsonObject,
  TrustError,
} from '@talosprotocol/protocol';

/** What a key file holds: the 32-byte seed of an Ed25519 key, and the public identity it belongs to. */
export interface StoredKey {
  /** What the key is for: `log`, `gateway`, or the name a person gave it. 1 to 64 of `a-z 0-9 - _ .`. */
  readonly name: string;
  /** The DID of the key, or empty if it has none; shown without the passphrase. */
  readonly did: string;
  /** 32 bytes. Secret: never log it. */
  readonly seed: Uint8Array;
}

/** The text of a key file, version 1: one JSON object and a line feed.
 *
 *  Without a passphrase `{ "talos_key": 1, "name", "did", "seed": base64url }`; with one `seed` gives way to
 *  `"sealed": { "kdf": "scrypt", "n": 131072, "r": 8, "p": 1, "salt", "cipher": "aes-256-gcm", "nonce", "data" }`,
 *  where `data` is ciphertext || 16-byte tag, the key is scrypt(passphrase in NFC, salt) (RFC 7914) and the associated data is
 *  the UTF-8 text `talos-key-v1` LF name LF did. Takes about 0.3 s and 128 MB with a passphrase.
 *  The file's mode (0600) is the caller's business. */
export function encodeKeyEnvelope(key: StoredKey, passphrase?: string): string {
  if (!NAME.test(key.name) || key.seed.length !== 32) throw new RangeError('not a key to store');
  const head = { talos_key: 1, name: key.name, did: key.did };
  const body =
    passphrase === undefined ? { seed: encodeBase64url(key.seed) } : { sealed: seal(key, passphrase) };
  return `${JSON.stringify({ ...head, ...body })}\n`;
}

/** Reads the text of a key file.
 *  @throws {TrustError} MALFORMED if it is no key file of a known version; PROOF_INVALID if the passphrase is
 *  missing or wrong, or the file was altered (which of the two cannot be told) */
export function decodeKeyEnvelope(text: string, passphrase?: string): StoredKey {
  const { name, did, seed, sealed } = parseEnvelope(text);
  if (seed !== undefined) return { name, did, seed: fromBase64url(seed, 32) };
  if (passphrase === undefined) {
    throw new TrustError('PROOF_INVALID', 'the key file is encrypted', { hint: 'set TALOS_KEY_PASSPHRASE' });
  }
  return { name, did, seed: unseal(parseSealed(sealed), name, did, passphrase) };
}

/** True if the text is a key file whose seed is encrypted. */
export function isSealedEnvelope(text: string): boolean {
  return parseEnvelope(text).sealed !== undefined;
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const DID = /^(?:did:[a-z0-9]+:[A-Za-z0-9.:%_-]{1,256})?$/;
const COST = { n: 131_072, r: 8, p: 1 };
const MAX_BYTES = 4096;

interface Sealed {
  readonly n: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  readonly data: Uint8Array;
}

function seal(key: StoredKey, passphrase: string): Record<string, string | number> {
  const salt = randomBytes(16);
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', derive(passphrase, salt, COST), nonce);
  cipher.setAAD(associated(key.name, key.did));
  const data = Buffer.concat([cipher.update(key.seed), cipher.final(), cipher.getAuthTag()]);
  const encoded = { salt: encodeBase64url(salt), cipher: 'aes-256-gcm', nonce: encodeBase64url(nonce) };
  return { kdf: 'scrypt', ...COST, ...encoded, data: encodeBase64url(data) };
}

function unseal(sealed: Sealed, name: string, did: string, passphrase: string): Uint8Array {
  const key = derive(passphrase, sealed.salt, sealed);
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.nonce, { authTagLength: 16 });
  decipher.setAAD(associated(name, did));
  decipher.setAuthTag(sealed.data.subarray(32));
  try {
    return new Uint8Array(Buffer.concat([decipher.update(sealed.data.subarray(0, 32)), decipher.final()]));
  } catch {
    throw new TrustError('PROOF_INVALID', 'wrong passphrase, or the key file was altered');
  }
}

function derive(passphrase: string, salt: Uint8Array, cost: Pick<Sealed, 'n' | 'r' | 'p'>): Buffer {
  const { n, r, p } = cost;
  return scryptSync(passphrase.normalize('NFC'), salt, 32, { N: n, r, p, maxmem: 256 * n * r });
}

function associated(name: string, did: string): Buffer {
  return Buffer.from(`talos-key-v1\n${name}\n${did}`);
}

interface Envelope {
  readonly name: string;
  readonly did: string;
  readonly seed?: string;
  readonly sealed?: JsonValue | undefined;
}

function parseEnvelope(text: string): Envelope {
  const value = parseJsonObject(text, { maxBytes: MAX_BYTES, maxDepth: 3 });
  const { talos_key: version, name, did, seed, sealed } = value;
  if (version !== 1) throw malformed('the key file is of an unknown version');
  const closed = Object.keys(value).length === 4 && (seed === undefined) !== (sealed === undefined);
  if (!closed || !isMatch(name, NAME) || !isMatch(did, DID)) throw malformed('not a key file');
  if (seed === undefined) return { name, did, sealed };
  if (typeof seed !== 'string') throw malformed('not a key file');
  return { name, did, seed };
}

function parseSealed(value: JsonValue | undefined): Sealed {
  if (!isJsonObject(value)) throw malformed('not a key file');
  const { kdf, cipher, n, r, p, salt, nonce, data, ...rest } = value;
  const known = kdf === 'scrypt' && cipher === 'aes-256-gcm' && Object.keys(rest).length === 0;
  // Other costs would let a file ask for any amount of memory.
  if (!known || n !== COST.n || r !== COST.r || p !== COST.p)
    throw malformed('unknown encryption of a key file');
  return {
    ...COST,
    salt: fromBase64url(salt, 16),
    nonce: fromBase64url(nonce, 12),
    data: fromBase64url(data, 48),
  };
}

function isMatch(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value);
}

function fromBase64url(value: JsonValue | undefined, length: number): Uint8Array {
  const bytes = decodeBase64url(typeof value === 'string' ? value.slice(0, 2 * length) : '');
  if (bytes.length !== length) throw malformed('a value of the key file is damaged');
  return bytes;
}

function malformed(reason: string): TrustError {
  return new TrustError('MALFORMED', reason);
}
