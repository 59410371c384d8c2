import * as nodeCrypto from 'node:crypto';
import { assertHkdf, assertSecret, refusedX25519 } from '../crypto/bounds.js';
import { verifyEd25519 } from '../crypto/ed25519.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { nodeCodec } from './codec.js';
import { createHmacSha256 } from './hmac.js';
import {
  createPrivateKeyCache,
  createPublicKeyCache,
  exportPublicKey,
  importPrivateKey,
  importPublicKey,
} from './key-cache.js';
import { createMacRooms, type LatinSha256 } from './mac-room.js';

const PUBLIC_KEYS = 4096;

/** The crypto port on OpenSSL through `node:crypto`, for servers and command lines. Imported keys are kept: up to
 *  4096 public ones, private ones as long as their seed array lives; reuse the array to profit. */
export function createNodeCrypto(): CryptoProvider {
  return {
    name: 'node',
    ...hashes(oneShotSha256(nodeCrypto)),
    codec: nodeCodec,
    ...ed25519(),
    x25519PublicKey,
    x25519,
  };
}

/** How to hash at once: `latin1` is one character per byte, and faster than a Buffer. */
type OneShot = (data: Uint8Array | string, encoding: 'hex' | 'latin1' | 'base64url') => string;

/** `crypto.hash` came with Node 20.12 and takes a quarter of the time of a Hash object. */
export function oneShotSha256({ hash }: Partial<typeof nodeCrypto>): OneShot {
  if (hash !== undefined) return (data, encoding) => hash('sha256', data, encoding as 'hex');
  return (data, encoding) =>
    nodeCrypto
      .createHash('sha256')
      .update(data)
      .digest(encoding as 'hex');
}

/** `hash` alone: through a Hash object two hashes are no faster than `createHmac`. */
export function latinSha256({ hash }: Partial<typeof nodeCrypto>): LatinSha256 {
  return hash === undefined ? undefined : (data) => hash('sha256', data, 'latin1' as 'hex');
}

type Hashes = Pick<
  CryptoProvider,
  'sha256' | 'sha256Hex' | 'sha256Ascii' | 'hmacSha256' | 'createMacRoom' | 'hkdfSha256'
>;

function hashes(hash: OneShot): Hashes {
  return {
    sha256: (data) => fromLatin1(hash(data, 'latin1')),
    sha256Hex: (data) => hash(data, 'hex'),
    sha256Ascii: (text) => hash(text, 'base64url'),
    hmacSha256: createHmacSha256(latinSha256(nodeCrypto)),
    createMacRoom: createMacRooms(latinSha256(nodeCrypto)),
    hkdfSha256(ikm, salt, info, length) {
      assertHkdf(info, length);
      return new Uint8Array(nodeCrypto.hkdfSync('sha256', ikm, salt, info, length));
    },
  };
}

type Ed25519 = Pick<CryptoProvider, 'ed25519PublicKey' | 'ed25519Sign' | 'ed25519Verify'>;

function ed25519(): Ed25519 {
  const privateKey = createPrivateKeyCache();
  const publicKey = createPublicKeyCache(PUBLIC_KEYS);
  /** OpenSSL computes S·B - k·A and compares encodings: without cofactor, as the rule wants. */
  const equation = (signature: Uint8Array, message: Uint8Array, raw: Uint8Array): boolean =>
    nodeCrypto.verify(null, message, publicKey(raw), signature);
  return {
    ed25519PublicKey(seed) {
      assertSecret(seed);
      return exportPublicKey(privateKey(seed));
    },
    ed25519Sign(message, seed) {
      assertSecret(seed);
      return plain(nodeCrypto.sign(null, message, privateKey(seed)));
    },
    ed25519Verify: (signature, message, raw) => verifyEd25519(equation, signature, message, raw),
  };
}

function x25519PublicKey(secret: Uint8Array): Uint8Array {
  assertSecret(secret);
  return exportPublicKey(importPrivateKey('x25519', secret));
}

/** OpenSSL itself fails on an all-zero result. */
function x25519(secret: Uint8Array, raw: Uint8Array): Uint8Array {
  assertSecret(secret);
  const privateKey = importPrivateKey('x25519', secret);
  try {
    const publicKey = importPublicKey('x25519', raw);
    return plain(nodeCrypto.diffieHellman({ privateKey, publicKey }));
  } catch (cause) {
    throw refusedX25519(cause);
  }
}

function fromLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** A Buffer's `slice` shares memory where that of a Uint8Array copies: callers get what the port promises. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer);
}
