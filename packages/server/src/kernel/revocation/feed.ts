import {
  type CryptoProvider,
  type DidKeys,
  type FeedHead,
  type Signer,
  signFeedEntry,
} from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import type { Sql } from '../../platform/sql.js';
import { createSqlListener } from '../../platform/sql-listener.js';
import type { Clock } from '../../platform/system.js';
import { createFeedFollower, passReplay } from './feed-follow.js';
import { createFeedLead } from './feed-lead.js';
import { CHANNEL, createFeedStore } from './feed-store.js';
import type { Revocations } from './revocations.js';
import type { FeedWriter, RevocationStore } from './store.js';

/** The revocation feed as this node follows it, and leads it if no other node does (REV-5). */
export interface Feed {
  /** Reads the snapshot, begins to listen, and waits a moment for a new heartbeat. Nothing may be served before. */
  start(): Promise<void>;
  /** Leads if no other node does, and beats if it leads. To be done each second. */
  beat(): Promise<void>;
  /** Reads what was missed and the last heartbeat, in case no connection told us. To be done now and then. */
  poll(): Promise<void>;
  isFresh(op: 'read' | 'write'): boolean;
  /** For how many milliseconds revocations may be unheard of. */
  silence(): number;
  /** Signs entries for this feed. */
  readonly writer: FeedWriter;
  head(): FeedHead;
  /** The last heartbeat heard. */
  heartbeat(): string | undefined;
  /** Calls `listener` at every entry and heartbeat. The result unsubscribes. */
  onNews(listener: () => void): () => void;
  /** Forgets entries that nobody needs who begins with the snapshot. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

export interface FeedDeps {
  readonly sql: Sql;
  readonly store: Pick<RevocationStore, 'readSnapshot'>;
  readonly revocations: Pick<Revocations, 'apply'>;
  /** Whose feed it is; its key signs entries and heartbeats. */
  readonly organisation: Signer;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long entries are kept for those who follow from afar: a week. */
const KEPT_MS = 7 * 86_400_000;
/** Longest wait for a new heartbeat: after a kill the database needs a moment to let go of the lead. */
const START_TRIES = 60;
const START_PAUSE_MS = 50;

export function createFeed(deps: FeedDeps): Feed {
  const { sql, organisation, clock, log } = deps;
  const iss = organisation.did;
  const feedStore = createFeedStore(sql);
  const follower = createFeedFollower({ ...deps, iss, feedStore, keys: keysOfSigner(organisation) });
  const { poll, isFresh, hear, catchUp, onNotification, report } = follower;
  const onConnect = (): void => {
    catchUp().catch(report);
  };
  const listener = createSqlListener({ sql, channel: CHANNEL, log, onNotification, onConnect });
  const { session, reconnect } = listener;
  const lead = createFeedLead({ iss, organisation, clock, session, give: reconnect });

  const beat = async (): Promise<void> => {
    let heard = Number.NEGATIVE_INFINITY;
    const heartbeat = await lead.beat(async () => {
      heard = clock.monotonic();
      await catchUp();
      return follower.head();
    });
    if (heartbeat !== undefined) await hear(heartbeat, heard).catch(passReplay);
  };
  return {
    start: async () => {
      await follower.load();
      // What was said before may be the last word of a node that is gone: it is no sign that there will be another.
      const former = (await feedStore.lastHeartbeat(iss))?.heartbeat;
      const isHeard = (): boolean => isFresh('write') && follower.heartbeat() !== former;
      for (let tries = 0; tries < START_TRIES && !isHeard(); tries++) {
        if (tries > 0) await new Promise((resolve) => setTimeout(resolve, START_PAUSE_MS));
        await beat().catch(report);
        await poll().catch(report);
      }
    },
    beat,
    poll,
    isFresh,
    silence: follower.silence,
    writer: createWriter(deps),
    head: follower.head,
    heartbeat: follower.heartbeat,
    onNews: follower.onNews,
    tidy: () => feedStore.forgetEntries(iss, clock.now() - KEPT_MS),
    close: () => listener.close(),
  };
}

function createWriter({ organisation, crypto, clock }: FeedDeps): FeedWriter {
  return {
    iss: organisation.did,
    sign: (head, item) => {
      const entry = signFeedEntry(head, { iat: Math.floor(clock.now() / 1000), item }, organisation);
      return { entry, hash: crypto.sha256Ascii(entry) };
    },
  };
}

/** Keys for what we sign ourselves. */
function keysOfSigner({ did, kid, publicKey }: Signer): DidKeys {
  return { did, keys: [{ kid: kid ?? did, publicKey, purposes: ['assertionMethod'] }] };
}
