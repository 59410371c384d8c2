import {
  type CryptoProvider,
  createFeedReader,
  type DidKeys,
  type FeedHead,
  type FeedReader,
  isTrustError,
} from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import type { Clock } from '../../platform/system.js';
import { parseAnnouncement } from './announcement.js';
import type { FeedStore } from './feed-store.js';
import { onlyOnce } from './only-once.js';
import type { Revocations } from './revocations.js';
import type { RevocationStore } from './store.js';

/** Follows the feed in the database: what it says is put in force here. */
export interface FeedFollower {
  head(): FeedHead;
  /** The last heartbeat heard. */
  heartbeat(): string | undefined;
  isFresh(op: 'read' | 'write'): boolean;
  /** For how many milliseconds revocations may be unheard of. */
  silence(): number;
  /** Begins with all that is in force. */
  load(): Promise<void>;
  /** Reads entries that are new. */
  catchUp(): Promise<void>;
  /** Reads entries, and the last heartbeat if no connection told us of it. */
  poll(): Promise<void>;
  /** Takes a heartbeat that was heard at `heard` (monotonic). */
  hear(heartbeat: string, heard: number): Promise<void>;
  /** Takes what another node announced. */
  onNotification(payload: string): void;
  /** Calls `listener` at every entry and heartbeat. The result unsubscribes. */
  onNews(listener: () => void): () => void;
  /** Logs what went wrong, each kind once until the feed is heard again. */
  report(error: unknown): void;
}

export interface FeedFollowerDeps {
  readonly iss: string;
  readonly keys: DidKeys;
  readonly feedStore: FeedStore;
  readonly store: Pick<RevocationStore, 'readSnapshot'>;
  readonly revocations: Pick<Revocations, 'apply'>;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly log: Log;
}

const PAGE = 256;

export function createFeedFollower(deps: FeedFollowerDeps): FeedFollower {
  const { iss, keys, feedStore, crypto, clock, revocations } = deps;
  const reader = createFeedReader({ keys: () => keys, crypto, clock, apply: revocations.apply });
  const faults = createFaultReport(deps.log);
  const news = new Set<() => void>();
  let last: string | undefined;
  const tell = (): void => {
    for (const listener of [...news]) listener();
  };
  const load = async (): Promise<void> => {
    const { head, items } = await deps.store.readSnapshot(iss);
    for (const item of items) revocations.apply(item);
    reader.start(head);
  };
  const catchUp = onlyOnce(async () => {
    if (await readEntries(deps, reader, load)) tell();
  });
  const hear = async (heartbeat: string, heard: number): Promise<void> => {
    if (reader.takeHeartbeat(heartbeat, heard) === 'behind') {
      await catchUp();
      // What is missing still was never written, or was not told to us: silence.
      if (reader.takeHeartbeat(heartbeat, heard) === 'behind') return;
    }
    last = heartbeat;
    faults.clear();
    tell();
  };
  return {
    head: reader.head,
    heartbeat: () => last,
    isFresh: reader.isFresh,
    silence: reader.silence,
    load,
    catchUp,
    hear,
    poll: async () => {
      const asked = clock.monotonic();
      await catchUp();
      const written = await feedStore.lastHeartbeat(iss);
      if (written === undefined || written.heartbeat === last) return;
      await hear(written.heartbeat, asked - written.age).catch(passReplay);
    },
    onNotification: (payload) => {
      const heard = clock.monotonic();
      const told = parseAnnouncement(payload);
      if (told?.iss !== iss) return;
      if ('heartbeat' in told) hear(told.heartbeat, heard).catch(faults.report);
      else if (told.n > reader.head().n) catchUp().catch(faults.report);
    },
    onNews: (listener) => {
      news.add(listener);
      return () => void news.delete(listener);
    },
    report: faults.report,
  };
}

/** True if there was an entry. */
async function readEntries(
  { iss, feedStore }: Pick<FeedFollowerDeps, 'iss' | 'feedStore'>,
  reader: FeedReader,
  load: () => Promise<void>,
): Promise<boolean> {
  const before = reader.head().n;
  for (;;) {
    const entries = await feedStore.entriesAfter(iss, reader.head().n, PAGE);
    try {
      for (const entry of entries) reader.takeEntry(entry);
    } catch (error) {
      // What lies between was forgotten while nobody here listened: begin again with what is in force.
      if (!isTrustError(error) || error.data.caveat !== 'gap') throw error;
      await load();
    }
    if (entries.length < PAGE) return reader.head().n > before;
  }
}

/** The same heartbeat comes on two ways, as a notification and as a row. */
export function passReplay(error: unknown): void {
  if (!isReplay(error)) throw error;
}

function isReplay(error: unknown): boolean {
  return isTrustError(error) && error.data.caveat === 'replay';
}

function createFaultReport(log: Log) {
  const said = new Set<string>();
  return {
    clear: (): void => {
      if (said.size > 0) log.info('the revocation feed is heard again');
      said.clear();
    },
    report: (error: unknown): void => {
      const name = isTrustError(error) ? (error.data.caveat ?? error.code) : 'failed';
      if (isReplay(error) || said.has(name)) return;
      said.add(name);
      log.error('the revocation feed cannot be followed: calls will be refused', { stage: name, err: error });
    },
  };
}
