import { FEED_LIMITS, type FeedItem, type FeedPage, type FeedSnapshot } from '@talosprotocol/contracts';
import { type CryptoProvider, type Signer, signFeedSnapshot, TrustError } from '@talosprotocol/protocol';
import { createShares } from '../../platform/shares.js';
import type { Sql } from '../../platform/sql.js';
import type { Clock } from '../../platform/system.js';
import type { Feed } from './feed.js';
import { createFeedStore } from './feed-store.js';
import type { RevocationStore } from './store.js';

/** The feed as it goes over HTTP. */
export interface FeedPages {
  /** Entries after `n`. If there is none, waits for one or for the next heartbeat, but not for long (REV-10).
   *  @throws {TrustError} NOT_FOUND: entries after `n` are forgotten; RATE_LIMITED: too many wait, of all or of this
   *  address */
  after(n: number, signal: AbortSignal, address: string): Promise<FeedPage>;
  /** All in force (REV-11), `FeedSnapshot` as JSON. @throws {TrustError} UNAVAILABLE: more than a snapshot may hold */
  snapshot(): Promise<Buffer>;
}

export interface FeedPagesDeps {
  readonly sql: Sql;
  readonly feed: Pick<Feed, 'head' | 'heartbeat' | 'onNews' | 'writer'>;
  readonly store: Pick<RevocationStore, 'readSnapshot'>;
  readonly organisation: Signer;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
}

/** Most callers that wait at a time, in all and of one address, and how long each does. */
const MAX_WAITING = { all: 256, perAddress: 16 };
const WAIT_MS = 10_000;

export function createFeedPages(deps: FeedPagesDeps): FeedPages {
  const { feed, organisation, crypto, clock } = deps;
  const { iss } = feed.writer;
  const feedStore = createFeedStore(deps.sql);
  const waiting = createShares(MAX_WAITING);
  let known: { readonly n: number; readonly at: number; readonly made: Promise<Buffer> } | undefined;

  const wait = async (signal: AbortSignal, address: string): Promise<void> => {
    if (!waiting.take(address)) {
      throw new TrustError('RATE_LIMITED', 'too many callers wait for revocations', {
        hint: 'Try again in a second, or follow the feed at another node.',
      });
    }
    await nextNews(feed, signal).finally(() => waiting.give(address));
  };
  const read = async (n: number): Promise<FeedPage> => {
    // The heartbeat first: one that is older than the entries beside it is no rollback, one that is newer might be.
    const heartbeat = feed.heartbeat() ?? null;
    const entries = await feedStore.entriesAfter(iss, n, FEED_LIMITS.page);
    return { entries: [...entries], heartbeat };
  };
  const make = async (): Promise<Buffer> => {
    const heartbeat = feed.heartbeat() ?? null;
    const { head, items } = await deps.store.readSnapshot(iss);
    if (items.length > FEED_LIMITS.items) {
      throw new TrustError('UNAVAILABLE', `more than ${FEED_LIMITS.items} revocations are in force`);
    }
    const statement = signFeedSnapshot({ time: Math.floor(clock.now()), head, items }, organisation, crypto);
    const snapshot: FeedSnapshot = { statement, items: items as FeedItem[], heartbeat };
    return Buffer.from(JSON.stringify(snapshot));
  };
  return {
    after: async (n, signal, address) => {
      if (n >= feed.head().n) await wait(signal, address);
      const first = n < feed.head().n ? await feedStore.firstEntry(iss) : undefined;
      if (first !== undefined && first > n + 1) {
        throw new TrustError('NOT_FOUND', `entries before ${first} are forgotten`, {
          hint: 'Begin with /talos/v1/revocations/snapshot.',
        });
      }
      return read(n);
    },
    snapshot: () => {
      // Made once a second at most: all who ask in a loop are sent the same bytes.
      const now = clock.monotonic();
      if (known === undefined || known.n !== feed.head().n || now - known.at > 1_000) {
        const made = make();
        known = { n: feed.head().n, at: now, made };
        made.catch(() => {
          known = undefined;
        });
      }
      return known.made;
    },
  };
}

function nextNews(feed: Pick<Feed, 'onNews'>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      unsubscribe();
      resolve();
    };
    const timer = setTimeout(done, WAIT_MS);
    const unsubscribe = feed.onNews(done);
    signal.addEventListener('abort', done);
  });
}
