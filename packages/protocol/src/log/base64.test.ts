import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTrustError } from '../error.js';
import { decodeBase64, encodeBase64 } from './base64.js';

describe('base64', () => {
  it('has the test vectors of RFC 4648 section 10', () => {
    const vectors = {
      '': '',
      f: 'Zg==',
      fo: 'Zm8=',
      foo: 'Zm9v',
      foob: 'Zm9vYg==',
      fooba: 'Zm9vYmE=',
      foobar: 'Zm9vYmFy',
    };
    for (const [text, base64] of Object.entries(vectors)) {
      const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
      expect(encodeBase64(bytes)).toBe(base64);
      expect(decodeBase64(base64)).toEqual(bytes);
    }
    expect(encodeBase64(Uint8Array.of(0xfb, 0xff, 0xfe))).toBe('+//+');
  });

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes);
      }),
    );
  });

  it('has one spelling for each byte string', () => {
    const wrong = [
      'Zg',
      'Zg=',
      'Zg===',
      'Zh==',
      'Zm9=',
      '====',
      '=',
      'A===',
      'Zg==Zg==',
      'Zm 9',
      'Zm9v\n',
      '-_-_',
      'Z=g=',
    ];
    for (const text of wrong)
      expect(() => decodeBase64(text)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'AZaz09+/=-_ \n') }), (text) => {
        try {
          expect(encodeBase64(decodeBase64(text))).toBe(text);
        } catch (error) {
          if (!isTrustError(error)) throw error;
        }
      }),
    );
  });
});
