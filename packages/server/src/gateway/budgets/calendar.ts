import type { Budget } from '@talosprotocol/contracts';

/** Tells when days and months begin and end where a budget is counted. */
export interface Calendar {
  /** The beginning of the period that `nowMs` is in, in Unix seconds; 0 if it has none. */
  startOf(nowMs: number): number;
  /** The end of the period that `nowMs` is in, in Unix seconds; 0 if it has none. */
  endOf(nowMs: number): number;
}

/** @throws {RangeError} no such time zone */
export function createCalendar(per: Budget['per'], zone = 'UTC'): Calendar {
  const local = createLocalTime(zone);
  if (per === 'total') return { startOf: () => 0, endOf: () => 0 };
  let known = { from: Number.POSITIVE_INFINITY, ends: 0 };
  return {
    startOf: (nowMs) => {
      const { year, month, day } = local.dateOf(nowMs);
      return local.momentOf(Date.UTC(year, month - 1, per === 'day' ? day : 1)) / 1000;
    },
    endOf: (nowMs) => {
      if (nowMs >= known.from && nowMs < known.ends) return known.ends / 1000;
      const { year, month, day } = local.dateOf(nowMs);
      const next = per === 'day' ? Date.UTC(year, month - 1, day + 1) : Date.UTC(year, month, 1);
      known = { from: nowMs, ends: local.momentOf(next) };
      return known.ends / 1000;
    },
  };
}

interface LocalTime {
  dateOf(ms: number): { readonly year: number; readonly month: number; readonly day: number };
  /** The moment at which clocks there show what those of UTC show at `shown`: the last of them, as they may be set back, or
   *  the one at which they are set forward over it. */
  momentOf(shown: number): number;
}

function createLocalTime(timeZone: string): LocalTime {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const partsOf = (ms: number): Readonly<Record<string, number>> =>
    Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const shownAt = (ms: number): number => {
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = partsOf(ms);
    return Date.UTC(year, month - 1, day, hour, minute, second);
  };
  return {
    dateOf: (ms) => {
      const { year = 0, month = 1, day = 1 } = partsOf(ms);
      return { year, month, day };
    },
    momentOf: (shown) => {
      const candidates = [-DAY_MS, DAY_MS].map((near) => shown - (shownAt(shown + near) - (shown + near)));
      const right = candidates.filter((ms) => shownAt(ms) === shown);
      return Math.max(...(right.length > 0 ? right : candidates));
    },
  };
}

const DAY_MS = 86_400_000;
