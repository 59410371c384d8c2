import { describe, expect, it } from 'vitest';
import { UsageError } from '../usage-error.js';
import { type LimitOptionValues, limitsOf } from './limit-options.js';

const euro = (amount: number) => ({ amount, currency: 'EUR' });

// CAP-3, ENC-5
describe('limits on a command line', () => {
  it.each<[LimitOptionValues, object[]]>([
    [{}, []],
    [{ calls: '5' }, [{ per: 'total', calls: 5 }]],
    [{ cost: '5.00EUR' }, [{ per: 'total', cost: euro(5_000_000) }]],
    [{ cost: '0.000001 EUR' }, [{ per: 'total', cost: euro(1) }]],
    [{ cost: '0.07EUR' }, [{ per: 'total', cost: euro(70_000) }]],
    [{ cost: '4.35EUR' }, [{ per: 'total', cost: euro(4_350_000) }]],
    [{ cost: '9007199254.740991EUR' }, [{ per: 'total', cost: euro(Number.MAX_SAFE_INTEGER) }]],
    [
      { calls: '5', cost: '1EUR', tokens: '900', rate: '10/60s', per: 'day' },
      [{ per: 'day', calls: 5, cost: euro(1_000_000), tokens: 900, rate: { count: 10, seconds: 60 } }],
    ],
    [{ rate: '3/1d' }, [{ per: 'total', rate: { count: 3, seconds: 86_400 } }]],
    [
      { calls: '5', limit: ['calls=50,cost=1.50EUR per month', 'rate=1/2s'] },
      [
        { per: 'total', calls: 5 },
        { per: 'month', calls: 50, cost: euro(1_500_000) },
        { per: 'total', rate: { count: 1, seconds: 2 } },
      ],
    ],
  ])('%j', (options, limits) => {
    expect(limitsOf(options)).toEqual(limits);
  });

  it.each<LimitOptionValues>([
    { calls: '0' },
    { calls: '1.5' },
    { calls: '' },
    { tokens: '-1' },
    { tokens: '1e3' },
    { cost: '5' },
    { cost: 'EUR' },
    { cost: '5eur' },
    { cost: '5EURO' },
    { cost: '0EUR' },
    { cost: '0.0000001EUR' },
    { cost: '05EUR' },
    { cost: '-5EUR' },
    { cost: '5,00EUR' },
    { cost: '1e3EUR' },
    { cost: '.5EUR' },
    { cost: '9007199254.740992EUR' },
    { rate: '10' },
    { rate: '10/60' },
    { rate: '0/60s' },
    { rate: '10/0s' },
    { rate: '10/2d' },
    { rate: '10/86401s' },
    { per: 'day' },
    { per: 'day', rate: '1/1s' },
    { calls: '1', per: 'week' },
    { limit: [''] },
    { limit: ['5'] },
    { limit: ['calls'] },
    { limit: ['calls='] },
    { limit: ['call=5'] },
    { limit: ['calls=5 per week'] },
    { limit: ['calls=5 a day'] },
    { limit: ['calls=5,calls=6'] },
    { limit: ['calls=5,'] },
    { limit: ['per=day'] },
    { limit: Array(9).fill('calls=1') },
    { calls: '1', limit: Array(8).fill('calls=1') },
  ])('refuses %j', (options) => {
    expect(() => limitsOf(options)).toThrow(UsageError);
  });
});
