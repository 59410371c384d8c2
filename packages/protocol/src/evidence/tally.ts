import type { AuditEvent, EventOf } from '@talosprotocol/contracts';
import { countBefore } from './count-before.js';
import { COUNT_WITHIN } from './count-within.js';
import { notProven } from './not-proven.js';

/** What the log says of how many events there are of an agent, and how many that end something; and what of that a
 *  bundle shows. */
export interface Tally {
  /** Follows each event in order. @throws {TrustError} PROOF_NOT_PROVEN: the log counted otherwise than it did before */
  follow(event: AuditEvent, index: number): void;
  /** Checks that every event of an agent in the range is shown (AUD-56).
   *  @throws {TrustError} PROOF_NOT_PROVEN: a number is missing, or what stands before or after is not shown */
  checkAgent(sub: string, from: number, to: number): AgentRun;
  /** Checks that everything before an index that names one of the targets, and so could end a chain, is shown (AUD-57). Gives
   *  the indexes of the counts on whose word that is.
   *  @throws {TrustError} PROOF_NOT_PROVEN */
  checkEndings(targets: Iterable<string>, before: number): readonly number[];
}

/** The events of an agent in the range, all of them. */
export interface AgentRun {
  readonly records: number;
  /** Index of the count on whose word none follows; undefined if that is shown. */
  readonly counted: number | undefined;
}

interface Place {
  readonly index: number;
  readonly pseq: number;
}

/** How many there were before an index. */
interface Stated {
  readonly size: number;
  readonly count: number;
  /** Where it was said. */
  readonly index: number;
}

/** Starts a tally; of the first `whole` entries of the log it will see every one. */
export function createTally(whole: number): Tally {
  const agents = new Map<string, Place[]>();
  const endings = new Map<string, number[]>();
  const statedAgents = new Map<string, Stated[]>();
  const statedEndings = new Map<string, Stated[]>();

  function count({ size, agents: counted, endings: ended }: EventOf<'log.counted'>, index: number): void {
    if (size > index) throw notProven('counted', 'the log counts events that come after');
    for (const { sub, pseq } of counted) {
      const places = agents.get(sub) ?? [];
      const inside = countBefore(places, size, indexOf);
      const next = places[inside]?.pseq ?? Number.POSITIVE_INFINITY;
      checkCount(pseq, inside === 0 ? 0 : (places[inside - 1] as Place).pseq, next, size <= whole);
      // The numbers of what is shown between two counts say that it fits.
      putStated(listIn(statedAgents, sub), { size, count: pseq, index }, () => 0);
    }
    for (const { target, count: stated } of ended) {
      const shown = (before: number): number => countBefore(endings.get(target) ?? [], before, itself);
      checkCount(stated, shown(size), Number.POSITIVE_INFINITY, size <= whole);
      putStated(listIn(statedEndings, target), { size, count: stated, index }, shown);
    }
  }

  return {
    follow: (event, index) => {
      const { principal } = event;
      if (principal !== null) {
        const stated = statedAgents.get(principal.sub)?.at(-1)?.count ?? 0;
        if (principal.pseq <= stated) throw contradiction();
        listIn(agents, principal.sub).push({ index, pseq: principal.pseq });
      }
      const target = targetOf(event);
      if (target !== undefined) listIn(endings, target).push(index);
      if (event.type === 'log.counted') count(event, index);
    },
    checkAgent: (sub, from, to) => {
      const run = checkRun(sub, agents.get(sub) ?? [], statedAgents.get(sub) ?? [], from, to);
      return to <= whole ? { ...run, counted: undefined } : run;
    },
    checkEndings: (targets, before) => {
      const counts = new Set<number>();
      if (before <= whole) return [];
      for (const target of targets) {
        const shown = endings.get(target) ?? [];
        const counted = (statedEndings.get(target) ?? []).find(
          (stated) =>
            stated.size >= before &&
            isInTime(stated) &&
            countBefore(shown, stated.size, itself) === stated.count,
        );
        if (counted === undefined)
          throw notProven(
            'endings',
            `whether ${target} was revoked or ended before entry ${before} is not shown`,
          );
        counts.add(counted.index);
      }
      return [...counts];
    },
  };
}

/** What was counted long before it was said, not everybody who reads all of the log can check: a monitor cannot. */
function isInTime({ size, index }: Stated): boolean {
  return index - size <= COUNT_WITHIN;
}

/** The link or DID that an event ends, or changes the standing of (AUD-55). */
export function targetOf(event: AuditEvent): string | undefined {
  switch (event.type) {
    case 'revocation':
      return event.lid;
    case 'revocation.below':
      return event.below;
    case 'identity.rotated':
    case 'identity.deactivated':
      return event.did;
    default:
      return undefined;
  }
}

/** The numbers of an agent in the range follow each other; the one before the first is shown before the range, unless
 *  there is none; and that no other follows the last is shown by the next one, or the log counted as many. */
function checkRun(
  sub: string,
  places: readonly Place[],
  stated: readonly Stated[],
  from: number,
  to: number,
): AgentRun {
  const end = countBefore(places, to, indexOf);
  const start = countBefore(places, from, indexOf);
  let last = start === 0 ? 0 : (places[start - 1] as Place).pseq;
  for (const { pseq, index } of places.slice(start, end)) {
    if (pseq !== last + 1)
      throw notProven('complete', `event ${last + 1} of ${sub} is missing before entry ${index}`);
    last = pseq;
  }
  const records = end - start;
  if (places[end]?.pseq === last + 1) return { records, counted: undefined };
  const counted = stated.find((one) => one.size >= to && one.count === last && isInTime(one));
  if (counted !== undefined) return { records, counted: counted.index };
  throw notProven('complete', `nothing shows that event ${last} of ${sub} is its last before entry ${to}`);
}

const indexOf = ({ index }: Place): number => index;
const itself = (index: number): number => index;

/** Puts a count where it belongs by its size. What the log holds before a later place is no less than before an earlier one
 *  and what is shown between them, and before the same place it is the same. */
function putStated(list: Stated[], stated: Stated, shown: (before: number) => number): void {
  const at = countBefore(list, stated.size, ({ size }) => size);
  const [before, after] = [list[at - 1], list[at]];
  if (before !== undefined) checkGrowth(before, stated, shown);
  if (after !== undefined) checkGrowth(stated, after, shown);
  list.splice(at, 0, stated);
}

function checkGrowth(from: Stated, to: Stated, shown: (before: number) => number): void {
  const grown = to.count - from.count;
  const isSame = from.size === to.size;
  if (grown < shown(to.size) - shown(from.size) || (isSame && grown !== 0)) throw contradiction();
}

/** A count lies between the last number before and the first after; where everything is shown it is that number. */
function checkCount(stated: number, last: number, next: number, exact: boolean): void {
  if (stated < last || stated >= next || (exact && stated !== last)) throw contradiction();
}

function contradiction(): Error {
  return notProven('counted', 'the log counted otherwise than its events are numbered');
}

function listIn<V>(lists: Map<string, V[]>, key: string): V[] {
  const known = lists.get(key);
  if (known !== undefined) return known;
  const list: V[] = [];
  lists.set(key, list);
  return list;
}
