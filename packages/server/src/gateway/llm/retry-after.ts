/** More is not passed on, and not waited for. */
const MAX_SECONDS = 3600;

const [DAY, MONTH, TIME] = ['[A-Z][a-z]{2}', '[A-Z][a-z]{2}', '[0-9]{2}:[0-9]{2}:[0-9]{2}'];
/** The forms of a date in HTTP (RFC 9110, 5.6.7): the usual one, and the two that must still be read. */
const DATED = new RegExp(
  `^(?:${DAY}, [0-9]{2} ${MONTH} [0-9]{4} ${TIME} GMT|${DAY}[a-z]{3,6}, [0-9]{2}-${MONTH}-[0-9]{2} ${TIME} GMT)$`,
);
const ASCTIME = new RegExp(`^${DAY} ${MONTH} [ 0-9][0-9] ${TIME} [0-9]{4}$`);

/** Seconds until a provider wants to be asked again, 0 to 3,600, by its `Retry-After` (RFC 9110, 10.2.3), which is a number of
 *  them or a date; undefined if it says neither. `nowMs` is Unix milliseconds, asked for only where there is a date. */
export function secondsOf(value: string | string[] | undefined, nowMs: () => number): number | undefined {
  if (typeof value !== 'string') return undefined;
  if (/^[0-9]{1,6}$/.test(value)) return Math.min(MAX_SECONDS, Number(value));
  const at = dateOf(value);
  return at === undefined ? undefined : Math.min(MAX_SECONDS, Math.max(0, Math.ceil((at - nowMs()) / 1000)));
}

function dateOf(value: string): number | undefined {
  const text = ASCTIME.test(value) ? `${value} GMT` : value;
  if (text === value && !DATED.test(value)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}
