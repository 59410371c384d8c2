import {
  type CryptoProvider,
  encodeBase64url,
  encodeUtf8,
  splitBearerKey,
  type VerifiedCapability,
  verifyBearer,
} from '@talosprotocol/protocol';
import type { Random } from '../../platform/system.js';
import type { Events } from '../events.js';
import type { Authenticated } from '../ports.js';
import type { Revocations } from '../revocation/revocations.js';
import { callerOf } from './caller.js';
import type { KnownChains } from './known-chains.js';
import type { Verification } from './verification.js';

/** Authenticates bearer keys. */
export interface Bearers {
  /** @throws {TrustError} as verifyBearer; UNAVAILABLE */
  authenticate(key: string): Promise<Authenticated>;
}

export interface BearersDeps {
  readonly verification: Verification;
  readonly revocations: Revocations;
  readonly knownChains: KnownChains;
  readonly events: Pick<Events, 'chain'>;
  readonly crypto: CryptoProvider;
  readonly random: Random;
}

/** A verified key is known by the hash of its chain, and its seed by an HMAC under a key that was made here and dies
 *  with the process: no seed is kept, and who has the chain alone is verified, and refused, each time anew. What is
 *  found is checked for times, revocations and its anchor at every use. */
export function createBearers(deps: BearersDeps): Bearers {
  const { verification, crypto, knownChains, random } = deps;
  const sealing = random(32);
  const underWay = new Map<string, Promise<VerifiedCapability>>();

  const verify = async (key: string): Promise<VerifiedCapability> => {
    const capability = await verifyBearer(key, verification.context());
    await deps.events.chain(capability);
    return capability;
  };
  /** The same key twice at a time is verified once; the name is a hash and of the whole key. */
  const verifyOnce = (key: string): Promise<VerifiedCapability> => {
    const name = crypto.sha256Hex(encodeUtf8(key));
    const pending = underWay.get(name) ?? verify(key).finally(() => underWay.delete(name));
    underWay.set(name, pending);
    return pending;
  };
  return {
    authenticate: async (key) => {
      const { chain, seed } = splitBearerKey(key);
      const cth = encodeBase64url(crypto.sha256(encodeUtf8(chain)));
      const seal = crypto.hmacSha256(sealing, encodeUtf8(seed));
      const known = knownChains.isSealed(cth, seal) ? knownChains.find(cth) : undefined;
      const capability = known ?? (await verifyOnce(key));
      // Logging the chain took time, in which a revocation may have come in: looked at again when it is kept.
      if (known === undefined) knownChains.keep(capability, seal);
      return callerOf(capability, { kind: 'bearer', cth: capability.cth }, deps);
    },
  };
}
