import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTrustError } from '../error.js';
import { decodeBase64url, encodeBase64url } from './base64url.js';

const reference = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

describe('base64url', () => {
  it('writes what Node writes, at every length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(encodeBase64url(bytes)).toBe(reference(bytes));
        expect(decodeBase64url(encodeBase64url(bytes))).toEqual(bytes);
      }),
    );
  });

  it('accepts exactly one spelling per byte string', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    for (const a of alphabet) {
      for (const b of alphabet) {
        for (const text of [a + b, a + b + a, `Z${a}${b}`]) {
          const canonical = reference(Buffer.from(text, 'base64url')) === text;
          if (canonical) expect(encodeBase64url(decodeBase64url(text))).toBe(text);
          else expect(() => decodeBase64url(text)).toThrow('malformed');
        }
      }
    }
  });

  it.each([
    'A',
    'AAAAA',
    'Zg==',
    'Zm8=',
    'Zm+v',
    'Zm/v',
    'Zm9v\n',
    ' Zm9v',
    'Zm9\u00ff',
    'Zm9\uffff',
    'é',
    'Z\u0000',
  ])('refuses %j', (text) => {
    expect(() => decodeBase64url(text)).toThrow('malformed');
  });

  it('answers any text with bytes that encode to it again, or a TrustError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.base64String()), (text) => {
        try {
          expect(encodeBase64url(decodeBase64url(text))).toBe(text);
        } catch (error) {
          if (!isTrustError(error)) throw error;
          expect(error.code).toBe('MALFORMED');
        }
      }),
    );
  });
});
