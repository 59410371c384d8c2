import { describe, expect, it } from 'vitest';
import { isPeriodOpen, monthBefore, periodAt } from './period.js';

const at = (text: string): number => Date.parse(text);

describe('periods', () => {
  it('are days and months in UTC, with edges at midnight (CAP-3)', () => {
    const last = at('2028-02-29T23:59:59.999Z');
    expect([periodAt('day', last), periodAt('month', last), periodAt('total', last)]).toEqual([
      '2028-02-29',
      '2028-02',
      'total',
    ]);
    expect([periodAt('day', last + 1), periodAt('month', last + 1)]).toEqual(['2028-03-01', '2028-03']);
  });

  it('are open until they end', () => {
    const now = at('2026-12-31T23:59:59.999Z');
    for (const period of ['total', '2026-12-31', '2026-12']) expect(isPeriodOpen(period, now)).toBe(true);
    expect(isPeriodOpen('2026-12-31', now + 1)).toBe(false);
    expect(isPeriodOpen('2026-12', now + 1)).toBe(false);
    expect(isPeriodOpen('total', now + 1)).toBe(true);
  });

  it('are kept for the month before this one', () => {
    expect(monthBefore(at('2026-11-23T00:00:00.000Z'))).toBe('2026-10');
    expect(monthBefore(at('2027-01-01T00:00:00.000Z'))).toBe('2026-12');
  });
});
