import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTrustError } from '../error.js';
import { decodeBase58, encodeBase58 } from './base58.js';
import { decodeHex, encodeHex } from './hex.js';

describe('base58', () => {
  // draft-msporny-base58 section 5
  it.each([
    ['Hello World!', '2NEpo7TZRRrLZSi2U'],
    [
      'The quick brown fox jumps over the lazy dog.',
      'USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z',
    ],
  ])('writes %j', (text, encoded) => {
    expect(encodeBase58(Buffer.from(text))).toBe(encoded);
    expect(Buffer.from(decodeBase58(encoded)).toString()).toBe(text);
  });

  it('keeps leading zeros', () => {
    expect(encodeBase58(decodeHex('0000287fb4cd'))).toBe('11233QC4');
    expect(encodeHex(decodeBase58('11233QC4'))).toBe('0000287fb4cd');
    expect(decodeBase58('')).toEqual(new Uint8Array(0));
  });

  it('round-trips', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 128 }), (bytes) => {
        expect(decodeBase58(encodeBase58(bytes))).toEqual(bytes);
      }),
    );
  });

  it.each(['0', 'O', 'I', 'l', 'a b', '+', 'é', '😀', '1'.repeat(129), 'z'.repeat(176), '1'.repeat(177)])(
    'refuses %j',
    (text) => {
      expect(() => decodeBase58(text)).toThrow('malformed');
    },
  );

  it('refuses to encode more than its bound', () => {
    expect(() => encodeBase58(new Uint8Array(129))).toThrow(RangeError);
  });

  it('answers any text with bytes that encode to it again, or a TrustError', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[1-9A-Za-z]{0,60}$/)),
        (text) => {
          try {
            expect(encodeBase58(decodeBase58(text))).toBe(text);
          } catch (error) {
            if (!isTrustError(error)) throw error;
          }
        },
      ),
    );
  });
});
