import type { CryptoProvider } from '../../crypto/provider.js';
import { canonicalize } from '../../encoding/jcs.js';
import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseJson,
  parseJsonObject,
} from '../../encoding/json.js';
import { decodeUtf8 } from '../../encoding/utf8.js';
import { malformed } from '../../error.js';
import { multihash } from './multihash.js';
import { parseVersionTime } from './version-time.js';

/** A line of a log, taken apart; nothing is verified. */
export interface WebvhEntry {
  readonly versionId: string;
  readonly number: number;
  readonly versionTime: string;
  /** Unix microseconds. */
  readonly time: number;
  readonly parameters: JsonObject;
  readonly state: JsonObject;
  readonly proofs: readonly JsonValue[];
  /** The entry without its proofs. */
  readonly unsigned: JsonObject;
}

/** Stands for the SCID where it is hashed. */
export const SCID_PLACEHOLDER = '{SCID}';
/** Most bytes of a log, and most lines. */
export const MAX_LOG_BYTES = 1_048_576;
const MAX_ENTRIES = 1024;
const MAX_PROOFS = 16;
const VERSION_ID = /^([1-9][0-9]{0,3})-Qm[1-9A-HJ-NP-Za-km-z]{44}$/;
const MEMBERS = ['versionId', 'versionTime', 'parameters', 'state', 'proof'];

/** Takes a `did.jsonl` apart, one JSON object a line. Each is read by the strict parser, with floats, which a document
 *  may hold; members beside those of the standard are refused.
 *  @throws {TrustError} MALFORMED */
export function parseLog(bytes: Uint8Array): readonly WebvhEntry[] {
  if (bytes.length > MAX_LOG_BYTES) throw malformed('a did:webvh log of more than 1 MiB');
  const lines = decodeUtf8(bytes)
    .replace(/\r?\n$/, '')
    .split('\n');
  if (lines.length > MAX_ENTRIES) throw malformed(`a did:webvh log of more than ${MAX_ENTRIES} entries`);
  return lines.map(parseEntry);
}

function parseEntry(line: string): WebvhEntry {
  const entry = parseJsonObject(line, { maxBytes: MAX_LOG_BYTES, floats: true });
  if (Object.keys(entry).some((name) => !MEMBERS.includes(name)))
    throw malformed('a did:webvh entry with an unknown member');
  const { proof, ...unsigned } = entry;
  const { versionId, versionTime, parameters, state } = unsigned;
  const [, number] = (typeof versionId === 'string' ? VERSION_ID.exec(versionId) : null) ?? [];
  if (number === undefined) throw malformed('a did:webvh entry with a bad versionId');
  if (!isJsonObject(parameters) || !isJsonObject(state))
    throw malformed('a did:webvh entry without parameters or state');
  return {
    versionId: versionId as string,
    number: Number(number),
    versionTime: versionTime as string,
    time: parseVersionTime(versionTime),
    parameters,
    state,
    proofs: parseProofs(proof),
    unsigned,
  };
}

/** One proof, or a list of them. */
function parseProofs(proof: JsonValue | undefined): readonly JsonValue[] {
  if (isJsonObject(proof)) return [proof];
  if (Array.isArray(proof) && proof.length > 0 && proof.length <= MAX_PROOFS) return proof;
  throw malformed('a did:webvh entry without proof, or with too many');
}

/** The hash of an entry: over all but its proofs, with the versionId before it (the SCID for the first) in place of its
 *  own (did:webvh 1.0, Entry Hash Generation and Verification). */
export function entryHash(unsigned: JsonObject, before: string, crypto: CryptoProvider): string {
  return multihash(canonicalize({ ...unsigned, versionId: before }), crypto);
}

/** The SCID that a first entry makes: its hash with the placeholder wherever `scid` stands (SCID Generation and
 *  Verification). Replaced is text, in names too, which may change their order. */
export function scidOf(unsigned: JsonObject, scid: string, crypto: CryptoProvider): string {
  const text = canonicalize({ ...unsigned, versionId: SCID_PLACEHOLDER }).replaceAll(scid, SCID_PLACEHOLDER);
  return multihash(canonicalize(parseJson(text, { maxBytes: 2 * MAX_LOG_BYTES, floats: true })), crypto);
}
