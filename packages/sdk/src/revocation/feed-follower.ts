import { createChecker, FeedPage, FeedSnapshot } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  createFeedReader,
  type DidKeys,
  type FeedReader,
  isTrustError,
  parseFeedSnapshot,
  type RevocationCheck,
  TrustError,
} from '@talosprotocol/protocol';
import { createHttpClient, type HttpClient, type HttpClientOptions } from '../http/client.js';
import { pause } from '../pause.js';
import { createRevokedSet } from './revoked-set.js';

/** What a follower is made of. */
export interface FeedFollowerOptions extends Omit<HttpClientOptions, 'adminToken' | 'timeoutMs'> {
  /** The keys of the platform's organisation, whose feed it is; asked before each request, so that they may change. */
  readonly keys: () => DidKeys | Promise<DidKeys>;
  readonly crypto: CryptoProvider;
  /** `now` in Unix milliseconds; `monotonic` in milliseconds since any moment. */
  readonly clock: { now(): number; monotonic(): number };
  /** Told of each link that comes into force by its `lid`: what hangs on it has to end. Chains that a rule below a DID
   *  ends are found by asking `isRevoked` of each again, for which `onRule` is called. */
  readonly onRevoked?: (lid: string) => void;
  readonly onRule?: () => void;
  /** Told why the feed cannot be followed; the follower goes on trying. `data.caveat` names a fault (REV-8). */
  readonly onFault?: (error: unknown) => void;
}

/** The revocations of a platform, followed over HTTP by a process without its database (REV-10). */
export interface FeedFollower {
  /** Reads the snapshot, then follows in the background. Decide nothing before it has resolved.
   *  @throws {TrustError} UNAVAILABLE | UPSTREAM_FAILED | SIGNATURE_INVALID */
  start(): Promise<void>;
  /** For `VerifyContext.isRevoked`. */
  readonly isRevoked: RevocationCheck;
  /** False while a revocation may be unheard of: refuse calls of that kind (REV-9). */
  isFresh(op: 'read' | 'write'): boolean;
  close(): Promise<void>;
}

/** A heartbeat each second answers a request that waits; this is for a server that does not. */
const TIMEOUT_MS = 15_000;
const MAX_SNAPSHOT = 33_554_432;
const RETRY_MS = [100, 500, 2_000] as const;
const checks = { page: createChecker(FeedPage), snapshot: createChecker(FeedSnapshot) };

/** Makes a follower of the feed of the platform at `url`.
 *  @throws {TypeError} a URL that is not http or https, or holds user info
 *  @example const feed = createFeedFollower({ url, keys: () => didKeyKeys(organisation), crypto, clock }) */
export function createFeedFollower(options: FeedFollowerOptions): FeedFollower {
  const { clock, crypto } = options;
  const http = createHttpClient({ ...options, timeoutMs: TIMEOUT_MS });
  const set = createRevokedSet(options);
  let keys: DidKeys | undefined;
  const knownKeys = (): DidKeys => {
    if (keys === undefined) throw new TrustError('UNAVAILABLE', 'the keys of the feed are not known yet');
    return keys;
  };
  const reader = createFeedReader({ keys: knownKeys, crypto, clock, apply: set.apply });
  const closed = new AbortController();
  let running: Promise<void> | undefined;

  const load = async (): Promise<void> => {
    keys = await options.keys();
    const snapshot = await http.json<FeedSnapshot>(
      { method: 'GET', path: '/talos/v1/revocations/snapshot', maxBytes: MAX_SNAPSHOT },
      checks.snapshot,
    );
    const { n, hash } = parseFeedSnapshot(snapshot, keys, crypto);
    if (n < reader.head().n) throw rollback(reader.head().n, n);
    for (const item of snapshot.items) set.apply(item);
    reader.start({ n, hash });
    hear(reader, snapshot.heartbeat);
  };
  /** False if the server had nothing to say, and did not wait. */
  const step = async (): Promise<boolean> => {
    keys = await options.keys();
    const page = await readPage(http, reader.head().n);
    const first = hear(reader, page.heartbeat);
    for (const entry of page.entries) reader.takeEntry(entry);
    const said = first === 'behind' ? hear(reader, page.heartbeat) : first;
    // By no clock but one that is that of the platform: what one forgets that is wrong for a moment is accepted again later.
    if (said === 'heard') set.forget(Math.floor(clock.now() / 1000));
    return said !== 'nothing' || page.entries.length > 0;
  };
  const run = async (): Promise<void> => {
    for (let failed = 0; !closed.signal.aborted; ) {
      try {
        if (!(await step())) await pause(RETRY_MS[0], closed.signal);
        failed = 0;
      } catch (error) {
        options.onFault?.(error);
        if (needsSnapshot(error)) await load().catch((cause: unknown) => options.onFault?.(cause));
        await pause(RETRY_MS[Math.min(failed, 2)] as number, closed.signal);
        failed += 1;
      }
    }
  };
  return {
    start: async () => {
      await load();
      running ??= run();
    },
    isRevoked: set.isRevoked,
    isFresh: reader.isFresh,
    close: async () => {
      closed.abort();
      await Promise.race([running, pause(0, closed.signal)]);
    },
  };
}

function readPage(http: HttpClient, after: number): Promise<FeedPage> {
  return http.json({ method: 'GET', path: '/talos/v1/revocations/feed', query: { after } }, checks.page);
}

/** The server answers with the last heartbeat it has: the one we heard is nothing new, and no fault. */
function hear(reader: FeedReader, heartbeat: string | null): 'heard' | 'behind' | 'nothing' {
  if (heartbeat === null) return 'nothing';
  try {
    return reader.takeHeartbeat(heartbeat);
  } catch (error) {
    if (isTrustError(error) && error.data.caveat === 'replay') return 'nothing';
    throw error;
  }
}

/** Entries that the server has forgotten, or lost, are in force in its snapshot. */
function needsSnapshot(error: unknown): boolean {
  return isTrustError(error) && (error.code === 'NOT_FOUND' || error.data.caveat === 'gap');
}

function rollback(from: number, to: number): TrustError {
  const reason = `revocation feed, rollback: the snapshot went from entry ${from} back to ${to}`;
  return new TrustError('UNAVAILABLE', reason, { caveat: 'rollback' });
}
