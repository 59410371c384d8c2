import type { EventOf } from '@talosprotocol/contracts';
import { notProven } from './not-proven.js';

/** Checks that an erasure says whose disclosures it took: of an event, of an agent, of one who administered, who is not named
 *  again, or of what was old, which nobody asked for (AUD-89). @throws {TrustError} PROOF_NOT_PROVEN */
export function checkErasure({ of, event, agent, actor }: EventOf<'disclosures.erased'>): void {
  const says =
    (event !== null) === (of === 'event') &&
    (agent !== null) === (of === 'agent') &&
    (actor === undefined) === (of === 'age');
  if (!says)
    throw notProven('erasure', 'an erasure that does not say whose disclosures it took, or who asked');
}
