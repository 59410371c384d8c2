import type { AuditEvent } from '@talosprotocol/contracts';
import { notProven } from './not-proven.js';

/** Follows the starts of the platform, and whose log it is. */
export interface Starts {
  /** @throws {TrustError} PROOF_NOT_PROVEN */
  follow(event: AuditEvent, index: number): void;
}

/** A `log.opened` states the size it found, which is its own index, and a boot that is greater than the last: a
 *  start that was killed before it could write leaves a gap. A log is of one tenant (AUD-4, AUD-10). */
export function createStarts(): Starts {
  let boot: number | undefined;
  let tenant: string | undefined;
  return {
    follow: (event, index) => {
      tenant ??= event.tenant;
      if (event.tenant !== tenant) throw notProven('tenant', 'the log is of another tenant');
      if (event.type !== 'log.opened') return;
      if (event.size !== index)
        throw notProven('start', `a start found ${event.size} events where there are ${index}`);
      if (boot !== undefined && event.boot <= boot)
        throw notProven('start', `start ${event.boot} follows ${boot}`);
      boot = event.boot;
    },
  };
}
