import { TrustError } from '@talosprotocol/protocol';
import { RESTORE } from './lead-store.js';

/** A fault of the log that only the operator can mend. */
export function corrupt(reason: string, cause?: unknown): TrustError {
  return new TrustError('LOG_CORRUPT', reason, { hint: RESTORE }, cause);
}
