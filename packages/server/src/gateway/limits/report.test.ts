import { describe, expect, it } from 'vitest';
import { modelRateHeaders, rateHeaders, reportOf } from './report.js';
import { compileRates, demandsOf } from './rules.js';

const RATES = compileRates([
  { per: 'principal', requests: { perMinute: 60, burst: 10 }, tokens: { perMinute: 1000 } },
  { per: 'key', requests: { perMinute: 6 }, concurrent: 3 },
]);
const CALL = { surface: 'llm', principal: 'p', key: 'k', address: 'a', model: 'o/m', tokens: 500 } as const;
const DEMANDS = demandsOf(RATES, CALL);

// LIM-7
describe('what is told of rates', () => {
  it('is of each kind the one with the smallest part left', () => {
    expect(rateHeaders(reportOf(DEMANDS, { left: [1, 500, 5, 2] }))).toEqual({
      'ratelimit-policy':
        '"principal-requests";q=10;w=10, "principal-tokens";q=1000;qu="tokens";w=60, "key-concurrent";q=3;qu="concurrent-requests"',
      ratelimit: '"principal-requests";r=1;t=9, "principal-tokens";r=500;t=30, "key-concurrent";r=2',
    });
    const { ratelimit } = rateHeaders(reportOf(DEMANDS, { left: [9, 500, 1, 2] }));
    expect(ratelimit).toContain('"key-requests";r=1;t=50');
  });

  it('of a refusal is what was missing, and when to come again', () => {
    const missing = { index: 0, waitMs: 1_200 };
    const headers = rateHeaders(reportOf(DEMANDS, { left: [3, 900, 0, 2], missing }));
    expect(headers['ratelimit']).toContain('"principal-requests";r=3');
    expect(headers['retry-after']).toBe('2');
    const soon = reportOf(DEMANDS, { left: [0, 0, 0, 0], missing: { index: 0, waitMs: 1 } });
    expect(rateHeaders(soon)['retry-after']).toBe('1');
  });

  it('is what clients of model providers read, too', () => {
    expect(modelRateHeaders(reportOf(DEMANDS, { left: [1, 500, 5, 2] }))).toMatchObject({
      'x-ratelimit-limit-requests': '10',
      'x-ratelimit-remaining-requests': '1',
      'x-ratelimit-reset-requests': '9s',
      'x-ratelimit-limit-tokens': '1000',
      'x-ratelimit-remaining-tokens': '500',
      'x-ratelimit-reset-tokens': '30s',
    });
  });

  it('is nothing of a call that nothing counts', () => {
    expect([rateHeaders(undefined), modelRateHeaders(undefined)]).toEqual([{}, {}]);
  });
});
