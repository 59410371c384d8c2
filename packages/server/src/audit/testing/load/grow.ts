import { clock } from '../../../platform/system.js';
import { decision } from '../room.js';
import type { LoadLog } from './load-log.js';

export interface Growth {
  readonly events: number;
  readonly seconds: number;
  /** Resident bytes, now and then while it grew. */
  readonly rss: readonly number[];
}

/** Drafts that wait at a time: batches are full, and nothing else differs from what a platform does. */
const IN_FLIGHT = 4_096;
const SAMPLES = 32;

/** Grows the log to so many events, by the way of every event. */
export async function growTo({ audit, cth }: LoadLog, size: number): Promise<Growth> {
  const { sequenced } = await audit.stats();
  const events = Math.max(0, size - sequenced);
  const begun = clock.monotonic();
  const rss: number[] = [];
  let left = events;
  let last = '';
  const produce = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      if (left % Math.ceil(events / SAMPLES) === 0) rss.push(process.memoryUsage.rss());
      last = (await audit.record(decision({ cth }))).id;
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, events) }, produce));
  if (last !== '') await audit.receipt(`rcp_${last.slice(4)}`, 120_000);
  return { events, seconds: (clock.monotonic() - begun) / 1000, rss };
}
