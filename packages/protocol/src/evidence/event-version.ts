import { EVENT_VERSIONS } from '@talosprotocol/contracts';
import { isJsonObject, type JsonValue } from '../encoding/json.js';
import { TrustError } from '../error.js';

/** Refuses an event of a version that is not known here, by its number and before anything else of it is looked at: another
 *  version means other rules, and what looks like the same member may say something else (AUD-91). What has no version
 *  that is a whole number has no form either, and is left to its schema.
 *  @throws {TrustError} MALFORMED */
export function assertKnownVersion(event: unknown): void {
  const version = isJsonObject(event as JsonValue) ? (event as { readonly v?: unknown }).v : undefined;
  const known: readonly number[] = EVENT_VERSIONS;
  if (!Number.isSafeInteger(version) || known.includes(version as number)) return;
  throw new TrustError(
    'MALFORMED',
    `an event of version ${version}; here only version ${known.join(', ')} is known`,
    {
      caveat: 'version',
      hint: 'Verify it with a version of Talos that knows these events.',
    },
  );
}

/** The same of what holds entries, such as a bundle. */
export function assertKnownVersions(value: unknown): void {
  const entries = isJsonObject(value as JsonValue)
    ? (value as { readonly entries?: unknown }).entries
    : undefined;
  if (!Array.isArray(entries)) return;
  for (const entry of entries) if (isJsonObject(entry as JsonValue)) assertKnownVersion(entry.event);
}
