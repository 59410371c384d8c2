import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHex } from '../../encoding/hex.js';
import { isTrustError } from '../../error.js';
import { encodeRlp, scalar } from '../testing/rlp.js';
import { decodeRlpList, decodeRlpString, readScalar } from './rlp.js';

const bytes = fc.uint8Array({ maxLength: 300 });
const malformed = expect.objectContaining({ code: 'MALFORMED' });

describe('RLP (AUD-38)', () => {
  it('reads what was written', () => {
    fc.assert(
      fc.property(bytes, (one) => {
        expect(decodeRlpString(encodeRlp(one))).toEqual(one);
      }),
    );
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 17 }), (list) => {
        expect(decodeRlpList(encodeRlp(list), 17)).toEqual(list);
      }),
    );
  });

  it('has one form for each value: what is read is written back as it came', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (input) => {
        try {
          const list = decodeRlpList(input, 80);
          expect(encodeRlp(list)).toEqual(input);
        } catch (error) {
          if (!isTrustError(error)) throw error;
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['nothing', ''],
    ['a list', 'c0'],
    ['a byte that stands for itself as a string', '8105'],
    ['a short length in the long form', 'b801ff'],
    ['a length with a leading zero', `b90038${'11'.repeat(56)}`],
    ['a string that is cut off', '8311'],
    ['a length that is cut off', 'b9'],
    ['a length of four bytes', 'bb00010000'],
    ['a length of eight bytes, far beyond what is there', 'bfffffffffffffffff'],
    ['two strings', '8080'],
  ])('refuses in place of a string: %s', (_, hex) => {
    expect(() => decodeRlpString(decodeHex(hex))).toThrow(malformed);
  });

  it.each([
    ['nothing', ''],
    ['a string', '83616263'],
    ['a list in a list', 'c1c0'],
    ['lists in lists, as deep as there is room', 'c3c2c1c0'],
    ['a list that is cut off', 'c311'],
    ['bytes behind the end', 'c100ff'],
    ['an item that reaches out of the list', 'c283ffff'],
    ['more items than allowed', 'c4010101'.concat('01')],
    ['a length of gigabytes', 'fbffffffff00'],
  ])('refuses in place of a list of strings: %s', (_, hex) => {
    expect(() => decodeRlpList(decodeHex(hex), 3)).toThrow(malformed);
  });

  it('reads scalars up to 2^53 - 1', () => {
    for (const value of [0, 1, 127, 128, 65_536, Number.MAX_SAFE_INTEGER])
      expect(readScalar(scalar(value))).toBe(value);
    expect(() => readScalar(scalar(2 ** 53))).toThrow(malformed);
    expect(() => readScalar(new Uint8Array(9).fill(1))).toThrow(malformed);
    expect(() => readScalar(Uint8Array.of(0))).toThrow('leading zero');
  });
});
