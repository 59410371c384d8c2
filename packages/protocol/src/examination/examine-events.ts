import type { AuditEvent, EventOf } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { canonicalize } from '../encoding/jcs.js';
import { parseJsonObject } from '../encoding/json.js';
import { parseTime } from '../encoding/time.js';
import { decodeUtf8, ownText } from '../encoding/utf8.js';
import type { TrustError } from '../error.js';
import { BACKWARDS_MS } from '../evidence/backwards.js';
import { type Bookings, bookingsFrom, createBookings } from '../evidence/bookings.js';
import { type Counts, countsFrom, createCounts } from '../evidence/counts.js';
import { parseEvent } from '../evidence/event.js';
import { createPrunings, type Prunings } from '../evidence/prunings.js';
import type { OnFault } from './fault.js';

export interface EventExamination {
  readonly crypto: CryptoProvider;
  /** Of the log whose events these are. */
  readonly origin: string;
  /** Whose events count; anybody's if it is absent. */
  readonly emitters?: ReadonlySet<string>;
  readonly onFault: OnFault;
}

/** Follows the events of a log in order, from its start, from where it was pruned, or from behind a gap. */
export interface EventExaminer {
  /** Looks at the leaf data at an index; the event if it is one. After a gap nothing is known of what was before. */
  follow(index: number, leaf: Uint8Array): AuditEvent | undefined;
  /** Where each emitter's events end; of those that were followed. */
  readonly emitters: ReadonlyMap<string, EmitterEnd>;
  /** The last number of each subject. */
  readonly subjects: ReadonlyMap<string, number>;
  /** Bodies below this index were pruned, as the log has it on record (AUD-111). */
  readonly pruned: number;
}

/** The last event of an emitter. */
export interface EmitterEnd {
  readonly eseq: number;
  readonly hash: string;
  /** Unix milliseconds; the latest of its events. */
  readonly time: number;
}

/** Checks each event by itself (canonical, of its schema, of this log) and with those before it: the numbers, hashes and
 *  times of its emitter, the numbers of its subject, whom it is booked on, tenant, boots, the log's own counts (AUD-1, AUD-2,
 *  AUD-21, AUD-22, AUD-55). It goes on after a fault, from what it found, so that one fault is told once. */
export function createEventExaminer(given: EventExamination): EventExaminer {
  const { crypto, onFault } = given;
  const emitters = new Map<string, EmitterEnd>();
  const subjects = new Map<string, number>();
  const state: State = {
    next: 0,
    isStart: true,
    tenant: undefined,
    boot: 0,
    prunings: createPrunings(),
    pruned: undefined,
    counts: newCounts(0),
    bookings: createBookings({ crypto, mostChains: CHAINS, mostCalls: CALLS }, bookingsFrom(0)),
  };
  return {
    emitters,
    subjects,
    get pruned() {
      return state.pruned ?? 0;
    },
    follow: (index, leaf) => {
      if (index !== state.next) {
        state.isStart = false;
        state.counts = newCounts(index);
        // What was read of chains before the gap is so all the same.
        state.bookings.miss();
        emitters.clear();
        subjects.clear();
      }
      state.next = index + 1;
      const tell = (what: string): void => onFault({ where: 'event', index, what });
      const event = readLeaf(leaf, tell);
      if (event === undefined) {
        state.bookings.miss();
        return undefined;
      }
      checkSource(event, given, tell);
      state.tenant ??= event.tenant;
      if (event.tenant !== state.tenant) tell(`it is of the tenant ${event.tenant}`);
      const { isStart } = state;
      followEmitter(event, crypto.sha256Hex(leaf), { emitters, isStart, tell });
      followSubject(event, { subjects, isStart, tell });
      if (event.type === 'log.opened') state.boot = followBoot(event, index, state.boot, tell);
      if (event.type === 'log.pruned') followPruning(event, index, state, tell);
      followCounts(event, index, { ...state, subjects, tell });
      followBooking(event, state, tell);
      return event;
    },
  };
}

interface State {
  next: number;
  /** Everything that there ever was has been followed. */
  isStart: boolean;
  tenant: string | undefined;
  boot: number;
  readonly prunings: Prunings;
  /** Undefined while no record of a pruning was seen. */
  pruned: number | undefined;
  counts: Counts;
  readonly bookings: Bookings;
}

/** Entries of which it is remembered whose they are: more than a verifier asks for, as those before ours took counts from so
 *  far behind. */
const WINDOW = 1_048_576;
/** Chains that are remembered, those that were used last, and allowed decisions, the last ones: a log has more than fit. */
const CHAINS = 1_048_576;
const CALLS = 65_536;

type Tell = (what: string) => void;

function readLeaf(leaf: Uint8Array, tell: Tell): AuditEvent | undefined {
  try {
    const text = decodeUtf8(leaf);
    const value = parseJsonObject(text);
    if (canonicalize(value) !== text) tell('it is not canonical JSON');
    const event = parseEvent(value);
    // The schema lets the 30th of February through.
    parseTime(event.time);
    return event;
  } catch (error) {
    tell(`it is no event: ${(error as TrustError).data.reason}`);
    return undefined;
  }
}

function checkSource(event: AuditEvent, { origin, emitters }: EventExamination, tell: Tell): void {
  if (event.origin !== origin) tell(`it is of the log ${event.origin}`);
  if (emitters?.has(event.emitter) === false) tell(`its emitter ${event.emitter} is none that is trusted`);
}

function followEmitter(
  { emitter, eseq, prev, time }: AuditEvent,
  hash: string,
  { emitters, isStart, tell }: { emitters: Map<string, EmitterEnd>; isStart: boolean; tell: Tell },
): void {
  const last = emitters.get(emitter) ?? (isStart ? { eseq: 0, hash: null, time: 0 } : undefined);
  const at = parseTime(time);
  put(emitters, emitter, { eseq, hash, time: Math.max(at, last?.time ?? 0) });
  if (last === undefined) return;
  if (eseq !== last.eseq + 1) tell(`eseq ${eseq} of its emitter follows ${last.eseq}`);
  else if (prev !== last.hash) tell("prev is not the hash of its emitter's event before");
  if (at < last.time - BACKWARDS_MS) tell('its time is before that of the event before');
}

function followSubject(
  { principal }: AuditEvent,
  { subjects, isStart, tell }: { subjects: Map<string, number>; isStart: boolean; tell: Tell },
): void {
  if (principal === null) return;
  const { sub, pseq } = principal;
  const last = subjects.get(sub) ?? (isStart ? 0 : undefined);
  put(subjects, sub, pseq);
  if (last !== undefined && pseq !== last + 1) tell(`pseq ${pseq} of its subject follows ${last}`);
}

/** A new name is kept without the entry that it was read out of. */
function put<V>(map: Map<string, V>, name: string, value: V): void {
  map.set(map.has(name) ? name : ownText(name), value);
}

function followBoot(
  { size, boot }: Extract<AuditEvent, { type: 'log.opened' }>,
  index: number,
  last: number,
  tell: Tell,
): number {
  if (size !== index) tell(`the log was opened with ${size} events, and this is event ${index}`);
  if (boot <= last) tell(`boot ${boot} follows ${last}`);
  return boot;
}

function newCounts(from: number): Counts {
  return createCounts({ window: WINDOW, mostTargets: Number.POSITIVE_INFINITY }, countsFrom(from));
}

function followCounts(
  event: AuditEvent,
  index: number,
  {
    counts,
    isStart,
    subjects,
    tell,
  }: Pick<State, 'counts' | 'isStart'> & { subjects: Map<string, number>; tell: Tell },
): void {
  const lastOf = (sub: string): number | undefined => subjects.get(sub) ?? (isStart ? 0 : undefined);
  const fault = event.type === 'log.counted' ? counts.faultOf(event, index, lastOf) : undefined;
  if (fault !== undefined) tell(fault);
  counts.take(event, index);
}

function followBooking(event: AuditEvent, { bookings }: State, tell: Tell): void {
  const fault = bookings.faultOf(event);
  if (fault !== undefined) tell(fault);
  bookings.take(event);
}

/** Each pruning goes on where the one before ended, of which the record is kept. One that could not have been is none: else
 *  one early record would allow that bodies of later events are missing. */
function followPruning(event: EventOf<'log.pruned'>, index: number, state: State, tell: Tell): void {
  const { from, to } = event;
  const before = state.pruned ?? (state.isStart ? 0 : from);
  if (from !== before) tell(`it prunes from ${from} on, and the log was pruned up to ${before}`);
  try {
    state.prunings.follow(event, index);
  } catch (error) {
    tell(`it is no pruning: ${(error as TrustError).data.reason}`);
    return;
  }
  state.pruned = to;
}
