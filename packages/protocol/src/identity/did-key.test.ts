import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import { encodeBase58 } from '../encoding/base58.js';
import { isTrustError } from '../error.js';
import { encodeDidKey, encodeMultikey, parseDidKey, parseMultikey } from './did-key.js';

const KEY = portableCrypto.ed25519PublicKey(new Uint8Array(32));
const DID = 'did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp';
const multibase = (...bytes: number[]): string => `z${encodeBase58(Uint8Array.from(bytes))}`;

describe('did:key', () => {
  it('round-trips Ed25519 keys', () => {
    expect(encodeDidKey(KEY)).toBe(DID);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (seed) => {
        const key = portableCrypto.ed25519PublicKey(seed);
        expect(encodeDidKey(key)).toMatch(/^did:key:z6Mk[1-9A-Za-z]{44}$/);
        expect(parseDidKey(encodeDidKey(key))).toEqual(key);
        expect(parseMultikey(encodeMultikey(key))).toEqual(key);
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    ['', ''],
    ['another method', 'did:web:example.com'],
    ['capitals', DID.replace('did', 'DID')],
    ['a fragment', `${DID}#${DID.slice(8)}`],
    ['a query', `${DID}?a=b`],
    ['white space', `${DID} `],
    ['another multibase', `did:key:u${Buffer.from([0xed, 1, ...KEY]).toString('base64url')}`],
    ['no multibase', `did:key:${DID.slice(9)}`],
    ['a leading zero byte', DID.replace(':z', ':z1')],
    ['a short key', `did:key:${multibase(0xed, 1, ...KEY.subarray(1))}`],
    ['a long key', `did:key:${multibase(0xed, 1, ...KEY, 0)}`],
    ['an overlong varint', `did:key:${multibase(0xed, 0x81, 0, ...KEY)}`],
    ['X25519', `did:key:${multibase(0xec, 1, ...KEY)}`],
    ['P-256', `did:key:${multibase(0x80, 0x24, 2, ...KEY)}`],
    ['nothing', 'did:key:z'],
    ['a key of small order', `did:key:${multibase(0xed, 1, 1, ...new Uint8Array(31))}`],
    ['a non-canonical key', `did:key:${multibase(0xed, 1, 0xf0, ...new Uint8Array(30).fill(255), 0x7f)}`],
    ['an endless one', `did:key:z${'6'.repeat(100_000)}`],
  ])('refuses %s', (_, did) => {
    expect(() => parseDidKey(did)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  });

  it('does not encode what it would not parse', () => {
    expect(() => encodeDidKey(new Uint8Array(32))).toThrow(RangeError);
    expect(() => encodeDidKey(KEY.subarray(1))).toThrow(RangeError);
  });

  it('answers mutated text with a key of just that DID, or a TrustError', () => {
    const base58 = fc.stringMatching(/^[1-9A-HJ-NP-Za-km-z]$/);
    fc.assert(
      fc.property(fc.nat(DID.length - 1), fc.oneof(base58, fc.string({ unit: 'binary' })), (at, text) => {
        const did = DID.slice(0, at) + text + DID.slice(at + 1);
        try {
          expect(encodeDidKey(parseDidKey(did))).toBe(did);
        } catch (error) {
          if (!isTrustError(error)) throw error;
        }
      }),
      { numRuns: 1000 },
    );
  });
});
