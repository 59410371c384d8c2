import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { decodeHex, encodeHex } from '../encoding/hex.js';
import { isEd25519PublicKey, verifyEd25519 } from './ed25519.js';

const KEY = ed25519.getPublicKey(new Uint8Array(32).fill(7));
const holds = (): boolean => true;
const littleEndian = (value: bigint): Uint8Array =>
  decodeHex(value.toString(16).padStart(64, '0')).toReversed();
const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;

describe('the Ed25519 acceptance rule', () => {
  it('refuses all eight points of small order, and their other sign', () => {
    expect(ED25519_TORSION_SUBGROUP).toHaveLength(8);
    for (const hex of ED25519_TORSION_SUBGROUP) {
      const point = decodeHex(hex);
      expect(isEd25519PublicKey(point)).toBe(false);
      point[31]! ^= 0x80;
      expect(isEd25519PublicKey(point)).toBe(false);
    }
  });

  it('refuses y at and above the field prime, accepts what lies below', () => {
    for (let y = P; y < 2n ** 255n; y++) expect(isEd25519PublicKey(littleEndian(y))).toBe(false);
    expect(isEd25519PublicKey(littleEndian(P - 2n))).toBe(true);
    expect(isEd25519PublicKey(littleEndian(P - 257n))).toBe(true);
    expect(isEd25519PublicKey(KEY)).toBe(true);
  });

  it('refuses keys and signatures of another length', () => {
    for (const length of [0, 31, 33]) expect(isEd25519PublicKey(new Uint8Array(length).fill(9))).toBe(false);
    const good = new Uint8Array(64).fill(1);
    expect(verifyEd25519(holds, good, KEY, KEY)).toBe(true);
    for (const bad of [good.subarray(1), new Uint8Array(65).fill(1), new Uint8Array(0)]) {
      expect(verifyEd25519(holds, bad, KEY, KEY)).toBe(false);
    }
    expect(verifyEd25519(holds, good, KEY, KEY.subarray(1))).toBe(false);
  });

  it('bounds S below the group order', () => {
    const withS = (s: bigint): Uint8Array => Uint8Array.from([...KEY, ...littleEndian(s)]);
    for (const s of [0n, 1n, L - 1n]) expect(verifyEd25519(holds, withS(s), KEY, KEY)).toBe(true);
    for (const s of [L, L + 1n, 2n ** 253n, 2n ** 256n - 1n]) {
      expect(verifyEd25519(holds, withS(s), KEY, KEY)).toBe(false);
    }
  });

  it('refuses R of small order and R out of the field', () => {
    for (const hex of [...ED25519_TORSION_SUBGROUP, encodeHex(littleEndian(P + 3n))]) {
      const signature = Uint8Array.from([...decodeHex(hex), ...littleEndian(1n)]);
      expect(verifyEd25519(holds, signature, KEY, KEY)).toBe(false);
    }
  });

  it('asks the equation last', () => {
    expect(verifyEd25519(() => false, new Uint8Array(64).fill(1), KEY, KEY)).toBe(false);
  });
});
