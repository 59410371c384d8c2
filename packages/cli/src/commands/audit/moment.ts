import { parseDuration } from '../../grant/duration.js';
import { UsageError } from '../../usage-error.js';

const DATE = /^\d{4}-\d\d-\d\d$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/;
const AGO = /^[1-9][0-9]*[smhd]$/;

/** Reads a moment as events write it: a day (its beginning in UTC), a time with its zone, or how long ago it is.
 *  @throws {UsageError}
 *  @example parseMoment('7d', Date.now(), '--since') */
export function parseMoment(text: string, now: number, option: string): string {
  const ms = millisecondsOf(text, now);
  if (ms >= 0 && ms <= LAST) return new Date(ms).toISOString();
  throw new UsageError(
    `${option} takes no ${text}`,
    'a day such as 2026-11-28, a time such as 2026-11-28T12:00:00Z, or how long ago, such as 7d or 12h',
  );
}

/** The end of the year 9999. */
const LAST = 253_402_300_799_999;

function millisecondsOf(text: string, now: number): number {
  if (AGO.test(text)) return now - parseDuration(text) * 1000;
  const day = text.slice(0, 10);
  if (!DATE.test(day) || !isDay(day)) return Number.NaN;
  if (day === text) return beginningOf(day);
  return TIME.test(text) ? Date.parse(text) : Number.NaN;
}

const beginningOf = (day: string): number => Date.parse(`${day}T00:00:00.000Z`);

/** The 31st of November would be read as the 1st of December: more would be pruned, or told of, than was said. */
function isDay(day: string): boolean {
  const ms = beginningOf(day);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}
