import type { EventWalkState } from '@talosprotocol/protocol';
import { type Finding, nameOf } from './finding.js';

/** All that a monitor remembers, as plain JSON. Times are Unix milliseconds. */
export interface MonitorState {
  readonly origin: string;
  /** The largest checkpoint of the history that was seen, as it was signed; null before the first. */
  readonly note: string | null;
  /** When something new was seen: a larger log, or a witness that had looked again. */
  readonly fresh: number;
  /** When what was shown had been cosigned by enough witnesses. */
  readonly witnessed: number;
  /** Since when a place gives no answer. */
  readonly failing: readonly (readonly [place: string, since: number])[];
  /** Checkpoints of other views that are ahead of the log, until it has grown to them. */
  readonly ahead: readonly (readonly [url: string, note: string])[];
  /** What is proven for ever, without its evidence. */
  readonly proven: readonly Omit<Finding, 'evidence'>[];
  /** Where the reading of entries stands. */
  readonly walk: EventWalkState;
}

/** The same while it changes, without what others keep. */
export interface Memory {
  fresh: number;
  witnessed: number;
  readonly failing: Map<string, number>;
  readonly ahead: Map<string, string>;
  readonly proven: Map<string, Omit<Finding, 'evidence'>>;
}

type Remembered = Pick<MonitorState, 'fresh' | 'witnessed' | 'failing' | 'ahead' | 'proven'>;

/** What is remembered, or a memory that begins at `now`. */
export function createMemory(state: Remembered | undefined, now: number): Memory {
  return {
    fresh: state?.fresh ?? now,
    witnessed: state?.witnessed ?? now,
    failing: new Map(state?.failing),
    ahead: new Map(state?.ahead),
    proven: new Map(state?.proven.map((finding) => [nameOf(finding), finding])),
  };
}

/** Takes back what a clock that had run ahead remembered: else nothing would be late until it is there again, and a log that
 *  takes back what it showed would be forgiven for as long. */
export function settleMemory(memory: Memory, now: number): void {
  memory.fresh = Math.min(memory.fresh, now);
  memory.witnessed = Math.min(memory.witnessed, now);
  for (const [place, since] of memory.failing) memory.failing.set(place, Math.min(since, now));
}

export function memoryState({ fresh, witnessed, failing, ahead, proven }: Memory): Remembered {
  return { fresh, witnessed, failing: [...failing], ahead: [...ahead], proven: [...proven.values()] };
}
