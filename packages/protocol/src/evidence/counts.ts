import type { AuditEvent, EventOf } from '@talosprotocol/contracts';
import { targetOf } from './tally.js';

/** What a reader of a whole log knows of how many events there were, as plain JSON. */
export interface CountsState {
  /** Every event from this index on was taken. */
  readonly from: number;
  /** False if something may have been ended of which nothing is known: then there may be more endings than are counted. */
  readonly isWhole: boolean;
  readonly endings: readonly (readonly [target: string, count: number])[];
  /** Where the last events of each subject, and the last endings of each target, stand. */
  readonly subjects: Places;
  readonly targets: Places;
}

type Places = readonly (readonly [name: string, indexes: readonly number[]])[];

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
  /** Targets whose endings are counted. */
  readonly mostTargets: number;
}

/** What is known before the event at an index, if nothing of what was before it is. */
export function countsFrom(index: number): CountsState {
  return { from: index, isWhole: index === 0, endings: [], subjects: [], targets: [] };
}

export function createCounts({ window, mostTargets }: CountsOptions, known: CountsState): Counts {
  const { from } = known;
  const ended = new Map(known.endings);
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
        falseNumber(event, { lastOf, open, later: subjects.countFrom(begin, index) }) ??
        falseEnding(event, { ended, isWhole, open, later: targets.countFrom(begin, index) });
      return lie && `it says that there were ${lie} before entry ${size}, and there were not`;
    },
    take: (event, index) => {
      subjects.put(index, event.principal?.sub);
      const target = targetOf(event);
      targets.put(index, target);
      if (target === undefined) return;
      const count = ended.get(target);
      if (count === undefined && ended.size >= mostTargets) isWhole = false;
      else ended.set(target, (count ?? 0) + 1);
    },
    state: () => ({ from, isWhole, endings: [...ended], subjects: subjects.all(), targets: targets.all() }),
  };
}

/** What lies between a count and where it stands. */
interface Between {
  readonly open: number;
  readonly later: ReadonlyMap<string, number>;
}

function falseNumber(
  { agents }: EventOf<'log.counted'>,
  { lastOf, open, later }: Between & { readonly lastOf: (sub: string) => number | undefined },
): string | undefined {
  const found = agents.find(({ sub, pseq }) => {
    const last = lastOf(sub);
    if (last === undefined) return false;
    const most = last - (later.get(sub) ?? 0);
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
  }: Between & { readonly ended: ReadonlyMap<string, number>; readonly isWhole: boolean },
): string | undefined {
  const found = endings.find(({ target, count }) => {
    const most = (ended.get(target) ?? 0) - (later.get(target) ?? 0);
    return count < most - open || (isWhole && count > most);
  });
  return found && `${found.count} events that end ${found.target}`;
}

/** Whose the last entries are, by their index. */
function createPlaces(window: number, known: Places) {
  const ring: ({ readonly index: number; readonly name: string } | undefined)[] = [];
  const put = (index: number, name: string | undefined): void => {
    ring[index % window] = name === undefined ? undefined : { index, name };
  };
  for (const [name, indexes] of known) for (const index of indexes) put(index, name);
  return {
    put,
    /** How many of each name there are from one index up to, not including, another, all of them in the window. */
    countFrom: (begin: number, end: number): ReadonlyMap<string, number> => {
      const counts = new Map<string, number>();
      for (let index = begin; index < end; index += 1) {
        const place = ring[index % window];
        if (place?.index === index) counts.set(place.name, (counts.get(place.name) ?? 0) + 1);
      }
      return counts;
    },
    all: (): Places => {
      const places = new Map<string, number[]>();
      const inOrder = ring
        .filter((place) => place !== undefined)
        .sort((one, other) => one.index - other.index);
      for (const { index, name } of inOrder) {
        const indexes = places.get(name);
        if (indexes === undefined) places.set(name, [index]);
        else indexes.push(index);
      }
      return [...places];
    },
  };
}
