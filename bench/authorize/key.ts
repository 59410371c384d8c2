import { createPublicKey, type KeyObject } from 'node:crypto';

/** Imports a raw Ed25519 public key for `node:crypto`. */
export function ed25519Key(raw: Uint8Array): KeyObject {
  const x = Buffer.from(raw).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}
