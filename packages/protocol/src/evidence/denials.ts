import type { EventOf } from '@talosprotocol/contracts';
import { parseTime } from '../encoding/time.js';
import { notProven } from './not-proven.js';

/** A clock that ran ahead when refusals were counted, and was set back before they were summed up (AUD-124). */
const AHEAD_MS = 300_000;

/** Checks that refusals are not summed up before they can have been. After a restart, how long ago they were counted is bounded
 *  by nothing.
 *  @throws {TrustError} PROOF_NOT_PROVEN */
export function checkDenials({ minute, time }: EventOf<'denials'>): void {
  if (parseTime(minute) > parseTime(time) + AHEAD_MS)
    throw notProven('denials', 'they sum up refusals of a minute that was still to come');
}
