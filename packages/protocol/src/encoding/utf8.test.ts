import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTrustError } from '../error.js';
import { decodeUtf8, encodeUtf8, ownText, utf8Length } from './utf8.js';

describe('utf8', () => {
  it('round-trips every well-formed text and counts its bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = encodeUtf8(text);
        expect(bytes).toEqual(new Uint8Array(Buffer.from(text)));
        expect(utf8Length(text)).toBe(bytes.length);
        expect(decodeUtf8(bytes)).toBe(text);
        expect(ownText(text)).toBe(text);
      }),
    );
  });

  it.each(['\ud800', 'a\udc00', '\udc00\ud800', '\ud83d\ud83d\ude00'])(
    'refuses the lone surrogate in %j',
    (text) => {
      expect(() => encodeUtf8(text)).toThrow('lone surrogate');
    },
  );

  it('counts three bytes for half a pair', () => {
    expect(utf8Length('\ud800')).toBe(3);
    expect(utf8Length('\ud800a')).toBe(4);
  });

  it('keeps a byte order mark, so that no two byte strings become one text', () => {
    expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
  });

  it.each([
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a cut sequence', [0xe2, 0x82]],
    ['a lone continuation', [0x80]],
    ['more than 10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeUtf8(Uint8Array.from(bytes))).toThrow('malformed');
  });

  it('answers any bytes with text of the same bytes, or a TrustError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
        try {
          expect(encodeUtf8(decodeUtf8(bytes))).toEqual(bytes);
        } catch (error) {
          if (!isTrustError(error)) throw error;
        }
      }),
    );
  });
});
