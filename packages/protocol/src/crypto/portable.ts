import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { encodeBase64url } from '../encoding/base64url.js';
import { encodeHex } from '../encoding/hex.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { assertHkdf, assertSecret, refusedX25519 } from './bounds.js';
import { portableCodec } from './codec.js';
import { verifyEd25519 } from './ed25519.js';
import { equalBytes } from './equal.js';
import type { CryptoProvider } from './provider.js';

const { Point } = ed25519;

/** The crypto port in plain JavaScript, on the audited noble libraries: for browsers, and wherever there is no
 *  better one. BigInt arithmetic takes time that depends on secrets; where an attacker can measure that, use a
 *  native provider. */
export const portableCrypto: CryptoProvider = {
  name: 'portable',
  sha256,
  sha256Hex: (data) => encodeHex(sha256(data)),
  sha256Ascii: (text) => encodeBase64url(sha256(encodeUtf8(text))),
  codec: portableCodec,
  hmacSha256: (key, data) => hmac(sha256, key, data),
  createMacRoom(size) {
    const message = new Uint8Array(size);
    return {
      message,
      isMac(mac, keys, at, length) {
        const key = new Uint8Array(keys.buffer, keys.byteOffset + 4 * at, 32);
        const expected = hmac(sha256, key, message.subarray(0, length)).subarray(0, mac.length);
        return mac.length >= 16 && equalBytes(mac, expected);
      },
    };
  },
  hkdfSha256(ikm, salt, info, length) {
    assertHkdf(info, length);
    return hkdf(sha256, ikm, salt, info, length);
  },
  ed25519PublicKey(seed) {
    assertSecret(seed);
    return ed25519.getPublicKey(seed);
  },
  ed25519Sign(message, seed) {
    assertSecret(seed);
    return ed25519.sign(message, seed);
  },
  ed25519Verify: (signature, message, publicKey) =>
    verifyEd25519(holdsWithoutCofactor, signature, message, publicKey),
  x25519PublicKey(secret) {
    assertSecret(secret);
    return x25519.getPublicKey(secret);
  },
  x25519(secret, publicKey) {
    assertSecret(secret);
    try {
      return x25519.getSharedSecret(secret, publicKey);
    } catch (cause) {
      throw refusedX25519(cause);
    }
  },
};

/** noble's own `verify` multiplies by the cofactor, so the equation is computed here: R = S·B - k·A, by encoding. */
function holdsWithoutCofactor(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  const r = signature.subarray(0, 32);
  const k = toScalar(sha512.create().update(r).update(publicKey).update(message).digest());
  const s = toScalar(signature.subarray(32));
  try {
    const a = Point.fromBytes(publicKey);
    const expected = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k));
    return equalBytes(expected.toBytes(), r);
  } catch {
    return false; // the key is not a point of the curve
  }
}

function toScalar(littleEndian: Uint8Array): bigint {
  return Point.Fn.create(BigInt(`0x${encodeHex(littleEndian.toReversed())}`));
}
