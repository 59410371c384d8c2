import {
  type CryptoProvider,
  encodeUtf8,
  type VerifiedCapability,
  verifyBearer,
} from '@talosprotocol/protocol';
import { createBoundedMap } from '../bounded.js';
import type { Events } from '../events.js';
import type { Authenticated } from '../ports.js';
import type { Revocations } from '../revocation/revocations.js';
import type { Verification } from './verification.js';

/** Authenticates bearer keys. */
export interface Bearers {
  /** @throws {TrustError} as verifyBearer; UNAVAILABLE */
  authenticate(key: string): Promise<Authenticated>;
}

export interface BearersDeps {
  readonly verification: Verification;
  readonly revocations: Revocations;
  readonly events: Pick<Events, 'chain'>;
  readonly crypto: CryptoProvider;
}

/** Keys remembered. A chain is 16 KiB at most, so that a flood of large ones stays below 100 MB. */
const CAPACITY = 2_048;

/** Verified keys are kept by the SHA-256 of the whole key, seed included: who has the chain alone finds nothing,
 *  and no seed is kept. What is found is checked for times, revocations and its anchor at every use. */
export function createBearers(deps: BearersDeps): Bearers {
  const { verification, crypto } = deps;
  const known = createBoundedMap<string, VerifiedCapability>(CAPACITY);
  const underWay = new Map<string, Promise<VerifiedCapability>>();

  const verify = async (key: string): Promise<VerifiedCapability> => {
    const capability = await verifyBearer(key, verification.context());
    await deps.events.chain(capability);
    return capability;
  };
  const verifyOnce = (key: string, name: string): Promise<VerifiedCapability> => {
    const pending = underWay.get(name) ?? verify(key).finally(() => underWay.delete(name));
    underWay.set(name, pending);
    return pending;
  };
  const find = (name: string): VerifiedCapability | undefined => {
    const capability = known.get(name);
    if (capability === undefined || isUsable(verification, capability)) return capability;
    known.delete(name);
    return undefined;
  };
  return {
    authenticate: async (key) => {
      const name = crypto.sha256Hex(encodeUtf8(key));
      const capability = find(name) ?? (await verifyOnce(key, name));
      // Logging the chain took time, in which a revocation may have come in.
      verification.assertInForce(capability, 'read');
      known.set(name, capability);
      return authenticated(capability, deps);
    },
  };
}

function isUsable(verification: Verification, capability: VerifiedCapability): boolean {
  try {
    verification.assertInForce(capability, 'read');
    return true;
  } catch {
    return false;
  }
}

function authenticated(
  capability: VerifiedCapability,
  { verification, revocations }: BearersDeps,
): Authenticated {
  const lids = capability.links.map((link) => link.lid);
  return {
    capability,
    credential: { kind: 'bearer', cth: capability.cth },
    assertLive: (op) => verification.assertInForce(capability, op),
    onRevoked: (listener) => {
      const unsubscribe = revocations.watch(lids, listener);
      if (!lids.some(revocations.isRevoked)) return unsubscribe;
      unsubscribe();
      listener();
      return unsubscribe;
    },
  };
}
