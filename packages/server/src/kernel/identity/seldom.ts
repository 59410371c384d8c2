import { type DidDirectory, TrustError } from '@talosprotocol/protocol';
import type { Clock } from '../../platform/system.js';
import { createBoundedMap } from '../bounded.js';

/** So many looks at one DID may come at once, and one more each `PAUSE_MS`. */
const BURST = 6;
const PAUSE_MS = 5_000;
/** More DIDs than are fetched at a time. */
const MAX_DIDS = 1_024;

/** Fetches for whoever asks, past the cache: anybody may ask, so that it is done for one DID now and then only (ID-14). A look
 *  finds what was published before, whoever asked for it: who is refused is late by `PAUSE_MS` at most.
 *  @throws {TrustError} RATE_LIMITED; as `DidDirectory.refresh` */
export function createSeldomRefresh(
  resolver: Pick<DidDirectory, 'refresh'>,
  { monotonic }: Pick<Clock, 'monotonic'>,
): Pick<DidDirectory, 'refresh'> {
  /** When the looks that were taken would all be given back. */
  const fullAt = createBoundedMap<string, number>(MAX_DIDS);
  return {
    refresh: async (did) => {
      // Nothing is fetched.
      if (did.startsWith('did:key:')) return resolver.refresh(did);
      const now = monotonic();
      const next = Math.max(now, fullAt.get(did) ?? now) + PAUSE_MS;
      if (next > now + BURST * PAUSE_MS)
        throw new TrustError('RATE_LIMITED', 'the DID was looked at several times just now', {
          hint: `Try again in ${PAUSE_MS / 1000} seconds; what ${did} publishes was fetched a moment ago, whoever asked.`,
        });
      fullAt.set(did, next);
      return resolver.refresh(did);
    },
  };
}
