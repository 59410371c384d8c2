import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTrustError } from '../error.js';
import { formatTime, parseTime } from './time.js';

const FIRST = Date.parse('1970-01-01T00:00:00.000Z');
const LAST = Date.parse('9999-12-31T23:59:59.999Z');

describe('record times', () => {
  it('are what Date writes, from 1970 to 9999', () => {
    fc.assert(
      fc.property(fc.integer({ min: FIRST, max: LAST }), (ms) => {
        const text = new Date(ms).toISOString();
        expect(formatTime(ms)).toBe(text);
        expect(parseTime(text)).toBe(ms);
      }),
      { numRuns: 2000 },
    );
  });

  it('are right on every day of four centuries', () => {
    for (let ms = Date.UTC(1970, 0, 1); ms < Date.UTC(2404, 0, 1); ms += 86_400_000) {
      const text = formatTime(ms);
      if (text !== new Date(ms).toISOString() || parseTime(text) !== ms) expect.fail(text);
    }
  });

  it.each([FIRST, LAST, 951_782_400_000])('include the edge %s', (ms) => {
    expect(formatTime(ms)).toBe(new Date(ms).toISOString());
    expect(parseTime(formatTime(ms))).toBe(ms);
  });

  it.each([FIRST - 1, LAST + 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'cannot be written for %s',
    (ms) => {
      expect(() => formatTime(ms)).toThrow(RangeError);
    },
  );

  it.each([
    '2026-01-31T23:59:59Z',
    '2026-01-31T23:59:59.99Z',
    '2026-01-31T23:59:59.9999Z',
    '2026-01-31T23:59:59.999+00:00',
    '2026-01-31t23:59:59.999Z',
    '2026-01-31T23:59:59.999z',
    '2026-01-31 23:59:59.999Z',
    '2026-02-29T00:00:00.000Z',
    '1900-02-29T00:00:00.000Z',
    '2026-04-31T00:00:00.000Z',
    '2026-00-10T00:00:00.000Z',
    '2026-13-10T00:00:00.000Z',
    '2026-99-10T00:00:00.000Z',
    '2026-01-00T00:00:00.000Z',
    '2026-01-32T00:00:00.000Z',
    '2026-01-31T24:00:00.000Z',
    '2026-01-31T23:60:00.000Z',
    '2016-12-31T23:59:60.000Z',
    '0000-01-00T00:00:00.000Z',
    '9999-12-31T24:00:00.000Z',
    '+002026-01-31T00:00:00.000Z',
    '２026-01-31T00:00:00.000Z',
    '2026-01-31T23:59:59.999Z\n',
    '',
  ])('refuse %j', (text) => {
    expect(() => parseTime(text)).toThrow('malformed');
  });

  it('answer any text with a time or a TrustError', () => {
    const close = fc.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    fc.assert(
      fc.property(fc.oneof(close, fc.string({ unit: 'binary', maxLength: 30 })), (text) => {
        try {
          expect(formatTime(parseTime(text))).toBe(text);
        } catch (error) {
          if (!isTrustError(error)) throw error;
        }
      }),
    );
  });
});
