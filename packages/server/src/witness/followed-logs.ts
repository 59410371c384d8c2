import type { WitnessSettings } from '@talosprotocol/contracts';
import { createNoteVerifier, type NoteCrypto, type TrustedLog } from '@talosprotocol/protocol';

/** The logs a witness follows, by origin; several entries of one origin are several keys of one log.
 *  @throws {TrustError} MALFORMED: a key that is none of a log */
export function followedLogs(
  { logs: entries }: Pick<WitnessSettings, 'logs'>,
  crypto: NoteCrypto,
): ReadonlyMap<string, TrustedLog> {
  const logs = new Map<string, TrustedLog>();
  for (const { vkey, origin: stated } of entries) {
    const key = createNoteVerifier(crypto, vkey);
    const origin = stated ?? key.name;
    const keys = [...(logs.get(origin)?.keys ?? []), key];
    logs.set(origin, { origin, keys: distinct(keys) });
  }
  return logs;
}

/** A key that is listed twice is one key. */
function distinct(keys: TrustedLog['keys']): TrustedLog['keys'] {
  return [...new Map(keys.map((key) => [`${key.name} ${key.keyId}`, key])).values()];
}
