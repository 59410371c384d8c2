import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTrustError } from '../error.js';
import { decodeHex, encodeHex } from './hex.js';

describe('hex', () => {
  it('round-trips, in lower case', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(encodeHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(decodeHex(encodeHex(bytes))).toEqual(bytes);
      }),
    );
  });

  it.each(['a', 'AB', '0g', 'g0', '0x', ' 00', '0:', '/0', '`0', 'é0', '0\uffff'])('refuses %j', (text) => {
    expect(() => decodeHex(text)).toThrow('malformed');
  });

  it('answers any text with bytes or a TrustError', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        try {
          expect(encodeHex(decodeHex(text))).toBe(text);
        } catch (error) {
          if (!isTrustError(error)) throw error;
        }
      }),
    );
  });
});
