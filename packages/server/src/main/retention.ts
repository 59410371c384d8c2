import type { LoadedPolicy } from '../platform/policy-file.js';
import { openRotatingKey, type RotatingKey } from '../platform/rotating-key.js';
import { clock } from '../platform/system.js';
import type { Foundation } from './foundation.js';

const DAY_MS = 86_400_000;
const ADDRESS_DAYS = 90;

/** How long the log keeps what it may forget (AUD-89, AUD-110). */
export function retentionOf({ document }: LoadedPolicy): {
  readonly disclosuresMs?: number;
  readonly eventsMs?: number;
} {
  const { disclosures, events } = document.audit?.retention ?? {};
  return {
    ...(disclosures === undefined ? {} : { disclosuresMs: disclosures * DAY_MS }),
    ...(events === undefined ? {} : { eventsMs: events * DAY_MS }),
  };
}

/** What hides client addresses for as long as the policy says that they may be told from each other (AUD-92). */
export function openAddressKey(
  { keys, log }: Pick<Foundation, 'keys' | 'log'>,
  policy: () => LoadedPolicy,
): Promise<RotatingKey> {
  const days = (): number => policy().document.audit?.retention?.addresses ?? ADDRESS_DAYS;
  return openRotatingKey({ keys, name: 'addresses', days, clock, log });
}
