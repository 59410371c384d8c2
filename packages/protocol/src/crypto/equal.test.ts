import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalBytes } from './equal.js';

describe('equalBytes', () => {
  it('is true exactly for the same bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (bytes, at, flip) => {
          const other = Uint8Array.from(bytes);
          expect(equalBytes(bytes, other)).toBe(true);
          other[at % bytes.length]! ^= flip;
          expect(equalBytes(bytes, other)).toBe(false);
          expect(equalBytes(bytes, bytes.subarray(1))).toBe(false);
        },
      ),
    );
    expect(equalBytes(new Uint8Array(0), new Uint8Array(0))).toBe(true);
  });
});
