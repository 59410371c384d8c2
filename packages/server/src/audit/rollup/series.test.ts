import { describe, expect, it } from 'vitest';
import { byBucket, createStarts, type PointNumbers, seriesOf, without } from './series.js';

const startOf = createStarts();
/** A bucket in which so much was paid. */
const paid = (minute: number, EUR: string): PointNumbers => [minute, 1, 1, 0, { EUR }, 0, 0];
const amountOf = (buckets: readonly PointNumbers[]) => seriesOf(buckets, startOf).cost;

// AUD-121
describe('what was paid', () => {
  it('is summed to the last digit, also beyond the numbers that are exact', () => {
    const buckets = [
      paid(1, '9007199254740993'),
      paid(2, '1'),
      paid(3, '999999999999999'),
      paid(4, '999999999999999999999'),
    ];
    expect(amountOf(buckets)).toEqual([{ amount: '1000010007199254740992', currency: 'EUR' }]);
    expect(amountOf(byBucket(buckets.map(([, ...rest]) => [1, ...rest] as const)))).toEqual(
      amountOf(buckets),
    );
    // Each by itself is exact, and their sum is not.
    const many = Array.from({ length: 11 }, () => paid(1, '999999999999999'));
    expect(amountOf(byBucket(many))).toEqual([{ amount: '10999999999999989', currency: 'EUR' }]);
  });

  it('is what is left when some is taken, and nothing is no price', () => {
    const all = [paid(1, '9007199254740993'), paid(2, '5'), paid(2, '7')];
    const left = without(byBucket(all), [paid(1, '9007199254740992'), paid(2, '5')]);
    expect(left).toEqual([[2, 1, 1, 0, { EUR: '7' }, 0, 0]]);
    const others = without([[1, 2, 2, 0, { EUR: '5' }, 0, 0]], [paid(1, '5')]);
    expect(seriesOf(others, startOf)).toMatchObject({ events: 1, cost: [], points: [{ cost: [] }] });
  });
});
