import type { Signer } from '../crypto/jws.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { encodeDidKey } from './did-key.js';

/** Makes the signer of a `did:key` from its 32-byte Ed25519 seed. The seed is copied and is in no property of the
 *  result, so that printing a signer shows no secret.
 *  @throws {RangeError} a seed of another length */
export function createSigner(seed: Uint8Array, crypto: CryptoProvider): Signer {
  const own = Uint8Array.from(seed);
  const publicKey = crypto.ed25519PublicKey(own);
  return { did: encodeDidKey(publicKey), publicKey, sign: (message) => crypto.ed25519Sign(message, own) };
}
