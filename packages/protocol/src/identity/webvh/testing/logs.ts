import type { Signer } from '../../../crypto/jws.js';
import { portableCrypto } from '../../../crypto/portable.js';
import { canonicalize } from '../../../encoding/jcs.js';
import { isJsonObject, type JsonObject, parseJsonObject } from '../../../encoding/json.js';
import { parseTime } from '../../../encoding/time.js';
import { decodeUtf8, encodeUtf8 } from '../../../encoding/utf8.js';
import { createSigner } from '../../signer.js';
import { signIntegrityProof } from '../data-integrity.js';
import { entryHash, scidOf } from '../entry.js';
import { createWebvhLog, type WebvhCreation, webvhDocument } from '../write.js';

/** Logs for tests, and logs that are wrong in one place and signed all the same. */

export const NOW = parseTime('2026-11-23T12:00:00.000Z');
export const crypto = portableCrypto;
export const key = (n: number): Signer => createSigner(new Uint8Array(32).fill(n), crypto);
export const multikey = (n: number): string => key(n).did.slice('did:key:'.length);
export const ctx = (now = NOW) => ({ now, crypto });

/** A log of one entry at example.com, an hour old, signed by key 1, whose document holds key 9. */
export function newLog(more: Partial<WebvhCreation> = {}, signer = key(1)): Uint8Array {
  const document = (did: string): JsonObject => webvhDocument(did, key(9).publicKey);
  return createWebvhLog({ location: 'example.com', document, ...more }, signer, ctx(NOW - 3_600_000));
}

export const linesOf = (log: Uint8Array): string[] => decodeUtf8(log).trimEnd().split('\n');
export const entriesOf = (log: Uint8Array): JsonObject[] =>
  linesOf(log).map((line) => parseJsonObject(line, { floats: true }));
export const toLog = (entries: readonly unknown[]): Uint8Array =>
  encodeUtf8(entries.map((entry) => `${canonicalize(entry)}\n`).join(''));
export const didOf = (log: Uint8Array): string =>
  ((entriesOf(log).at(-1) as JsonObject)['state'] as JsonObject)['id'] as string;

/** Changes entry `index` and makes all that follows from it good again: its hash, its proof. */
export function forge(
  log: Uint8Array,
  index: number,
  change: (entry: JsonObject) => JsonObject,
  signer = key(1),
): Uint8Array {
  const entries = entriesOf(log);
  const { proof: _, ...unsigned } = change(entries[index] as JsonObject);
  const parameters = unsigned['parameters'];
  const before = index > 0 ? (entries[index - 1] as JsonObject)['versionId'] : undefined;
  const scid = isJsonObject(parameters) ? parameters['scid'] : undefined;
  const versionId = `${index + 1}-${entryHash(unsigned, String(before ?? scid), crypto)}`;
  const entry = { ...unsigned, versionId };
  const proof = signIntegrityProof(entry, '2026-11-23T11:00:00Z', signer, crypto);
  return toLog([...entries.slice(0, index), { ...entry, proof: [proof] }]);
}

/** As `forge` for the first entry, with a SCID that fits again. */
export function forgeFirst(log: Uint8Array, change: (entry: JsonObject) => JsonObject): Uint8Array {
  const [first] = entriesOf(log);
  const old = ((first as JsonObject)['parameters'] as JsonObject)['scid'] as string;
  const { proof: _, ...changed } = change(first as JsonObject);
  const scid = scidOf(changed, old, crypto);
  const text = canonicalize({ ...changed, versionId: old }).replaceAll(old, scid);
  return forge(toLog([parseJsonObject(text, { floats: true })]), 0, (entry) => entry);
}

/** Changes the members of an entry's parameters. */
export const withParameters =
  (change: JsonObject) =>
  (entry: JsonObject): JsonObject => ({
    ...entry,
    parameters: { ...(entry['parameters'] as JsonObject), ...change },
  });
