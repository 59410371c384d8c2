import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partsOf } from './ranking.js';
import { LENGTHS } from './units.js';

const span = fc
  .record({
    unit: fc.integer({ min: 0, max: LENGTHS.length - 1 }),
    from: fc.integer({ min: 0, max: 300_000 }),
    count: fc.integer({ min: 1, max: 400 }),
  })
  .map(({ unit, from, count }) => {
    const width = LENGTHS[unit] ?? 1;
    const begin = Math.floor(from / width) * width;
    return { unit, from: begin, to: begin + count * width };
  });

// AUD-122
describe('the sums by which values are ranked', () => {
  it('are those of every minute of the time once, and of no other', () => {
    fc.assert(
      fc.property(span, fc.integer({ min: -100_000, max: 700_000 }), (cells, anywhere) => {
        const parts = partsOf(cells);
        for (const minute of [cells.from - 1, cells.from, cells.to - 1, cells.to, anywhere]) {
          const covering = parts.filter(({ from, to }) => from <= minute && minute < to);
          const times = covering.reduce((sum, { sign }) => sum + sign, 0);
          expect(times).toBe(minute >= cells.from && minute < cells.to ? 1 : 0);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('are whole ones, and few', () => {
    fc.assert(
      fc.property(span, (cells) => {
        const parts = partsOf(cells);
        for (const { unit, from, to } of parts) {
          const width = LENGTHS[unit] ?? 0;
          expect([from % width, to % width]).toEqual([0, 0]);
        }
        const sums = (all: typeof parts) =>
          all.reduce((sum, { unit, from, to }) => sum + (to - from) / (LENGTHS[unit] ?? 0), 0);
        const longer = LENGTHS[cells.unit + 1];
        const most =
          longer === undefined
            ? 400
            : 2 + (cells.to - cells.from) / longer + longer / (LENGTHS[cells.unit] ?? 1);
        expect(sums(parts)).toBeLessThanOrEqual(most + 2);
      }),
    );
  });
});
