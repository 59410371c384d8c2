import {
  type AuditEvent,
  type Commitment,
  createTaggedChecker,
  type Disclosure,
  EVENTS,
  MAX_EVENT_BYTES,
} from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { canonicalBytes } from '../encoding/jcs.js';
import { malformed } from '../error.js';
import { openCommitment } from '../log/commitment.js';
import { assertKnownVersion } from './event-version.js';

const check = createTaggedChecker('type', EVENTS);

/** Reads a value as an event: the closed schema of its type (AUD-1 to AUD-5).
 *  @throws {TrustError} MALFORMED */
export function parseEvent(value: unknown): AuditEvent {
  assertKnownVersion(value);
  const wrong = check(value);
  if (wrong !== undefined) throw malformed(`an event: ${wrong}`);
  return value as AuditEvent;
}

/** The leaf data of an event: its canonical JSON (AUD-11).
 *  @throws {TrustError} MALFORMED: longer than a leaf may be */
export function eventBytes(event: AuditEvent): Uint8Array {
  const bytes = canonicalBytes(event);
  if (bytes.length > MAX_EVENT_BYTES) throw malformed(`an event of more than ${MAX_EVENT_BYTES} bytes`);
  return bytes;
}

/** What the next event of the same emitter names in `prev` (AUD-2). */
export function eventHash(event: AuditEvent, crypto: CryptoProvider): string {
  return crypto.sha256Hex(eventBytes(event));
}

/** Checks that every disclosure opens a commitment of this event, each at most once, and gives back the values by
 *  pointer (AUD-3).
 *  @throws {TrustError} PROOF_NOT_PROVEN | MALFORMED */
export function openDisclosures(
  event: AuditEvent,
  disclosures: readonly Disclosure[],
  crypto: CryptoProvider,
): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>();
  for (const disclosure of disclosures) {
    if (values.has(disclosure.pointer)) throw malformed(`${disclosure.pointer} is disclosed twice`);
    openCommitment(commitmentAt(event, disclosure.pointer), disclosure, crypto);
    values.set(disclosure.pointer, disclosure.value);
  }
  return values;
}

/** Private members stand at the top of an event, so a pointer is `/` and a name. */
function commitmentAt(event: AuditEvent, pointer: string): Commitment {
  const name = pointer.slice(1);
  const member = Object.hasOwn(event, name) ? (event as unknown as Record<string, unknown>)[name] : undefined;
  if (typeof member === 'object' && member !== null && Object.hasOwn(member, '$c'))
    return member as Commitment;
  throw malformed(`${pointer} is no commitment of the event`);
}
