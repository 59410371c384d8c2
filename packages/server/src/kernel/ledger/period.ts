import type { Limit } from '@talosprotocol/contracts';
import { formatTime } from '@talosprotocol/protocol';

/** The period that a call at `nowMs` belongs to (CAP-3, UTC): `total`, `2026-11-23` or `2026-11`. */
export function periodAt(per: Limit['per'], nowMs: number): string {
  if (per === 'total') return 'total';
  return formatTime(Math.floor(nowMs)).slice(0, per === 'day' ? 10 : 7);
}

/** True while calls are counted in `period`. */
export function isPeriodOpen(period: string, nowMs: number): boolean {
  return period === 'total' || formatTime(Math.floor(nowMs)).startsWith(period);
}

/** The month before the one of `nowMs`: what lies before it is of no use to anyone. */
export function monthBefore(nowMs: number): string {
  const [year, month] = formatTime(Math.floor(nowMs)).split('-').map(Number) as [number, number];
  const previous = month === 1 ? [year - 1, 12] : [year, month - 1];
  return previous.map((part) => String(part).padStart(2, '0')).join('-');
}
