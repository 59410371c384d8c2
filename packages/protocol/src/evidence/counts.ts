import type { AuditEvent, EventOf } from '@talosprotocol/contracts';
import { createPlaces, type PlacesState } from './places.js';
import { createRecent, type Recent } from './recent.js';
import { targetOf } from './tally.js';

/** What a reader of a whole log knows of how many events there were, as plain JSON. */
export interface CountsState {
  /** Every event from this index on was taken. */
  readonly from: number;
  /** False if something may have been ended of which nothing is known, or was forgotten: then there may be more endings than
   *  are counted, and never fewer. */
  readonly isWhole: boolean;
  /** Of those that were ended last, the last one last. */
  readonly endings: readonly (readonly [target: string, count: number])[];
  /** Where the last events of each subject, and the last endings of each target, stand. */
  readonly subjects: PlacesState;
  readonly targets: PlacesState;
}

/** Holds what a log says of its own numbers (AUD-55) against its events, for whoever reads all of them in order. */
export interface Counts {
  /** What is false in a count that stands at an index, in words; undefined if nothing is, as far as is known. `lastOf` is the
   *  number of a subject's last event, 0 if there is none, undefined if that is not known. */
  faultOf(
    event: EventOf<'log.counted'>,
    index: number,
    lastOf: (sub: string) => number | undefined,
  ): string | undefined;
  /** Takes the event at the next index. */
  take(event: AuditEvent, index: number): void;
  state(): CountsState;
}

export interface CountsOptions {
  /** Entries of which it is remembered where they stand. Of a count of what was before them only bounds are known. */
  readonly window: number;
  /** Targets whose endings are counted: those that were ended last. */
  readonly mostTargets: number;
}

/** What is known before the event at an index, if nothing of what was before it is. */
export function countsFrom(index: number): CountsState {
  return { from: index, isWhole: index === 0, endings: [], subjects: [], targets: [] };
}

export function createCounts({ window, mostTargets }: CountsOptions, known: CountsState): Counts {
  const { from } = known;
  const ended = createRecent(known.endings, mostTargets);
  const subjects = createPlaces(window, known.subjects);
  const targets = createPlaces(window, known.targets);
  let { isWhole } = known;
  return {
    faultOf: (event, index, lastOf) => {
      const { size } = event;
      if (size > index) return 'it counts events that come after';
      const begin = Math.max(size, from, index - window);
      // So many entries between the place of the count and what is remembered may be of anybody.
      const open = begin - size;
      const lie =
        falseNumber(event, { lastOf, open, later: (sub) => subjects.countFrom(sub, begin) }) ??
        falseEnding(event, { ended, isWhole, open, later: (target) => targets.countFrom(target, begin) });
      return lie && `it says that there were ${lie} before entry ${size}, and there were not`;
    },
    take: (event, index) => {
      subjects.put(index, event.principal?.sub);
      const target = targetOf(event);
      targets.put(index, target);
      if (target === undefined) return;
      const count = ended.get(target);
      if (count === undefined && ended.isFull()) isWhole = false;
      ended.put(target, (count ?? 0) + 1);
    },
    state: () => ({
      from,
      isWhole,
      endings: ended.all(),
      subjects: subjects.state(),
      targets: targets.state(),
    }),
  };
}

/** What lies between a count and where it stands. */
interface Between {
  readonly open: number;
  /** How many of a name surely do. */
  readonly later: (name: string) => number;
}

function falseNumber(
  { agents }: EventOf<'log.counted'>,
  { lastOf, open, later }: Between & { readonly lastOf: (sub: string) => number | undefined },
): string | undefined {
  const found = agents.find(({ sub, pseq }) => {
    const last = lastOf(sub);
    if (last === undefined) return false;
    const most = last - later(sub);
    return pseq > most || pseq < most - open;
  });
  return found && `${found.pseq} events of ${found.sub}`;
}

function falseEnding(
  { endings }: EventOf<'log.counted'>,
  {
    ended,
    isWhole,
    open,
    later,
  }: Between & { readonly ended: Pick<Recent<number>, 'get'>; readonly isWhole: boolean },
): string | undefined {
  const found = endings.find(({ target, count }) => {
    const most = (ended.get(target) ?? 0) - later(target);
    return count < most - open || (isWhole && count > most);
  });
  return found && `${found.count} events that end ${found.target}`;
}
