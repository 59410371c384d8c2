import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTrustError } from '../error.js';
import { createUuidv7, isUuidv7, uuidv7Time } from './uuid.js';

describe('UUIDv7', () => {
  it('is laid out as RFC 9562 section 5.7 shows', () => {
    // RFC 9562 appendix A.6
    const random = Uint8Array.from(Buffer.from('ffffffffffff0cc318c4dc0c0c07398f', 'hex'));
    expect(createUuidv7(0x017f22e279b0, random)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
  });

  it('holds its time and sorts by it', () => {
    const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
    const random = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(time, time, random, random, (a, b, x, y) => {
        const first = createUuidv7(a, x);
        const second = createUuidv7(b, y);
        expect(isUuidv7(first)).toBe(true);
        expect(uuidv7Time(first)).toBe(a);
        if (a !== b) expect(first < second).toBe(a < b);
      }),
    );
  });

  it('keeps 74 random bits', () => {
    const ids = [0x00, 0xff].map((byte) => createUuidv7(0, new Uint8Array(16).fill(byte)));
    expect(ids).toEqual(['00000000-0000-7000-8000-000000000000', '00000000-0000-7fff-bfff-ffffffffffff']);
  });

  it.each([-1, 1.5, 2 ** 48, Number.NaN])('refuses the time %s', (time) => {
    expect(() => createUuidv7(time, new Uint8Array(16))).toThrow(RangeError);
  });

  it('refuses too little randomness', () => {
    expect(() => createUuidv7(0, new Uint8Array(15))).toThrow(RangeError);
  });

  it.each([
    '',
    '0190A5E0-7C3A-7000-8000-000000000001',
    '0190a5e0-7c3a-4000-8000-000000000001',
    '0190a5e0-7c3a-7000-7000-000000000001',
    '0190a5e07c3a70008000000000000001',
    '0190a5e0-7c3a-7000-8000-000000000001\n',
    '{0190a5e0-7c3a-7000-8000-00000000001}',
  ])('refuses %j', (text) => {
    expect(isUuidv7(text)).toBe(false);
    expect(() => uuidv7Time(text)).toThrow('malformed');
  });

  it('answers any text with a time or a TrustError', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        try {
          uuidv7Time(text);
        } catch (error) {
          if (!isTrustError(error)) throw error;
        }
      }),
    );
  });
});
