import type { AuditEvent, Disclosure, EventRecord } from '@talosprotocol/contracts';
import { type CryptoProvider, isTrustError, openDisclosures, parseJson } from '@talosprotocol/protocol';
import { corrupt } from './corrupt.js';
import type { EventRow } from './store.js';

/** The event of a row. */
export function eventOf({ event }: Pick<EventRow, 'event'>): AuditEvent {
  return parseJson(event) as unknown as AuditEvent;
}

/** A row as parsed values. What it discloses is what the event commits to, or nothing of it is told: the tree does not hold it,
 *  and whoever can write to the database could have anything said. @throws {TrustError} LOG_CORRUPT */
export function openRow(
  row: Pick<EventRow, 'idx' | 'event' | 'disclosures'>,
  crypto: CryptoProvider,
): Pick<EventRecord, 'event' | 'disclosures'> {
  const event = eventOf(row);
  if (row.disclosures === null) return { event, disclosures: [] };
  try {
    const disclosures = parseJson(row.disclosures, { floats: true }) as unknown as Disclosure[];
    openDisclosures(event, disclosures, crypto);
    return { event, disclosures };
  } catch (cause) {
    if (!isTrustError(cause)) throw cause;
    throw corrupt(`what is disclosed of event ${row.idx} is not what it commits to`, cause);
  }
}
