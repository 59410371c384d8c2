import { TrustError } from '@talosprotocol/protocol';

/** Does work, unless too much of it is being done.
 *  @throws {TrustError} UNAVAILABLE; and whatever the work throws */
export type Turnstile = (work: () => Promise<void>) => Promise<void>;

/** Lets so many in at a time; the others are told the reason. */
export function createTurnstile(max: number, reason: string): Turnstile {
  let inside = 0;
  return async (work) => {
    if (inside >= max) throw new TrustError('UNAVAILABLE', reason);
    inside += 1;
    await work().finally(() => {
      inside -= 1;
    });
  };
}
