import { assertSecret, refusedX25519 } from '../crypto/bounds.js';
import { type Ed25519Equation, verifyEd25519 } from '../crypto/ed25519.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { decodeHex } from '../encoding/hex.js';
import { createNodeCrypto } from './crypto.js';

/** What is used of `sodium-native`. */
export interface Sodium {
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
  crypto_scalarmult(shared: Uint8Array, secret: Uint8Array, publicKey: Uint8Array): void;
  crypto_scalarmult_base(publicKey: Uint8Array, secret: Uint8Array): void;
}

/** The crypto port on OpenSSL with the curves of libsodium, which verifies twice as fast and agrees on keys more than
 *  ten times as fast. Takes the module, so that nobody loads native code by surprise; see `createFastestCrypto`.
 *  @throws {Error} a libsodium that does not verify by the one Ed25519 rule */
export function createSodiumCrypto(sodium: Sodium): CryptoProvider {
  const equation: Ed25519Equation = (signature, message, publicKey) =>
    sodium.crypto_sign_verify_detached(signature, message, publicKey);
  assertCofactorless(equation);
  return {
    ...createNodeCrypto(),
    name: 'sodium',
    ed25519Verify: (signature, message, raw) => verifyEd25519(equation, signature, message, raw),
    x25519PublicKey(secret) {
      assertSecret(secret);
      const publicKey = new Uint8Array(32);
      sodium.crypto_scalarmult_base(publicKey, secret);
      return publicKey;
    },
    x25519(secret, publicKey) {
      assertSecret(secret);
      const shared = new Uint8Array(32);
      try {
        sodium.crypto_scalarmult(shared, secret, publicKey);
      } catch (cause) {
        throw refusedX25519(cause);
      }
      return shared;
    },
  };
}

/** The fastest provider of this host: with `sodium-native` where it is installed and works, else that of
 *  `createNodeCrypto`. Both give the same answers. */
export async function createFastestCrypto(
  load: () => Promise<unknown> = loadSodium,
): Promise<CryptoProvider> {
  try {
    const { default: sodium } = (await load()) as { readonly default: Sodium };
    return createSodiumCrypto(sodium);
  } catch {
    return createNodeCrypto();
  }
}

function loadSodium(): Promise<unknown> {
  return import('sodium-native');
}

const MESSAGE = Uint8Array.of(...[...'cofactor'].map((character) => character.charCodeAt(0)));
const KEY = decodeHex('ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c');
const GOOD = decodeHex(
  '7767a3242dc9b58bbc68488c1265cc6cc5f26c6f3c88a5d55e901b0734dca57243de0d098097aa922a5f607cf278edf3fbcbdfc09d3127708a6c54d3825d3b0c',
);
/** As GOOD, but a point of order 8 was added to R: only a verifier that multiplies by the cofactor accepts it. */
const COFACTORED = decodeHex(
  '6a84d583f06569edb3f5ed77df65544b27d6948b4f0b2cb76f33dd8413b207192f81cc8aa20bdd34610b095d736c9a86745bbe1b93798e3c6d0e8d496a2fe50a',
);

/** Releases of libsodium have not all computed the same equation, and which one is installed is up to the user. */
function assertCofactorless(equation: Ed25519Equation): void {
  if (equation(GOOD, MESSAGE, KEY) && !equation(COFACTORED, MESSAGE, KEY)) return;
  throw new Error('this libsodium does not verify by the one Ed25519 rule');
}
