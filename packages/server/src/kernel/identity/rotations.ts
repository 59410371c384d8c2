import type { DidDirectory } from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import type { Revocations } from '../revocation/revocations.js';
import { namesIn } from './standing.js';

/** How this process goes over to the keys that a DID publishes now (ID-14). */
export interface Rotations {
  /** What rests on the former keys begins anew: a session whose key was stolen must not outlive them. Once a change: whoever
   *  asks again ends nothing. `number` is that of the change. */
  beginAnew(did: string, number: number): void;
  /** The same for what another process was told of: the DID is fetched here too, past the cache. Never rejects. */
  follow(did: string, number: number): Promise<void>;
}

export function createRotations(deps: {
  readonly resolver: Pick<DidDirectory, 'refresh'>;
  readonly revocations: Pick<Revocations, 'endWhere'>;
  readonly log: Log;
}): Rotations {
  const begun = new Map<string, number>();
  const hasBegun = (did: string, number: number): boolean => (begun.get(did) ?? 0) >= number;
  const beginAnew = (did: string, number: number): void => {
    if (hasBegun(did, number)) return;
    begun.set(did, number);
    deps.revocations.endWhere((index, links) => namesIn(index, links).includes(did));
  };
  return {
    beginAnew,
    follow: async (did, number) => {
      if (hasBegun(did, number)) return;
      try {
        await deps.resolver.refresh(did);
      } catch (err) {
        // The former keys are then used for as long as ID-6 allows, and no longer.
        deps.log.warn('a DID that was rotated could not be fetched', { err });
      }
      beginAnew(did, number);
    },
  };
}
