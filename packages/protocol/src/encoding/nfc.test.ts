import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNfc } from './nfc.js';

describe('isNfc', () => {
  it.each(['', 'a', '\u00fc', '\u02ff', '文', '🙂', 'a\u0328\u0303'.normalize('NFC'), '한국', 'क्षि'])(
    'is %j',
    (text) => {
      expect(isNfc(text)).toBe(true);
    },
  );

  it.each(['u\u0308', '\u0344', '\u212b', 'a\u0301\u0323', '\u1100\u1161', '\u0958'])('is not %j', (text) => {
    expect(isNfc(text)).toBe(false);
  });

  it('is what String.prototype.normalize says, for text of any characters', () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 });
    const latin = fc.string({ unit: fc.integer({ min: 0, max: 0x345 }).map((c) => String.fromCharCode(c)) });
    fc.assert(
      fc.property(fc.oneof(text, latin), (one) => {
        expect(isNfc(one)).toBe(one.normalize('NFC') === one);
      }),
      { numRuns: 2000 },
    );
  });

  // CAP-17: a path of 4,096 bytes in marks took 8 ms.
  it('refuses more than 30 marks one after the other, without putting them in order', () => {
    expect(isNfc(`x${'\u0301'.repeat(30)}`)).toBe(true);
    expect(isNfc(`x${'\u0301'.repeat(31)}`)).toBe(false);
    expect(isNfc(`${'\u0323\u0301'.repeat(15)}x${'\u0323\u0301'.repeat(16)}`)).toBe(false);
  });
});
