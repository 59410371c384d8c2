import { describe, expect, it } from 'vitest';
import { priceOf } from './price.js';

const usd = (amount: number) => ({ amount, currency: 'USD' });

// AUD-126
describe('what a call came to', () => {
  it.each([
    [{}, undefined],
    [{ cost: usd(5) }, usd(5)],
    [{ excess: usd(7) }, usd(7)],
    [{ cost: usd(5), excess: usd(7) }, usd(12)],
    [{ cost: usd(Number.MAX_SAFE_INTEGER), excess: usd(7) }, usd(Number.MAX_SAFE_INTEGER)],
  ])('is what was held for it and what went beyond that: %j', (outcome, price) => {
    expect(priceOf(outcome)).toEqual(price);
  });
});
