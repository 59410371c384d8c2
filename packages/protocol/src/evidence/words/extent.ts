import type { BundleReport } from '../bundle-report.js';
import { countOf, listOf, nameOf } from './phrase.js';

type Extent = Pick<BundleReport, 'from' | 'to' | 'size' | 'selection'>;

/** `records 3 to 7`, and for which times they were asked for. */
export function placeOf({ from, to, selection }: Extent): string {
  const records = to - from === 1 ? `record ${from}` : `records ${from} to ${to - 1}`;
  const asked = askedTimes(selection);
  return asked === undefined ? records : `${records} (asked for: ${asked})`;
}

/** The times that were asked for; undefined if none were. */
function askedTimes({ filter: { since, until } }: Extent['selection']): string | undefined {
  if (since === undefined) return until === undefined ? undefined : `before ${instantOf(until)}`;
  return until === undefined
    ? `from ${instantOf(since)} on`
    : `from ${instantOf(since)} until ${instantOf(until)}`;
}

/** What bounds the times that were asked for (AUD-52). */
export function boundSentences({ from, to, size, selection }: Extent): string[] {
  const { since, until } = selection.filter;
  const before = (time: string): string =>
    from === 0 ? 'no record stands before these' : `the record before these is of before ${instantOf(time)}`;
  const after = (time: string): string =>
    to === size ? 'none stands after these' : `the record after these is not of before ${instantOf(time)}`;
  const bounds = [
    ...(since === undefined ? [] : [before(since)]),
    ...(until === undefined ? [] : [after(until)]),
  ];
  return bounds.length === 0 ? [] : [`By the times that the log gives, ${bounds.join(', and ')}.`];
}

/** What the records beside the range do not show of the times that were asked for. */
export function boundsNotShown({ selection }: Extent): string[] {
  const asked = askedTimes(selection);
  return asked === undefined
    ? []
    : [
        `that no other record is of the time that was asked for (${asked}): the records beside these show that only as far as the times of the log run forward, and they may run back by 5 seconds`,
      ];
}

/** Whom the records are of that are not shown. What is booked on nobody, on another, or under a number that was given before
 *  leaves no gap in the numbers of an agent (AUD-56). */
export function bookingNotShown({ from, to, shown, selection }: BundleReport): string[] {
  const hidden = to - from - shown;
  if (hidden === 0 || selection.complete.length === 0) return [];
  const records = countOf(
    hidden,
    'record of the range that is not shown on whom it is of',
    'records of the range that are not shown on whom they are of',
  );
  return [
    `that the log booked the ${records}, and gave no number twice: that is its own word. It cannot take that back, and whoever reads all of the log sees whether it is true, unless ${hidden === 1 ? 'it was' : 'they were'} pruned`,
  ];
}

/** What is closed by nothing but a count of the log's own. */
export function countsNotShown({ runs, endingCounts }: BundleReport): string[] {
  const counted = [...runs.values()].flatMap((run) => run.counted ?? []);
  const what = [
    ...(counted.length > 0 ? [`where the numbers of ${countOf(counted.length, 'agent')} end`] : []),
    ...(endingCounts.length > 0
      ? ['how often a grant that was used, or somebody named in one, was ended']
      : []),
  ];
  if (what.length === 0) return [];
  const where = [...new Set([...counted, ...endingCounts])].sort((one, other) => one - other).map(String);
  const records = `${where.length === 1 ? 'record' : 'records'} ${listOf(where)}`;
  return [
    `that the log counted rightly ${what.join(', and ')}: that is its own word, in ${records}. It cannot take that back, and whoever reads all of the log sees whether it is true, unless what it counts was pruned`,
  ];
}

/** A time that was asked for, to the millisecond if it has some. */
function instantOf(time: string): string {
  return nameOf(`${time.slice(0, 10)} ${time.slice(11, -1).replace(/\.000$/, '')} UTC`);
}
