import type { Principal } from '@talosprotocol/contracts';
import { type CryptoProvider, createUuidv7 } from '@talosprotocol/protocol';
import { sealActor } from '../platform/sealed-actor.js';
import type { Clock, Random } from '../platform/system.js';

type AuditDraft = import('../audit/draft.js').AuditDraft<'policy.loaded'>;

/** The event of a talos.yaml that was read again on this node (AUD-4). `by` is absent for a signal: whoever sends one
 *  shows no credential. */
export function policyLoaded(
  deps: { readonly crypto: CryptoProvider; readonly clock: Clock; readonly random: Random },
  policy: string,
  tenant: string,
  by: Principal | undefined,
): AuditDraft {
  const id = `evt_${createUuidv7(deps.clock.now(), deps.random(16))}`;
  const draft = { id, type: 'policy.loaded', tenant, principal: null } as const;
  if (by === undefined) return { ...draft, members: { policy }, disclosures: [] };
  const { actor, disclosure } = sealActor(by, deps);
  return { ...draft, members: { policy, actor }, disclosures: [disclosure] };
}
