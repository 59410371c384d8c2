import { malformed } from '../error.js';

const DAY = 86_400_000;
/** The start of 1970 and the end of 9999, in Unix milliseconds (ENC-3). */
const FIRST = 0;
const LAST = 253_402_300_799_999;
const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{3})Z$/;

/** Writes Unix milliseconds the one way Talos records do: RFC 3339, UTC, three fraction digits, `Z`.
 *  @throws {RangeError} not a whole number of milliseconds in the years 1970 to 9999 */
export function formatTime(ms: number): string {
  if (!Number.isInteger(ms) || ms < FIRST || ms > LAST)
    throw new RangeError('time outside the years 1970-9999');
  const days = Math.floor(ms / DAY);
  const rest = ms - days * DAY;
  const [year, month, day] = civilFromDays(days);
  const hours = pad(Math.floor(rest / 3_600_000), 2);
  const minutes = pad(Math.floor(rest / 60_000) % 60, 2);
  const seconds = pad(Math.floor(rest / 1000) % 60, 2);
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}T${hours}:${minutes}:${seconds}.${pad(rest % 1000, 3)}Z`;
}

/** Reads a record's time as Unix milliseconds; the exact inverse of formatTime. Offsets, other precisions, lower
 *  case, leap seconds and days that do not exist are refused.
 *  @throws {TrustError} MALFORMED */
export function parseTime(text: string): number {
  const parts = text.length === 24 ? TIME.exec(text) : null;
  if (parts === null) throw malformed('text that is not a time of the form 2026-01-31T23:59:59.999Z');
  const [year, month, day, hour, minute, second, milli] = parts.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const ms = daysFromCivil(year, month, day) * DAY + ((hour * 60 + minute) * 60 + second) * 1000 + milli;
  // A part out of range moves the moment, so that it is written differently.
  if (ms < FIRST || ms > LAST || formatTime(ms) !== text) throw malformed('a time that does not exist');
  return ms;
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar. The year is counted from March, so that the leap
 *  day comes last, in eras of 400 years (146,097 days). */
function daysFromCivil(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function civilFromDays(days: number): [year: number, month: number, day: number] {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const leapDays =
    Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day];
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
