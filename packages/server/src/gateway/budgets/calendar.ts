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
  const spanOf = (nowMs: number): Span => {
    const { year, month, day } = local.dateOf(nowMs);
    const beginning = (later: number): number =>
      local.momentOf(
        per === 'day' ? Date.UTC(year, month - 1, day + later) : Date.UTC(year, month - 1 + later, 1),
      );
    const from = beginning(0);
    // Where clocks are set back over midnight, they show a date for a while before its day begins.
    return from > nowMs ? { from: beginning(-1), ends: from } : { from, ends: beginning(1) };
  };
  let known: Span = { from: Number.POSITIVE_INFINITY, ends: 0 };
  const at = (nowMs: number): Span => {
    if (nowMs < known.from || nowMs >= known.ends) known = spanOf(nowMs);
    return known;
  };
  return { startOf: (nowMs) => at(nowMs).from / 1000, endOf: (nowMs) => at(nowMs).ends / 1000 };
}

/** In Unix milliseconds; its end is not in it. */
interface Span {
  readonly from: number;
  readonly ends: number;
}

interface LocalTime {
  dateOf(ms: number): { readonly year: number; readonly month: number; readonly day: number };
  /** The moment from which on clocks there show what those of UTC show at `shown`, or later: the first, unless they are set back
   *  to before it after that, or the one at which they are set forward over it. */
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
      const last = Math.max(...(right.length > 0 ? right : candidates));
      return right.length === 0 || shownAt(last - 1) < shown ? last : Math.min(...right);
    },
  };
}

const DAY_MS = 86_400_000;
