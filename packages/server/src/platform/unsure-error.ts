import { TrustError } from '@talosprotocol/protocol';

/** UNAVAILABLE, and nobody knows whether it was done all the same: the answer of the store was lost. Whoever would do
 *  it once more must not take it for undone. */
export class UnsureError extends TrustError {
  constructor(reason: string, cause: unknown) {
    super('UNAVAILABLE', reason, {}, cause);
  }
}
