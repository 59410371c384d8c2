import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAsciiLine } from './ascii-line.js';

describe('a line of ASCII', () => {
  const LENGTH = 8;
  const line = createAsciiLine(LENGTH);

  it('takes every ASCII text it has room for, and no other text', () => {
    const unit = fc.oneof(
      fc.constantFrom('\0', '\x7f', '\x80', '\xff', '\u0141', '\u20ac', '\ud800', '\udc00', '\u{1f600}'),
      fc.integer({ min: 0, max: 0x7f }).map((code) => String.fromCharCode(code)),
    );
    const ascii = fc
      .array(fc.integer({ min: 0, max: 0x7f }), { maxLength: LENGTH + 2 })
      .map((codes) => String.fromCharCode(...codes));
    fc.assert(
      fc.property(fc.oneof(ascii, fc.string({ unit, maxLength: LENGTH + 2 })), (text) => {
        const fits =
          text.length <= LENGTH && [...text].every((character) => character.codePointAt(0)! < 0x80);
        expect(line.write(text)).toBe(fits);
        if (!fits) return;
        const bytes = [...text].map((_, at) => line.view.getUint8(at));
        expect(String.fromCharCode(...bytes)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  it('takes as much as it is for', () => {
    expect([line.write('x'.repeat(LENGTH)), line.write('x'.repeat(LENGTH + 1)), line.write('')]).toEqual([
      true,
      false,
      true,
    ]);
  });
});
