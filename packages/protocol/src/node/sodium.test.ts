import fc from 'fast-check';
import sodium from 'sodium-native';
import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import { createFastestCrypto, createNodeCrypto, createSodiumCrypto, type Sodium } from './index.js';

const providers = [createNodeCrypto(), createSodiumCrypto(sodium)];
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('the fastest provider', () => {
  it('is that of libsodium where it is installed', async () => {
    expect((await createFastestCrypto()).name).toBe('sodium');
  });

  it.each<[string, () => Promise<unknown>]>([
    ['is not installed', () => Promise.reject(new Error('ERR_MODULE_NOT_FOUND'))],
    ['has another shape', async () => ({})],
    ['lacks the functions', async () => ({ default: {} })],
    ['accepts everything', async () => ({ default: { ...sodium, crypto_sign_verify_detached: () => true } })],
    ['accepts nothing', async () => ({ default: { ...sodium, crypto_sign_verify_detached: () => false } })],
  ])('is that of Node where libsodium %s', async (_, load) => {
    expect((await createFastestCrypto(load)).name).toBe('node');
  });

  it('never is one that multiplies by the cofactor', () => {
    const lax: Sodium = { ...sodium, crypto_sign_verify_detached: () => true };
    expect(() => createSodiumCrypto(lax)).toThrow('one Ed25519 rule');
  });
});

describe('native providers', () => {
  /** A byte of the key, of R, of S or of the message is changed, or replaced by an edge of its range. */
  const mutation = fc.record({
    part: fc.constantFrom<'key' | 'signature' | 'message'>('key', 'signature', 'message'),
    at: fc.nat(63),
    value: fc.oneof(fc.constantFrom(0, 1, 0x10, 0x7f, 0x80, 0xec, 0xed, 0xff), fc.nat(255)),
  });

  it('agree with the portable one on mutated keys and signatures', () => {
    fc.assert(
      fc.property(
        seeds,
        fc.uint8Array({ maxLength: 64 }),
        fc.array(mutation, { maxLength: 3 }),
        (seed, text, changes) => {
          const parts = {
            key: portableCrypto.ed25519PublicKey(seed),
            signature: portableCrypto.ed25519Sign(text, seed),
            message: text.slice(),
          };
          for (const { part, at, value } of changes)
            parts[part][at % Math.max(1, parts[part].length)] = value;
          const { key, signature, message } = parts;
          const expected = portableCrypto.ed25519Verify(signature, message, key);
          if (changes.length === 0) expect(expected).toBe(true);
          for (const crypto of providers)
            expect(crypto.ed25519Verify(signature, message, key)).toBe(expected);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('agree with the portable one on shared secrets, whatever the key', () => {
    const edges = fc.uint8Array({ minLength: 31, maxLength: 31 }).map((rest) => Uint8Array.of(...rest, 0x80));
    const answer = (crypto: typeof portableCrypto, secret: Uint8Array, key: Uint8Array): unknown => {
      try {
        return crypto.x25519(secret, key);
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    const low = fc.constantFrom(...[0, 1].map((first) => Uint8Array.of(first, ...new Uint8Array(31))));
    fc.assert(
      fc.property(seeds, fc.oneof(seeds, edges, low, fc.uint8Array({ maxLength: 33 })), (secret, key) => {
        const expected = answer(portableCrypto, secret, key);
        for (const crypto of providers) {
          expect(answer(crypto, secret, key)).toEqual(expected);
          expect(crypto.x25519PublicKey(secret)).toEqual(portableCrypto.x25519PublicKey(secret));
        }
      }),
      { numRuns: 40 },
    );
  });
});
