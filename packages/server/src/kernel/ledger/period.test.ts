import { describe, expect, it } from 'vitest';
import { isPeriodOpen, monthBefore, periodAt } from './period.js';

const at = (text: string): number => Date.parse(text);

describe('periods', () => {
  it('are days and months in UTC, with edges at midnight (CAP-3)', () => {
    const last = at('2028-02-29T23:59:59.999Z');
    const names = (now: number) =>
      (['day', 'month', 'total'] as const).map((per) => periodAt(per, now).period);
    expect(names(last)).toEqual(['2028-02-29', '2028-02', 'total']);
    expect(names(last + 1)).toEqual(['2028-03-01', '2028-03', 'total']);
  });

  it('are open until they end', () => {
    const now = at('2026-12-31T23:59:59.999Z');
    const isOpen = (period: string, when: number) => isPeriodOpen({ period, ends: 0 }, when);
    for (const period of ['total', '2026-12-31', '2026-12']) expect(isOpen(period, now)).toBe(true);
    expect(isOpen('2026-12-31', now + 1)).toBe(false);
    expect(isOpen('2026-12', now + 1)).toBe(false);
    expect(isOpen('total', now + 1)).toBe(true);
  });

  it('are windows that begin at multiples of their seconds, for a rate', () => {
    expect(periodAt(60, 119_999)).toEqual({ period: 'rate', ends: 120 });
    expect(periodAt(60, 120_000)).toEqual({ period: 'rate', ends: 180 });
    expect(isPeriodOpen(periodAt(60, 0), 59_999)).toBe(true);
    expect(isPeriodOpen(periodAt(60, 0), 60_000)).toBe(false);
  });

  it('are kept for the month before this one', () => {
    for (const [now, month] of [
      ['2026-11-23T00:00:00.000Z', '2026-10'],
      ['2027-01-01T00:00:00.000Z', '2026-12'],
      ['2026-12-31T23:59:59.999Z', '2026-11'],
    ] as const)
      expect(monthBefore(at(now))).toEqual({ month, seconds: at(`${month}-01T00:00:00.000Z`) / 1000 });
  });
});
