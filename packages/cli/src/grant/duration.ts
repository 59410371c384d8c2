import { UsageError } from '../usage-error.js';

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Reads `90s`, `15m`, `24h` or `30d` as seconds.
 *  @throws {UsageError} */
export function parseDuration(text: string): number {
  const [, count, unit] = /^([1-9][0-9]{0,8})([smhd])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined)
    throw new UsageError(`not a duration: ${text}`, 'a number and s, m, h or d, such as --expires 15m');
  return Number(count) * (SECONDS[unit] ?? 1);
}

/** Reads a whole number from 0 or 1 up.
 *  @throws {UsageError} */
export function parseCount(text: string, from: 0 | 1, option: string): number {
  const count = /^(?:0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : -1;
  if (count >= from) return count;
  throw new UsageError(`${option} takes a whole number from ${from} up`);
}
