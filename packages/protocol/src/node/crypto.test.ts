import fc from 'fast-check';
import sodium from 'sodium-native';
import { describe, expect, it } from 'vitest';
import { portableCodec } from '../crypto/codec.js';
import { portableCrypto } from '../crypto/portable.js';
import { encodeHex } from '../encoding/hex.js';
import { nodeCodec } from './codec.js';
import { createNodeCrypto, oneShotSha256 } from './crypto.js';
import { createPrivateKeyCache, createPublicKeyCache } from './key-cache.js';
import { createSodiumCrypto } from './sodium.js';

const nodeCrypto = createNodeCrypto();
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('the two crypto providers', () => {
  it('agree on every hash, MAC and derived key', () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(bytes, bytes, bytes, fc.integer({ min: 1, max: 300 }), (a, b, c, length) => {
        expect(nodeCrypto.sha256(a)).toEqual(portableCrypto.sha256(a));
        expect(nodeCrypto.sha256Hex(a)).toBe(encodeHex(portableCrypto.sha256(a)));
        expect(portableCrypto.sha256Hex(a)).toBe(oneShotSha256({})(a, 'hex'));
        expect(nodeCrypto.hmacSha256(a, b)).toEqual(portableCrypto.hmacSha256(a, b));
        expect(nodeCrypto.hkdfSha256(a, b, c, length)).toEqual(portableCrypto.hkdfSha256(a, b, c, length));
      }),
    );
  });

  it('agree on signatures, keys and shared secrets', () => {
    fc.assert(
      fc.property(seeds, seeds, fc.uint8Array(), (mine, yours, message) => {
        const [publicKey, signature] = [
          nodeCrypto.ed25519PublicKey(mine),
          nodeCrypto.ed25519Sign(message, mine),
        ];
        expect(portableCrypto.ed25519PublicKey(mine)).toEqual(publicKey);
        expect(portableCrypto.ed25519Sign(message, mine)).toEqual(signature);
        const theirs = portableCrypto.x25519PublicKey(yours);
        expect(nodeCrypto.x25519PublicKey(yours)).toEqual(theirs);
        const shared = nodeCrypto.x25519(mine, theirs);
        expect(portableCrypto.x25519(mine, theirs)).toEqual(shared);
        expect(portableCrypto.x25519(yours, nodeCrypto.x25519PublicKey(mine))).toEqual(shared);
      }),
      { numRuns: 20 },
    );
  });
});

describe.each([nodeCrypto, createSodiumCrypto(sodium), portableCrypto])('$name crypto', (crypto) => {
  const seed = new Uint8Array(32).fill(3);
  const message = Uint8Array.of(1, 2, 3);

  it('verifies what it signed and nothing altered by one bit', () => {
    const publicKey = crypto.ed25519PublicKey(seed);
    const signature = crypto.ed25519Sign(message, seed);
    expect(crypto.ed25519Verify(signature, message, publicKey)).toBe(true);
    expect(crypto.ed25519Verify(signature, Uint8Array.of(1, 2, 2), publicKey)).toBe(false);
    for (let bit = 0; bit < 512; bit += 3) {
      const altered = Uint8Array.from(signature);
      altered[bit >> 3]! ^= 1 << (bit & 7);
      expect(crypto.ed25519Verify(altered, message, publicKey)).toBe(false);
    }
  });

  it('answers hostile keys and signatures with false', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ maxLength: 40 }), seeds, (a, b, key) => {
        expect(crypto.ed25519Verify(a, message, b)).toBe(false);
        expect(crypto.ed25519Verify(new Uint8Array(64).fill(9), message, key)).toBe(false);
      }),
    );
    const signature = Uint8Array.from([...crypto.ed25519PublicKey(seed), ...new Uint8Array(32)]);
    const offCurve = Uint8Array.of(2, ...new Uint8Array(31));
    expect(crypto.ed25519Verify(signature, message, offCurve)).toBe(false);
  });

  it('treats a seed of another length as a bug', () => {
    for (const length of [0, 31, 33, 64]) {
      const short = new Uint8Array(length);
      expect(() => crypto.ed25519PublicKey(short)).toThrow(RangeError);
      expect(() => crypto.ed25519Sign(message, short)).toThrow(RangeError);
      expect(() => crypto.x25519PublicKey(short)).toThrow(RangeError);
      expect(() => crypto.x25519(short, seed)).toThrow(RangeError);
    }
  });

  it('refuses a public key whose shared secret everyone knows', () => {
    for (const hex of ['00', '01']) {
      const low = new Uint8Array(32);
      low[0] = Number.parseInt(hex, 16);
      expect(() => crypto.x25519(seed, low)).toThrow('small order');
    }
    expect(() => crypto.x25519(seed, seed.subarray(1))).toThrow('malformed');
  });

  it('keeps the bounds of HKDF', () => {
    const derive = (info: number, length: number) =>
      crypto.hkdfSha256(seed, seed, new Uint8Array(info), length);
    expect(derive(1024, 8160)).toHaveLength(8160);
    for (const length of [0, -1, 1.5, 8161]) expect(() => derive(0, length)).toThrow(RangeError);
    expect(() => derive(1025, 32)).toThrow(RangeError);
  });

  it('returns plain bytes that share no memory', () => {
    const outputs = [
      crypto.sha256(message),
      crypto.hmacSha256(seed, message),
      crypto.ed25519Sign(message, seed),
      crypto.ed25519PublicKey(seed),
      crypto.x25519(seed, crypto.x25519PublicKey(seed)),
    ];
    for (const output of outputs) {
      expect(Object.getPrototypeOf(output)).toBe(Uint8Array.prototype);
      expect(output.buffer.byteLength).toBe(output.length);
    }
  });
});

describe('the codec of Node', () => {
  const outcome = (read: () => unknown): unknown => {
    try {
      return read();
    } catch (error) {
      return String(error);
    }
  };

  it('reads base64url as strictly as the portable one', () => {
    const near = fc.string({ unit: fc.constantFrom(...'AQgwZ09-_+/= \n\u0100é'), maxLength: 12 });
    const odd = fc.constantFrom('AA==', 'AB', 'A', 'AAF', 'A A', 'AA\n', '+/', 'AAÿ', 'A\u0141');
    fc.assert(
      fc.property(fc.oneof(near, odd, fc.string()), (text) => {
        const expected = outcome(() => [...portableCodec.decodeBase64url(text)]);
        expect(outcome(() => [...nodeCodec.decodeBase64url(text)])).toEqual(expected);
      }),
    );
  });

  it('writes and hashes ASCII as the portable one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
        expect([...nodeCodec.encodeAscii(text)]).toEqual([...portableCodec.encodeAscii(text)]);
        expect(nodeCrypto.sha256Ascii(text)).toBe(portableCrypto.sha256Ascii(text));
        expect(oneShotSha256({})(text, 'base64url')).toBe(nodeCrypto.sha256Ascii(text));
      }),
    );
  });
});

describe('key caches', () => {
  const publicKey = (byte: number): Uint8Array =>
    portableCrypto.ed25519PublicKey(new Uint8Array(32).fill(byte));

  it('import a public key once and forget those beyond their bound that were not used', () => {
    const cache = createPublicKeyCache(2);
    const first = cache(publicKey(1));
    expect(cache(publicKey(1))).toBe(first);
    const second = cache(publicKey(2));
    expect(cache(publicKey(1))).toBe(first);
    cache(publicKey(3));
    expect(cache(publicKey(1))).toBe(first);
    expect(cache(publicKey(2))).not.toBe(second);
  });

  it('never sign with the key of a seed that was overwritten', () => {
    const seed = new Uint8Array(32).fill(1);
    const cache = createPrivateKeyCache();
    const first = cache(seed);
    expect(cache(seed)).toBe(first);
    seed.fill(2);
    expect(cache(seed)).not.toBe(first);
    const message = Uint8Array.of(5);
    const before = nodeCrypto.ed25519Sign(message, seed);
    seed.fill(3);
    expect(nodeCrypto.ed25519Sign(message, seed)).not.toEqual(before);
    expect(nodeCrypto.ed25519Sign(message, seed)).toEqual(portableCrypto.ed25519Sign(message, seed));
  });
});
