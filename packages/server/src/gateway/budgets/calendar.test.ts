import { describe, expect, it } from 'vitest';
import { createCalendar } from './calendar.js';

const endOf = (per: 'total' | 'day' | 'month', zone: string | undefined, at: string): string =>
  new Date(createCalendar(per, zone).endOf(Date.parse(at)) * 1000).toISOString();

// BUD-1
describe('the end of a period', () => {
  it.each([
    ['day', undefined, '2026-11-29T18:00:00.000Z', '2026-11-30T00:00:00.000Z'],
    ['day', undefined, '2026-11-29T00:00:00.000Z', '2026-11-30T00:00:00.000Z'],
    ['day', 'Europe/Berlin', '2026-11-29T22:59:59.999Z', '2026-11-29T23:00:00.000Z'],
    ['day', 'Europe/Berlin', '2026-11-29T23:00:00.000Z', '2026-11-30T23:00:00.000Z'],
    ['day', 'America/Los_Angeles', '2026-11-29T07:59:00.000Z', '2026-11-29T08:00:00.000Z'],
    ['day', 'Pacific/Kiritimati', '2026-11-29T10:00:00.000Z', '2026-11-30T10:00:00.000Z'],
    ['day', 'Asia/Kathmandu', '2026-11-29T18:14:59.000Z', '2026-11-29T18:15:00.000Z'],
    ['month', undefined, '2026-12-31T23:59:59.000Z', '2027-01-01T00:00:00.000Z'],
    ['month', 'Europe/Berlin', '2026-11-30T23:00:00.000Z', '2026-12-31T23:00:00.000Z'],
    ['month', 'Asia/Tokyo', '2028-02-28T12:00:00.000Z', '2028-02-29T15:00:00.000Z'],
  ] as const)('of a %s in %s at %s is %s', (per, zone, at, end) => {
    expect(endOf(per, zone, at)).toBe(end);
  });

  it('of a day on which clocks are set is that of the day, of 23 hours or 25', () => {
    const day = (at: string): number => {
      const calendar = createCalendar('day', 'Europe/Berlin');
      const first = calendar.endOf(Date.parse(at));
      return (createCalendar('day', 'Europe/Berlin').endOf(first * 1000) - first) / 3600;
    };
    expect(day('2026-03-28T12:00:00.000Z')).toBe(23);
    expect(day('2026-10-24T12:00:00.000Z')).toBe(25);
    expect(day('2026-11-24T12:00:00.000Z')).toBe(24);
  });

  it('lies ahead, whatever the zone and the moment, and the next one begins there', () => {
    const zones = [
      'America/Sao_Paulo',
      'Africa/Cairo',
      'Australia/Lord_Howe',
      'America/St_Johns',
      'Asia/Beirut',
    ];
    for (const zone of zones) {
      const calendar = createCalendar('day', zone);
      let at = Date.parse('2017-01-01T00:00:00.000Z');
      for (let days = 0; days < 800; days += 1) {
        const end = calendar.endOf(at) * 1000;
        expect(end, `${zone} ${new Date(at).toISOString()}`).toBeGreaterThan(at);
        expect(end - at).toBeLessThanOrEqual(25.5 * 3_600_000);
        at = end;
      }
    }
  });

  it('is the beginning of the next, and a moment of the day that begins is in it', () => {
    for (const per of ['day', 'month'] as const)
      for (const zone of ['Europe/Berlin', 'America/Sao_Paulo', 'Australia/Lord_Howe', 'Asia/Beirut']) {
        const calendar = createCalendar(per, zone);
        let at = Date.parse('2017-01-01T00:00:00.000Z');
        for (let periods = 0; periods < 400; periods += 1) {
          const end = calendar.endOf(at);
          expect(calendar.startOf(at) * 1000).toBeLessThanOrEqual(at);
          expect(calendar.startOf(end * 1000 + 43_200_000), `${zone} ${at}`).toBe(end);
          at = end * 1000;
        }
      }
    expect(createCalendar('total').startOf(Date.now())).toBe(0);
  });

  it('is the same whenever it is asked for, where midnight comes twice', () => {
    const spans = (zone: string, from: string, days: number): Set<string> => {
      const running = createCalendar('day', zone);
      const found = new Set<string>();
      for (let at = Date.parse(from); at < Date.parse(from) + days * 86_400_000; at += 30_000) {
        const span = (calendar: typeof running) => `${calendar.startOf(at)} ${calendar.endOf(at)}`;
        const [start, end] = span(running).split(' ').map(Number) as [number, number];
        if (start * 1000 > at || end * 1000 <= at || span(running) !== span(createCalendar('day', zone)))
          throw new Error(`${zone} at ${new Date(at).toISOString()}: ${start} to ${end}`);
        found.add(`${new Date(start * 1000).toISOString()} ${new Date(end * 1000).toISOString()}`);
      }
      return found;
    };
    // At one in the morning clocks are set back to midnight: the day has begun, and has 25 hours.
    expect(spans('America/Havana', '2026-11-01T03:50:00Z', 0.1)).toEqual(
      new Set([
        '2026-10-31T04:00:00.000Z 2026-11-01T04:00:00.000Z',
        '2026-11-01T04:00:00.000Z 2026-11-02T05:00:00.000Z',
      ]),
    );
    // A minute after midnight they were set back to before it: the day had not begun.
    expect(spans('America/St_Johns', '2010-11-07T02:20:00Z', 0.1)).toEqual(
      new Set([
        '2010-11-06T02:30:00.000Z 2010-11-07T03:30:00.000Z',
        '2010-11-07T03:30:00.000Z 2010-11-08T03:30:00.000Z',
      ]),
    );
  });

  it('is none in total, and none where there is no such place', () => {
    expect(createCalendar('total').endOf(Date.now())).toBe(0);
    expect(() => createCalendar('day', 'Europe/Nowhere')).toThrow(RangeError);
    expect(() => createCalendar('total', 'x')).toThrow(RangeError);
  });
});
