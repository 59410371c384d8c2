import { decodeHex } from '../encoding/hex.js';

/** A provider's own check that S·B = R + k·A holds without cofactor, where R is compared by its encoding. */
export type Ed25519Equation = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;

/** The order of the base point, little-endian (RFC 8032 section 5.1). */
const L = decodeHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');

/** The y coordinates of the eight points of small order. Each with either sign of x: an encoding whose x is zero
 *  and sign is set, the other way to be non-canonical, is thereby refused too (y is 1 or -1). */
const SMALL_ORDER: readonly Uint8Array[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map(decodeHex);

/** The one Ed25519 acceptance rule (talos protocol 2), the same for every provider: public key and R are canonical
 *  encodings of points that are not of small order, S is below the group order, and the equation holds without
 *  cofactor. It accepts nothing that any common verifier refuses, so that a signature valid here is valid
 *  everywhere. Only public values come in, hence no care for timing. */
export function verifyEd25519(
  equation: Ed25519Equation,
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  if (signature.length !== 64 || !isEd25519PublicKey(publicKey)) return false;
  return isSoundPoint(signature) && isBelowOrder(signature) && equation(signature, message, publicKey);
}

/** True for 32 bytes that encode a y coordinate canonically and not that of a point of small order. Whether the
 *  point lies on the curve is left to verification, where it fails. */
export function isEd25519PublicKey(bytes: Uint8Array): boolean {
  return bytes.length === 32 && isSoundPoint(bytes);
}

/** Looks at the first 32 bytes. */
function isSoundPoint(bytes: Uint8Array): boolean {
  if (!isCanonicalY(bytes)) return false;
  for (const y of SMALL_ORDER) if (hasY(bytes, y)) return false;
  return true;
}

/** y < p = 2^255 - 19, little-endian; the top bit is the sign of x. */
function isCanonicalY(bytes: Uint8Array): boolean {
  if (((bytes[31] as number) & 0x7f) !== 0x7f) return true;
  for (let i = 30; i > 0; i--) if (bytes[i] !== 0xff) return true;
  return (bytes[0] as number) < 0xed;
}

function hasY(bytes: Uint8Array, y: Uint8Array): boolean {
  for (let i = 0; i < 31; i++) if (bytes[i] !== y[i]) return false;
  return ((bytes[31] as number) & 0x7f) === y[31];
}

/** S, the second half of the signature, is below the group order. */
function isBelowOrder(signature: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) {
    const difference = (signature[32 + i] as number) - (L[i] as number);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
