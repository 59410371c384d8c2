import { malformed, type TrustError } from '../error.js';

/** Seeds, scalars and keys of both curves are 32 bytes.
 *  @throws {RangeError} another length */
export function assertSecret(secret: Uint8Array): void {
  if (secret.length !== 32) throw new RangeError('a seed or secret is 32 bytes');
}

/** Bounds that every provider keeps: RFC 5869 allows 255 blocks, and OpenSSL limits `info`.
 *  @throws {RangeError} outside them */
export function assertHkdf(info: Uint8Array, length: number): void {
  if (!Number.isInteger(length) || length < 1 || length > 255 * 32)
    throw new RangeError('length of HKDF output');
  if (info.length > 1024) throw new RangeError('HKDF info is limited to 1024 bytes');
}

/** Why an X25519 public key was refused. */
export function refusedX25519(cause?: unknown): TrustError {
  return malformed('an X25519 public key of small order or wrong length', cause);
}
