import { type DidDirectory, type DidKeys, type DidRecord, TrustError } from '@talosprotocol/protocol';
import type { Clock } from '../../platform/system.js';
import { createBoundedMap } from '../bounded.js';

/** Looks at DIDs past the cache, for whoever asks: anybody may, so that it is done for one DID now and then only (ID-14). */
export interface SeldomLooks {
  /** What the DID publishes now. A look finds what was published before, whoever asked for it: who is refused is late by
   *  `PAUSE_MS` at most. @throws {TrustError} RATE_LIMITED; as `DidDirectory.refresh` */
  look(did: string): Promise<DidRecord>;
  /** The keys of the DID, to check a statement: those of a moment ago where it was looked at several times since. Nobody who
   *  asks all the time keeps its owner from ending it. @throws {TrustError} as `DidDirectory.refresh` */
  keys(did: string): Promise<DidKeys>;
}

/** So many looks at one DID may come at once, and one more each `PAUSE_MS`. */
const BURST = 6;
const PAUSE_MS = 5_000;
/** More DIDs than are fetched at a time. */
const MAX_DIDS = 1_024;

export function createSeldomLooks(
  resolver: DidDirectory,
  { monotonic }: Pick<Clock, 'monotonic'>,
): SeldomLooks {
  /** When the looks that were taken would all be given back. */
  const fullAt = createBoundedMap<string, number>(MAX_DIDS);
  const take = (did: string): boolean => {
    // Nothing is fetched.
    if (did.startsWith('did:key:')) return true;
    const now = monotonic();
    const next = Math.max(now, fullAt.get(did) ?? now) + PAUSE_MS;
    if (next > now + BURST * PAUSE_MS) return false;
    fullAt.set(did, next);
    return true;
  };
  return {
    look: async (did) => {
      if (take(did)) return resolver.refresh(did);
      throw new TrustError('RATE_LIMITED', 'the DID was looked at several times just now', {
        hint: `Try again in ${PAUSE_MS / 1000} seconds; what ${did} publishes was fetched a moment ago, whoever asked.`,
      });
    },
    keys: async (did) => (take(did) ? (await resolver.refresh(did)).keys : resolver.resolve(did)),
  };
}
