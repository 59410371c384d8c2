import type { BundleFilter } from '@talosprotocol/contracts';
import { parseTime, TrustError } from '@talosprotocol/protocol';
import { prunedError } from '../pruning/pruned-error.js';
import type { BundleAsk } from './ask.js';
import type { ExportStore } from './export-store.js';

/** The range of a bundle, and what shows that nothing outside it is of the times asked for. */
export interface Span {
  readonly from: number;
  readonly to: number;
  /** The filter as the bundle states it: without a time that has not come. */
  readonly filter: BundleFilter;
  /** Indexes beside the range (AUD-52). */
  readonly bounds: readonly number[];
}

/** Finds the range of what is asked for in a log of `size` entries, of which those below `pruned` have no bodies.
 *  @throws {TrustError} MALFORMED: the range is empty or goes beyond the log; PRUNED: it reaches below; LOG_CORRUPT */
export async function findSpan(
  store: Pick<ExportStore, 'firstAt'>,
  ask: BundleAsk,
  { size, pruned }: { readonly size: number; readonly pruned: number },
): Promise<Span> {
  const { since, until, ...filter } = ask.filter;
  const { from = pruned, to = size } = ask;
  assertRange(ask, { from, to, size, pruned });
  const first = since === undefined ? from : await store.firstAt(parseTime(since), from, to);
  const last = until === undefined ? to : await store.firstAt(parseTime(until), first, to);
  // Whether what is not there any more would have been of that time nobody can show.
  if (pruned > 0 && first === pruned && (since !== undefined || last === first))
    throw prunedError('events of this time were pruned, or may have been', pruned);
  if (first >= last) throw malformed('there is no event in this range or of this time');
  return {
    from: first,
    to: last,
    filter: {
      ...filter,
      ...(since === undefined ? {} : { since }),
      // Up to the end of the log: what comes next may be of that time too.
      ...(until === undefined || last === size ? {} : { until }),
    },
    bounds: [
      ...(since === undefined || first === 0 ? [] : [first - 1]),
      ...(until === undefined || last === size ? [] : [last]),
    ],
  };
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly size: number;
  readonly pruned: number;
}

/** @throws {TrustError} MALFORMED | PRUNED */
function assertRange({ filter, ...ask }: BundleAsk, { from, to, size, pruned }: Range): void {
  const { since, until } = filter;
  if (to > size) throw malformed('the range goes beyond the log');
  if (from < pruned) throw prunedError(`what is asked for begins at index ${from}`, pruned);
  if ((since !== undefined && ask.from !== undefined) || (until !== undefined && ask.to !== undefined))
    throw malformed('a range is given by indexes or by times, not by both');
}

function malformed(reason: string): TrustError {
  return new TrustError('MALFORMED', reason);
}
