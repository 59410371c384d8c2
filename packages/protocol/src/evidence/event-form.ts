import type { AuditEvent } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { checkDecisionForm } from './decision-form.js';
import { createEndings } from './endings.js';
import { checkRevokerForm } from './revoker-form.js';

/** Checks what an event has and says by itself, beyond its schema, whatever else a log holds (AUD-22). No bundle with one that
 *  fails here is ever proven, so a log takes none. What an outcome says of its cost is held against its decision:
 *  `checkOutcomeForm`.
 *  @throws {TrustError} PROOF_NOT_PROVEN | PROOF_INVALID | MALFORMED */
export function checkEventForm(event: AuditEvent, crypto: CryptoProvider): void {
  if (event.type === 'decision') checkDecisionForm(event);
  else if (event.type === 'revocation' || event.type === 'revocation.below') checkRevokerForm(event);
  else if (event.type === 'identity.rotated' || event.type === 'identity.deactivated')
    createEndings(crypto).follow(event);
}
