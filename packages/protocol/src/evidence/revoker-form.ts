import type { EventOf } from '@talosprotocol/contracts';
import { notProven } from './not-proven.js';

/** Checks that a revocation says who revoked, whatever else a log holds (AUD-22).
 *  @throws {TrustError} PROOF_NOT_PROVEN */
export function checkRevokerForm(event: EventOf<'revocation'> | EventOf<'revocation.below'>): void {
  const { by, chain_hash, actor } = event;
  if (by !== 'administrator' && actor !== undefined)
    throw notProven('revocation', 'who signs a revocation needs no administrator');
  if ((by === 'administrator') !== (chain_hash === null))
    throw notProven('revocation', 'exactly an administrator revokes without a chain');
  if (event.type === 'revocation.below' && by !== 'administrator' && event.point === null)
    throw notProven('revocation', 'only an administrator revokes below no link');
}
