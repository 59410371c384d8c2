import { equalBytes, type VerifiedCapability } from '@talosprotocol/protocol';
import type { Revocations } from '../revocation/revocations.js';
import type { Verification } from './verification.js';

/** Chains that were verified with a proof of possession not long ago, by their hash. Nothing that was refused is kept:
 *  whoever floods with bad chains takes no place and is answered anew each time. */
export interface KnownChains {
  /** One that is in force now: times, revocations, anchor and fetched keys are looked at in every use. A dead one is
   *  forgotten. */
  find(cth: string): VerifiedCapability | undefined;
  /** Keeps one whose possession was proven just now. `seal` opens `isSealed` for whoever shows the same bytes.
   *  @throws {TrustError} a link was revoked meanwhile, and the like: then nothing is kept */
  keep(capability: VerifiedCapability, seal?: Uint8Array): void;
  /** True if the chain was kept with this seal; compares in constant time. */
  isSealed(cth: string, seal: Uint8Array): boolean;
  size(): number;
}

/** Chains kept. One is 16 KiB at most, so that a flood of large ones stays below 100 MB. */
const CAPACITY = 2_048;

export function createKnownChains(deps: {
  readonly verification: Pick<Verification, 'assertInForce'>;
  readonly revocations: Pick<Revocations, 'onEnforced'>;
  readonly capacity?: number;
}): KnownChains {
  const { verification, capacity = CAPACITY } = deps;
  // A Map keeps the order of insertion: the first is the one used longest ago.
  const kept = new Map<string, { readonly capability: VerifiedCapability; readonly seal?: Uint8Array }>();
  const byLid = new Map<string, Set<string>>();

  const forget = (cth: string): void => {
    for (const { lid } of kept.get(cth)?.capability.links ?? []) {
      const names = byLid.get(lid);
      names?.delete(cth);
      if (names?.size === 0) byLid.delete(lid);
    }
    kept.delete(cth);
  };
  deps.revocations.onEnforced((lid) => {
    for (const cth of [...(byLid.get(lid) ?? [])]) forget(cth);
  });
  return {
    find: (cth) => {
      const known = kept.get(cth);
      if (known === undefined) return undefined;
      if (!isInForce(verification, known.capability)) {
        forget(cth);
        return undefined;
      }
      kept.delete(cth);
      kept.set(cth, known);
      return known.capability;
    },
    keep: (capability, seal) => {
      const { cth, links } = capability;
      forget(cth);
      for (const { lid } of links) byLid.set(lid, (byLid.get(lid) ?? new Set()).add(cth));
      kept.set(cth, seal === undefined ? { capability } : { capability, seal });
      for (const oldest of kept.keys()) {
        if (kept.size <= capacity) break;
        forget(oldest);
      }
      // First it can be found by every link, then it is looked whether one was revoked: in one synchronous step.
      try {
        verification.assertInForce(capability, 'read');
      } catch (error) {
        forget(cth);
        throw error;
      }
    },
    isSealed: (cth, seal) => {
      const known = kept.get(cth)?.seal;
      return known !== undefined && equalBytes(known, seal);
    },
    size: () => kept.size,
  };
}

function isInForce({ assertInForce }: Pick<Verification, 'assertInForce'>, capability: VerifiedCapability) {
  try {
    assertInForce(capability, 'read');
    return true;
  } catch {
    return false;
  }
}
