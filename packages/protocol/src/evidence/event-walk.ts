import type { AuditEvent } from '@talosprotocol/contracts';
import { equalBytes } from '../crypto/equal.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { parseJson } from '../encoding/json.js';
import { parseTime } from '../encoding/time.js';
import { isTrustError } from '../error.js';
import { MAX_ENTRY_BYTES } from '../log/tile.js';
import { BACKWARDS_MS } from './backwards.js';
import { type BookingsState, bookingsFrom, createBookings } from './bookings.js';
import { COUNT_WITHIN } from './count-within.js';
import { type CountsState, countsFrom, createCounts } from './counts.js';
import { eventBytes, parseEvent } from './event.js';
import { notProven } from './not-proven.js';
import { createPrunings } from './prunings.js';
import { createRecent } from './recent.js';

/** Where a walk stands, as plain JSON: it goes on from there after a restart. */
export interface EventWalkState {
  /** Index of the next entry. */
  readonly next: number;
  /** The last start, 0 if there was none. */
  readonly boot: number;
  readonly tenant: string | null;
  readonly emitters: readonly (readonly [emitter: string, last: LastEvent])[];
  /** Those with an event lately, the last one last. */
  readonly subjects: readonly (readonly [subject: string, pseq: number])[];
  /** True if there may be events before of which nothing is known: of whoever is not listed, the next number is any. */
  readonly partial: boolean;
  /** What the log's own counts are held against; absent in what was kept by a program that did not look at them. */
  readonly counts?: CountsState;
  /** What events are held against as to whom they are booked on; absent in what was kept by a program that did not look. */
  readonly bookings?: BookingsState;
}

export interface LastEvent {
  readonly eseq: number;
  readonly hash: string;
  /** Of its latest event, in Unix milliseconds. */
  readonly time: number;
}

/** Walks over the entries of a log, all of them, in order, and holds them to the rules that need no disclosure and no
 *  policy: what AUD-21 asks of entries that are not in a bundle, whose log and start it is (AUD-10, AUD-4), that each is
 *  booked on whom it is of (AUD-1), and that the log counted rightly (AUD-55). */
export interface EventWalk {
  /** Takes the next entry, which is proven to be in the tree.
   *  @throws {TrustError} PROOF_NOT_PROVEN, `data.caveat` the rule, `data.item` the entry; the walk stays before it */
  follow(bytes: Uint8Array): AuditEvent;
  /** Index of the next entry. */
  next(): number;
  state(): EventWalkState;
}

export interface EventWalkOptions {
  readonly origin: string;
  /** Whose events count; anybody's if it is absent. */
  readonly emitters?: ReadonlySet<string>;
  readonly crypto: CryptoProvider;
  /** Subjects whose number is remembered; default 65,536. */
  readonly mostSubjects?: number;
}

const SUBJECTS = 65_536;
const EMITTERS = 1_024;
const CHAINS = 65_536;
/** Allowed decisions whose outcomes are held against them. */
const CALLS = 16_384;

/** The walk before entry `index`, of whose beginnings nothing is known unless it is 0. */
export function walkFrom(index: number): EventWalkState {
  return { next: index, boot: 0, tenant: null, emitters: [], subjects: [], partial: index > 0 };
}

export function createEventWalk(options: EventWalkOptions, from: EventWalkState = walkFrom(0)): EventWalk {
  const { crypto } = options;
  const emitters = createRecent(from.emitters, EMITTERS);
  const subjects = createRecent(from.subjects, options.mostSubjects ?? SUBJECTS);
  const prunings = createPrunings();
  const counts = createCounts(
    { window: COUNT_WITHIN, mostTargets: SUBJECTS },
    from.counts ?? countsFrom(from.next),
  );
  const bookings = createBookings(
    { crypto, mostChains: CHAINS, mostCalls: CALLS },
    from.bookings ?? bookingsFrom(from.next),
  );
  const lastOf = (sub: string): number | undefined =>
    subjects.get(sub) ?? (partial || subjects.isFull() ? undefined : 0);
  let { next, boot, tenant, partial } = from;
  const check = (event: AuditEvent, time: number): void => {
    checkSource(event, options, tenant);
    checkEmitter(event, emitters.get(event.emitter), { time, partial });
    if (event.principal !== null)
      checkSubject(event.principal, subjects.get(event.principal.sub), partial || subjects.isFull());
    if (event.type === 'log.opened') checkStart(event, next, boot);
    if (event.type === 'log.pruned') prunings.follow(event, next);
    const lie = event.type === 'log.counted' ? counts.faultOf(event, next, lastOf) : undefined;
    if (lie !== undefined) throw notProven('counted', lie);
    const fault = bookings.faultOf(event);
    if (fault !== undefined) throw notProven('principal', fault);
  };
  return {
    next: () => next,
    follow: (bytes) => {
      const item = `entry ${next}`;
      const event = inItem(item, () => readEvent(bytes));
      const time = parseTime(event.time);
      inItem(item, () => check(event, time));
      const latest = Math.max(time, emitters.get(event.emitter)?.time ?? time);
      emitters.put(event.emitter, { eseq: event.eseq, hash: crypto.sha256Hex(bytes), time: latest });
      if (event.principal !== null) subjects.put(event.principal.sub, event.principal.pseq);
      if (event.type === 'log.opened') boot = event.boot;
      counts.take(event, next);
      bookings.take(event);
      partial ||= emitters.isFull();
      tenant = event.tenant;
      next += 1;
      return event;
    },
    state: () => ({
      next,
      boot,
      tenant,
      emitters: emitters.all(),
      subjects: subjects.all(),
      partial,
      counts: counts.state(),
      bookings: bookings.state(),
    }),
  };
}

function readEvent(bytes: Uint8Array): AuditEvent {
  const event = parseEvent(parseJson(bytes, { maxBytes: MAX_ENTRY_BYTES }));
  if (!equalBytes(eventBytes(event), bytes)) throw notProven('form', 'the event is not canonical JSON');
  return event;
}

function checkSource(event: AuditEvent, options: EventWalkOptions, tenant: string | null): void {
  if (event.origin !== options.origin) throw notProven('origin', 'the event was made for another log');
  if (options.emitters?.has(event.emitter) === false)
    throw notProven('emitter', `${event.emitter} is no emitter of the trust file`);
  if (tenant !== null && event.tenant !== tenant) throw notProven('tenant', 'the log is of another tenant');
}

function checkEmitter(
  { eseq, prev, emitter }: AuditEvent,
  last: LastEvent | undefined,
  { time, partial }: { readonly time: number; readonly partial: boolean },
): void {
  if ((eseq === 1) !== (prev === null))
    throw notProven('prev', "exactly an emitter's first event has no previous one");
  if (last === undefined) {
    if (eseq !== 1 && !partial) throw notProven('eseq', `event ${eseq} of ${emitter} is its first here`);
    return;
  }
  if (eseq !== last.eseq + 1) throw notProven('eseq', `event ${eseq} of ${emitter} follows ${last.eseq}`);
  if (prev !== last.hash) throw notProven('prev', "the hash of the emitter's previous event is another");
  if (time < last.time - BACKWARDS_MS) throw notProven('time', "the emitter's times run backwards");
}

function checkSubject(
  { sub, pseq }: { readonly sub: string; readonly pseq: number },
  last: number | undefined,
  partial: boolean,
): void {
  if (last === undefined && partial) return;
  const expected = (last ?? 0) + 1;
  if (pseq !== expected) throw notProven('pseq', `event ${pseq} of ${sub} stands where ${expected} should`);
}

function checkStart(
  event: { readonly size: number; readonly boot: number },
  index: number,
  boot: number,
): void {
  if (event.size !== index)
    throw notProven('start', `a start found ${event.size} events where there are ${index}`);
  if (event.boot <= boot) throw notProven('start', `start ${event.boot} follows ${boot}`);
}

/** Whatever refuses an entry, the answer names it. */
function inItem<T>(item: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!isTrustError(error)) throw error;
    const { caveat = 'form', reason = error.message } = error.data;
    throw notProven(caveat, `${item}: ${reason}`, error, item);
  }
}
