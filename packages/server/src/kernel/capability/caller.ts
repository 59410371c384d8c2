import type { CredentialRecord } from '@talosprotocol/contracts';
import type { VerifiedCapability } from '@talosprotocol/protocol';
import type { Authenticated } from '../ports.js';
import type { Revocations } from '../revocation/revocations.js';
import type { Verification } from './verification.js';

/** A caller whose credential is its chain and no session: it lives as long as the chain does. */
export function callerOf(
  capability: VerifiedCapability,
  credential: CredentialRecord,
  deps: { readonly verification: Verification; readonly revocations: Revocations },
): Authenticated {
  const { verification, revocations } = deps;
  const lids = capability.links.map((link) => link.lid);
  return {
    capability,
    credential,
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
