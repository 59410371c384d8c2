import { expOf, type Records } from './records.js';
import {
  appendSlot,
  BY_EXPIRY,
  createSlotList,
  firstSlot,
  removeSlot,
  type SlotList,
  slotAfter,
} from './slot-list.js';

/** Seconds the wheel has room for: more than a session can live. */
const SECONDS = 4096;

/** Finds sessions that are over, a second at a time. Whether one is over is always read from its record, so a clock
 *  that jumps costs a look at more seconds and changes nothing else. */
export interface TimerWheel {
  add(slot: number): void;
  remove(slot: number): void;
  /** Ends the sessions that are over at `now`, looking at no more than `most` of them; how many it ended. What is
   *  left is found by the next call. */
  advance(now: number, most: number): number;
}

/** Makes the wheel. `end` must take the slot out of the wheel. */
export function createTimerWheel(records: Records, end: (slot: number) => void): TimerWheel {
  const seconds: readonly SlotList[] = Array.from({ length: SECONDS }, createSlotList);
  const listOf = (second: number): SlotList => seconds[second % SECONDS] as SlotList;
  /** Every second before this one was looked at. */
  let second = 0;
  /** Where to go on within it; -1 for its beginning. */
  let next = -1;

  /** After a step back, seconds come round that were looked at; after a leap, each of the wheel once is enough. */
  function turnTo(now: number): void {
    const from = Math.min(Math.max(second, now - SECONDS + 1, 0), now);
    if (from !== second) next = -1;
    second = from;
  }

  /** The next slot to look at, or -1 for the end of this second. */
  function step(): number {
    const slot = next < 0 ? firstSlot(listOf(second)) : next;
    next = slot < 0 ? -1 : slotAfter(records, BY_EXPIRY, slot);
    if (next < 0) second += 1;
    return slot;
  }

  function advance(now: number, most: number): number {
    turnTo(now);
    let ended = 0;
    for (let left = most; second <= now && left > 0; ) {
      const slot = step();
      if (slot < 0) continue;
      left -= 1;
      if (expOf(records, slot) > now) continue;
      end(slot);
      ended += 1;
    }
    return ended;
  }

  return {
    add: (slot) => appendSlot(records, BY_EXPIRY, listOf(expOf(records, slot)), slot),
    remove(slot) {
      if (slot === next) next = slotAfter(records, BY_EXPIRY, slot);
      removeSlot(records, BY_EXPIRY, listOf(expOf(records, slot)), slot);
    },
    advance,
  };
}
