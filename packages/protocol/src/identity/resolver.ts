import { isTrustError, TrustError } from '../error.js';
import { parseDidKey } from './did-key.js';
import { type DidKeys, KEY_PURPOSES } from './did-keys.js';
import { assertFetchable, type DidRecord, type DidSource, fetchDidRecord } from './did-record.js';
import type { VerifiedWebvhLog } from './webvh/log.js';
import { continuesWebvhLog, type WebvhMark } from './webvh/version.js';

/** Finds the keys of a DID that are valid now. */
export interface DidResolver {
  /** @throws {TrustError} MALFORMED | SIGNATURE_INVALID | NOT_YET_VALID: no such method, or not a sound document or log.
   *  UNTRUSTED_ISSUER: a DID that would have to be fetched and is not on the allow-list. UNAVAILABLE: it could not be
   *  fetched. REVOKED: it is deactivated. */
  resolve(did: string): Promise<DidKeys>;
}

/** A resolver that can be told to look again. */
export interface DidDirectory extends DidResolver {
  /** Fetches a DID whatever the cache holds, uses the result from now on, and gives what it came out of. For a
   *  `did:key` there is nothing to fetch. @throws {TrustError} as `resolve` */
  refresh(did: string): Promise<DidRecord>;
}

/** Where the newest version seen of each `did:webvh` is kept for longer than a resolver lives, for all who share it. */
export interface WebvhMarks {
  find(did: string): Promise<WebvhMark | undefined>;
  /** Keeps a version, unless a later one is kept. */
  keep(did: string, mark: WebvhMark): Promise<void>;
}

/** What a resolver is built from. */
export interface DidResolverDeps extends Omit<DidSource, 'onLog'> {
  /** Without it what was seen of a log is known for as long as this resolver lives. */
  readonly marks?: WebvhMarks;
  /** True for the DIDs that may be fetched; by default none. */
  readonly allow?: (did: string) => boolean;
  /** How long fetched documents are used, 0 to 300 (default), after which the keys they held are no longer. */
  readonly cacheSeconds?: number;
  /** How long a failure is answered without asking again, 0 to 30, default 2. */
  readonly failureSeconds?: number;
}

const MAX_CACHED = 1024;
const MAX_UNDER_WAY = 64;
/** What was verified with a key holds at least so long, also for a `did:webvh` that wants not to be cached. */
const SHORTEST_USE = 30;
/** Whoever names the DID in a root that he forged must not have it fetched and verified each time. */
const SHORTEST_CACHE = 5;

interface Kept {
  readonly keys: DidKeys;
  /** Unix seconds until which the cache answers. */
  readonly until: number;
}

interface Failure {
  readonly error: TrustError;
  readonly until: number;
}

interface Memory {
  readonly kept: Map<string, Kept>;
  readonly failed: Map<string, Failure>;
  readonly marks: WebvhMarks;
  readonly underWay: Map<string, Promise<DidRecord>>;
}

/** Makes a resolver for `did:key`, answered from the DID itself, and for `did:web` and `did:webvh`, fetched if they are
 *  allowed and kept for at most five minutes, a `did:webvh` for no longer than its `ttl`. A `did:webvh` log must go on
 *  from what was seen of it. Concurrent calls for one DID share a fetch, also a failure is shared for a moment, and
 *  every memory is bounded.
 *  @throws {RangeError} `cacheSeconds` outside 0 to 300, `failureSeconds` outside 0 to 30 */
export function createDidResolver(deps: DidResolverDeps): DidDirectory {
  const { cacheSeconds = 300, failureSeconds = 2 } = deps;
  if (!(cacheSeconds >= 0 && cacheSeconds <= 300)) throw new RangeError('cacheSeconds is 0 to 300');
  if (!(failureSeconds >= 0 && failureSeconds <= 30)) throw new RangeError('failureSeconds is 0 to 30');
  const { marks = createMarks() } = deps;
  const memory: Memory = { kept: new Map(), failed: new Map(), marks, underWay: new Map() };
  const load = (did: string): Promise<DidRecord> =>
    fetchAndKeep(did, deps, { cacheSeconds, failureSeconds }, memory);
  return {
    async resolve(did) {
      if (did.startsWith('did:key:')) return didKeyKeys(did);
      assertAllowed(did, deps);
      const kept = memory.kept.get(did);
      if (kept !== undefined && deps.now() < kept.until) return kept.keys;
      const failed = memory.failed.get(did);
      if (failed !== undefined && deps.now() < failed.until) throw failed.error;
      return (await share(did, memory, load)).keys;
    },
    async refresh(did) {
      if (did.startsWith('did:key:')) return { keys: didKeyKeys(did) };
      assertAllowed(did, deps);
      // A fetch that is under way may have asked before what the caller knows of was published.
      await memory.underWay.get(did)?.catch(() => undefined);
      return share(did, memory, load);
    },
  };
}

/** The keys of a `did:key`: one, for every purpose.
 *  @throws {TrustError} MALFORMED */
export function didKeyKeys(did: string): DidKeys {
  const publicKey = parseDidKey(did);
  return {
    did,
    keys: [{ kid: `${did}#${did.slice('did:key:'.length)}`, publicKey, purposes: KEY_PURPOSES }],
  };
}

function assertAllowed(did: string, { allow }: DidResolverDeps): void {
  assertFetchable(did);
  if (allow?.(did) === true) return;
  // The code is that of a root without an anchor too, for which other advice would help.
  const list = did.startsWith('did:webvh:') ? 'didWebvh.allow' : 'didWeb.allow';
  throw new TrustError('UNTRUSTED_ISSUER', 'a DID outside the allow-list', {
    hint: `The keys of ${did} are not fetched here: the operator would have to add it to ${list} in talos.yaml, or use a did:key.`,
  });
}

function share(
  did: string,
  { underWay }: Memory,
  load: (did: string) => Promise<DidRecord>,
): Promise<DidRecord> {
  const shared = underWay.get(did);
  if (shared !== undefined) return shared;
  if (underWay.size === MAX_UNDER_WAY) throw new TrustError('UNAVAILABLE', 'too many DIDs are being fetched');
  const pending = load(did).finally(() => underWay.delete(did));
  underWay.set(did, pending);
  return pending;
}

type Times = Required<Pick<DidResolverDeps, 'cacheSeconds' | 'failureSeconds'>>;

async function fetchAndKeep(
  did: string,
  deps: DidResolverDeps,
  { cacheSeconds, failureSeconds }: Times,
  { kept, failed, marks }: Memory,
): Promise<DidRecord> {
  // The age counts from before the fetch: a slow answer may be as old as the question.
  const asked = deps.now();
  try {
    const onLog = (log: VerifiedWebvhLog) => checkContinuation(did, log, marks);
    const record = await fetchDidRecord(did, { ...deps, onLog });
    const ttl = record.log?.latest.parameters.ttl ?? cacheSeconds;
    const validUntil = asked + Math.min(cacheSeconds, Math.max(ttl, SHORTEST_USE));
    const keys = { ...record.keys, validUntil };
    remember(kept, did, { keys, until: asked + Math.min(cacheSeconds, Math.max(ttl, SHORTEST_CACHE)) });
    failed.delete(did);
    return { ...record, keys };
  } catch (error) {
    // What was fetched is still good while nobody answers, but not once the answer is another.
    if (!isTrustError(error) || error.code !== 'UNAVAILABLE') kept.delete(did);
    if (isTrustError(error)) remember(failed, did, { error, until: deps.now() + failureSeconds });
    throw error;
  }
}

/** A log that lacks what was seen of it was taken back or rewritten: by its host, or by whoever stole a key. Else an end or a
 *  rotation would hold only until somebody shows the log as it was before. */
async function checkContinuation(did: string, log: VerifiedWebvhLog, marks: WebvhMarks): Promise<void> {
  const seen = await marks.find(did);
  assertContinues(did, log, seen);
  const { number, versionId } = log.latest;
  if (number === seen?.number) return;
  await marks.keep(did, { number, versionId });
  // Another node may have seen another log meanwhile: a host that shows two at a time has one of them accepted.
  assertContinues(did, log, await marks.find(did));
}

function assertContinues(did: string, log: VerifiedWebvhLog, seen: WebvhMark | undefined): void {
  if (seen === undefined || continuesWebvhLog(seen, log)) return;
  throw new TrustError('SIGNATURE_INVALID', 'a DID log without what was seen of it before', {
    hint: `The log of ${did} has to hold its version ${seen.versionId}, which was seen before.`,
  });
}

/** Marks that are forgotten with the process. */
function createMarks(): WebvhMarks {
  const marks = new Map<string, WebvhMark>();
  return {
    find: async (did) => {
      const mark = marks.get(did);
      // Forgotten is the one asked for longest ago.
      if (mark !== undefined) remember(marks, did, mark);
      return mark;
    },
    keep: async (did, mark) => remember(marks, did, mark),
  };
}

function remember<T>(map: Map<string, T>, did: string, value: T): void {
  map.delete(did);
  for (const oldest of map.keys()) {
    if (map.size < MAX_CACHED) break;
    map.delete(oldest);
  }
  map.set(did, value);
}
