import { malformed, TrustError } from '../error.js';
import { parseDidKey } from './did-key.js';
import { type DidKeys, KEY_PURPOSES } from './did-keys.js';
import { didWebUrl } from './did-web.js';
import { parseDidDocument } from './document.js';

/** Finds the keys of a DID that are valid now. */
export interface DidResolver {
  /** @throws {TrustError} MALFORMED: no such method or document. UNTRUSTED_ISSUER: a DID that would have to be
   *  fetched and is not on the allow-list. UNAVAILABLE: it could not be fetched. */
  resolve(did: string): Promise<DidKeys>;
}

/** What a resolver is built from. */
export interface DidResolverDeps {
  /** Gets a document over HTTPS. MUST refuse private addresses, redirects to another host, answers over 64 KiB or
   *  other than 200, and take bounded time; rejects with anything. Without it only `did:key` resolves. */
  readonly fetchDocument?: (url: string) => Promise<Uint8Array>;
  /** True for the DIDs that may be fetched; by default none. */
  readonly allow?: (did: string) => boolean;
  /** The time in Unix seconds. */
  readonly now: () => number;
  /** How long fetched documents are used, 0 to 300 (default), after which the keys they held are no longer. */
  readonly cacheSeconds?: number;
}

const MAX_CACHED = 1024;
const MAX_UNDER_WAY = 64;

/** Makes a resolver for `did:key`, answered from the DID itself, and `did:web`, fetched if it is allowed and kept
 *  for at most five minutes. Concurrent calls for one DID share a fetch; failures are not kept.
 *  @throws {RangeError} `cacheSeconds` outside 0 to 300 */
export function createDidResolver(deps: DidResolverDeps): DidResolver {
  const cacheSeconds = deps.cacheSeconds ?? 300;
  if (!(cacheSeconds >= 0 && cacheSeconds <= 300)) throw new RangeError('cacheSeconds is 0 to 300');
  const cache = new Map<string, DidKeys>();
  const underWay = new Map<string, Promise<DidKeys>>();

  const load = async (did: string): Promise<DidKeys> => {
    // The age counts from before the fetch: a slow answer may be as old as the question.
    const validUntil = deps.now() + cacheSeconds;
    const keys = { ...parseDidDocument(await fetchDocument(deps, did), did), validUntil };
    remember(cache, keys);
    return keys;
  };

  const resolveWeb = (did: string): Promise<DidKeys> => {
    const cached = cache.get(did);
    if (cached?.validUntil !== undefined && deps.now() < cached.validUntil) return Promise.resolve(cached);
    const shared = underWay.get(did);
    if (shared !== undefined) return shared;
    if (underWay.size === MAX_UNDER_WAY)
      throw new TrustError('UNAVAILABLE', 'too many DIDs are being fetched');
    const pending = load(did).finally(() => underWay.delete(did));
    underWay.set(did, pending);
    return pending;
  };

  return {
    async resolve(did) {
      if (did.startsWith('did:key:')) return didKeyKeys(did);
      if (!did.startsWith('did:web:')) throw malformed('a DID of a method that is not supported');
      didWebUrl(did);
      if (deps.allow?.(did) !== true)
        throw new TrustError('UNTRUSTED_ISSUER', 'a DID outside the allow-list');
      return resolveWeb(did);
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

async function fetchDocument(deps: DidResolverDeps, did: string): Promise<Uint8Array> {
  if (deps.fetchDocument === undefined)
    throw new TrustError('UNAVAILABLE', 'DID documents are not fetched here');
  try {
    return await deps.fetchDocument(didWebUrl(did));
  } catch (cause) {
    throw new TrustError('UNAVAILABLE', 'a DID document could not be fetched', {}, cause);
  }
}

function remember(cache: Map<string, DidKeys>, keys: DidKeys): void {
  cache.delete(keys.did);
  for (const oldest of cache.keys()) {
    if (cache.size < MAX_CACHED) break;
    cache.delete(oldest);
  }
  cache.set(keys.did, keys);
}
