import { TrustError } from '@talosprotocol/protocol';
import type { SignedCheckpoint } from './checkpoint.js';
import type { OpenLog } from './open-log.js';

/** How much a checkpoint is to be worth: as it is there first; rather one that as many witnesses as must have seen, for
 *  which some time is spent; or nothing else. */
export type Wish = 'first' | 'witnessed-if-soon' | 'witnessed';

/** Finds the checkpoint that something is proven under. Of a log without witnesses the newest is the only one. */
export interface Covering {
  /** What everybody is shown: the newest that witnesses have seen, else the newest.
   *  @throws {TrustError} UNAVAILABLE before the first */
  published(): SignedCheckpoint;
  /** One that covers the first `size` events. @throws {TrustError} UNAVAILABLE: there is none within the time */
  find(size: number, waitMs: number, wish: Wish): Promise<SignedCheckpoint>;
}

/** `witnessMs` is the longest wait for witnesses, beyond that for a checkpoint. */
export function createCovering(opened: () => OpenLog, witnessMs: number): Covering {
  const newest = (): SignedCheckpoint => {
    const last = opened().integrator.checkpoint;
    if (last === undefined) throw unavailable('the log has no checkpoint yet');
    return last;
  };
  return {
    published: () => opened().witnessing.witnessed() ?? newest(),
    find: async (size, waitMs, wish) => {
      const { witnessing, integrator } = opened();
      if (wish === 'witnessed' && !witnessing.isOn())
        throw unavailable('this log has no witnesses', 'name some under audit.witnesses in talos.yaml');
      const seen = witnessing.witnessed();
      if (seen !== undefined && seen.size >= size) return seen;
      if (!(await integrator.reach(size, waitMs))) throw unavailable('no checkpoint covers it yet');
      const found = wish === 'first' ? undefined : await witnessing.reach(size, witnessMs);
      if (found === undefined && wish === 'witnessed')
        throw unavailable('too few witnesses have seen it yet', 'talos audit witnesses says how they are');
      return found ?? newest();
    },
  };
}

function unavailable(reason: string, hint?: string): TrustError {
  return new TrustError('UNAVAILABLE', reason, hint === undefined ? {} : { hint });
}
