import { formatTime, type LimitEntry } from '@talosprotocol/protocol';

/** When units are counted. */
export interface Period {
  /** `total`, `2026-11-23`, `2026-11` or `rate`; of a budget `total`, or `day:` or `month:` and its end. */
  readonly period: string;
  /** Of a rate or a budget: the end of the window, day or month, in Unix seconds; else 0. */
  readonly ends: number;
}

/** The period that a call at `nowMs` belongs to (CAP-3, UTC). The windows of a rate begin at multiples of its seconds. */
export function periodAt(per: LimitEntry['per'], nowMs: number): Period {
  if (per === 'total') return { period: 'total', ends: 0 };
  if (typeof per === 'number') {
    return { period: 'rate', ends: (Math.floor(nowMs / 1000 / per) + 1) * per };
  }
  return { period: formatTime(Math.floor(nowMs)).slice(0, per === 'day' ? 10 : 7), ends: 0 };
}

/** True while units are counted in this period. */
export function isPeriodOpen({ period, ends }: Period, nowMs: number): boolean {
  if (ends > 0) return nowMs < ends * 1000;
  return period === 'total' || formatTime(Math.floor(nowMs)).startsWith(period);
}

/** Where the month before the one of `nowMs` begins: what had ended by then is of no use to anyone. */
export function monthBefore(nowMs: number): MonthStart {
  const now = new Date(nowMs);
  const ms = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1);
  return { month: formatTime(ms).slice(0, 7), seconds: ms / 1000 };
}

/** The first moment of a month (UTC). */
export interface MonthStart {
  /** `2026-11` */
  readonly month: string;
  /** Unix seconds. */
  readonly seconds: number;
}
