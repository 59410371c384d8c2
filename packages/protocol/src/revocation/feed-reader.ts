import type { FeedItem } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { isTrustError, TrustError } from '../error.js';
import type { DidKeys } from '../identity/did-keys.js';
import { type FeedHead, type FeedHeartbeat, parseFeedEntry, parseFeedHeartbeat } from './feed.js';

/** What is wrong with a feed (REV-8). Each is as silence: what was heard does not count. */
export type FeedFault = 'forged' | 'gap' | 'fork' | 'rollback' | 'replay' | 'late' | 'behind';

/** Longest silence in which calls are still decided, in milliseconds (REV-9). */
export const SILENCE_MS = { write: 5_000, read: 60_000 } as const;

/** How far the clocks of a feed's writer and of its reader may be apart, in milliseconds (REV-9). */
const SKEW_MS = 30_000;

/** What a reader is made of. */
export interface FeedReaderDeps {
  /** The keys of the platform whose feed it is; asked at each message. */
  readonly keys: () => DidKeys;
  readonly crypto: CryptoProvider;
  /** `now` in Unix milliseconds; `monotonic` in milliseconds since any moment. */
  readonly clock: { now(): number; monotonic(): number };
  /** Puts what an entry says in force, before the reader moves on. */
  readonly apply: (item: FeedItem) => void;
}

/** Follows a feed: entries in their order, each signed and naming the one before; heartbeats that never go back. */
export interface FeedReader {
  /** Last entry in force. */
  head(): FeedHead;
  /** Begins at `head`: the caller put in force what holds there. */
  start(head: FeedHead): void;
  /** Takes the next entry. One that is there already changes nothing; any other than the next is refused.
   *  @throws {TrustError} UNAVAILABLE, `data.caveat` a FeedFault: forged | gap | fork */
  takeEntry(jws: string): void;
  /** Takes a heartbeat heard at `heard` (monotonic, by default now). `behind` says that entries are missing here: take
   *  them, then the heartbeat again.
   *  @throws {TrustError} UNAVAILABLE, `data.caveat` a FeedFault: forged | replay | late | fork | rollback */
  takeHeartbeat(jws: string, heard?: number): 'heard' | 'behind';
  /** False while a revocation may be unheard of (REV-9). */
  isFresh(op: 'read' | 'write'): boolean;
  /** For how many milliseconds revocations may be unheard of; infinite before the first heartbeat. */
  silence(): number;
}

/** Makes a reader at the start of a feed, stale until its first heartbeat. */
export function createFeedReader(deps: FeedReaderDeps): FeedReader {
  const { keys, crypto, clock, apply } = deps;
  const beats = createBeats(clock);
  const recent = createRecent();
  // A heartbeat made after the last one knows at least what we knew when we heard that one.
  let floor = 0;
  const silence = (): number => clock.monotonic() - beats.heard();
  return {
    head: recent.head,
    start: (head) => {
      recent.clear(head);
      floor = 0;
    },
    takeEntry: (jws) => {
      const { claims, hash } = genuine(() => parseFeedEntry(jws, keys(), crypto));
      const head = recent.head();
      if (claims.n > head.n + 1) throw fault('gap', `entry ${claims.n} follows entry ${head.n}`);
      if (claims.n <= head.n) return recent.assertSame({ n: claims.n, hash });
      if (claims.prev !== head.hash) throw fault('fork', `entry ${claims.n} is of another history`);
      apply(claims.item);
      recent.add({ n: claims.n, hash });
    },
    takeHeartbeat: (jws, heard = clock.monotonic()) => {
      const beat = genuine(() => parseFeedHeartbeat(jws, keys(), crypto));
      beats.check(beat);
      const head = recent.head();
      if (beat.n > head.n) return 'behind';
      if (beat.n < floor) throw fault('rollback', `the feed went from entry ${floor} back to ${beat.n}`);
      recent.assertSame(beat);
      beats.take(beat, heard);
      floor = head.n;
      return 'heard';
    },
    isFresh: (op) => silence() <= SILENCE_MS[op],
    silence,
  };
}

interface Recent {
  head(): FeedHead;
  add(head: FeedHead): void;
  clear(head: FeedHead): void;
  /** @throws {TrustError} fork; one so old that its hash is not kept passes */
  assertSame(head: FeedHead): void;
}

/** Hashes kept to tell an old entry from another history. */
const KEPT = 1_024;

function createRecent(): Recent {
  const hashes = new Map<number, string | null>([[0, null]]);
  let head: FeedHead = { n: 0, hash: null };
  const add = (next: FeedHead): void => {
    head = next;
    hashes.set(next.n, next.hash);
    hashes.delete(next.n - KEPT);
  };
  return {
    head: () => head,
    add,
    clear: (next) => {
      hashes.clear();
      add(next);
    },
    assertSame: ({ n, hash }) => {
      if (hashes.has(n) && hashes.get(n) !== hash) throw fault('fork', `entry ${n} is of another history`);
    },
  };
}

interface Beats {
  /** @throws {TrustError} replay | late */
  check(beat: FeedHeartbeat): void;
  take(beat: FeedHeartbeat, heard: number): void;
  /** Monotonic moment up to which revocations are known. */
  heard(): number;
}

/** A heartbeat that was held up on its way counts from when it was sent: the smallest difference ever seen between the
 *  two clocks is that of a heartbeat that was not. */
function createBeats(clock: FeedReaderDeps['clock']): Beats {
  let last: FeedHeartbeat | undefined;
  let heardAt = Number.NEGATIVE_INFINITY;
  let smallest = Number.POSITIVE_INFINITY;
  return {
    heard: () => heardAt,
    check: (beat) => {
      if (last !== undefined && !isAfter(beat, last))
        throw fault('replay', 'a heartbeat that was heard before');
      if (Math.abs(clock.now() - beat.time) > SKEW_MS) throw fault('late', 'a heartbeat of another time');
    },
    take: (beat, heard) => {
      // Ours is the clock that nobody sets; the leader's is another one with each leader.
      if (beat.epoch !== last?.epoch) smallest = Number.POSITIVE_INFINITY;
      const difference = clock.monotonic() - beat.time;
      smallest = Math.min(smallest, difference);
      heardAt = Math.max(heardAt, heard - (difference - smallest));
      last = beat;
    },
  };
}

function isAfter(beat: FeedHeartbeat, last: FeedHeartbeat): boolean {
  return beat.epoch > last.epoch || (beat.epoch === last.epoch && beat.beat > last.beat);
}

function genuine<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw isTrustError(error) ? fault('forged', error.message, error) : error;
  }
}

function fault(name: FeedFault, reason: string, cause?: unknown): TrustError {
  const hint =
    'Revocations may be unheard of, so calls are refused; the operator finds the reason in the log.';
  return new TrustError('UNAVAILABLE', `revocation feed, ${name}: ${reason}`, { caveat: name, hint }, cause);
}
