import type { AuditEvent, DecisionEvent } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { checkDecisionForm, itemsOf } from './decision-form.js';
import { createEndings } from './endings.js';
import { checkRevokerForm } from './revoker-form.js';

/** Checks what an event has and says by itself, beyond its schema, whatever else a log holds (AUD-22). No bundle with one that
 *  fails here is ever proven, so a log takes none. What an outcome says of its cost is held against its decision:
 *  `checkOutcomeForm`. `values` are its opened commitments, by pointer.
 *  @throws {TrustError} PROOF_NOT_PROVEN | PROOF_INVALID | MALFORMED */
export function checkEventForm(
  event: AuditEvent,
  values: ReadonlyMap<string, unknown>,
  crypto: CryptoProvider,
): void {
  if (event.type === 'decision') checkDecision(event, values);
  else if (event.type === 'revocation' || event.type === 'revocation.below') checkRevokerForm(event);
  else if (event.type === 'identity.rotated' || event.type === 'identity.deactivated')
    createEndings(crypto).follow(event);
}

function checkDecision(event: DecisionEvent, values: ReadonlyMap<string, unknown>): void {
  checkDecisionForm(event);
  // Of a denial they are whatever was asked for.
  if (event.effect === 'allow' && values.has('/items')) itemsOf(event, values.get('/items'));
}
