import type { CryptoProvider } from '../../crypto/provider.js';
import { isJsonObject, type JsonValue, parseJson } from '../../encoding/json.js';
import { isTrustError, malformed, TrustError } from '../../error.js';
import { parseIntegrityProof, verifyIntegrityProof } from './data-integrity.js';
import type { WebvhWitnesses } from './parameters.js';

/** An entry as far as witnessing goes. */
export interface WitnessedEntry {
  readonly versionId: string;
  readonly number: number;
  /** Who must approve this entry; undefined if nobody. */
  readonly witnesses: WebvhWitnesses | undefined;
}

/** The proofs that witnesses gave for one version, as `did-witness.json` holds them. */
export interface WitnessRecord {
  readonly versionId: string;
  readonly proof: readonly JsonValue[];
}

/** Most bytes of a `did-witness.json`. */
export const MAX_WITNESS_BYTES = 524_288;
const MAX_PROOFS = 1024;

/** Reads a `did-witness.json`.
 *  @throws {TrustError} MALFORMED */
export function parseWitnessFile(bytes: Uint8Array): readonly WitnessRecord[] {
  const records = parseJson(bytes, { maxBytes: MAX_WITNESS_BYTES });
  if (!Array.isArray(records)) throw malformed('witness proofs that are not a list');
  const parsed = (records as readonly JsonValue[]).map(parseRecord);
  if (parsed.reduce((sum, { proof }) => sum + proof.length, 0) > MAX_PROOFS)
    throw malformed(`more than ${MAX_PROOFS} witness proofs`);
  return parsed;
}

function parseRecord(value: JsonValue): WitnessRecord {
  if (!isJsonObject(value)) throw malformed('a witness record that is not an object');
  const { versionId, proof = [] } = value;
  if (typeof versionId !== 'string' || !Array.isArray(proof))
    throw malformed('a witness record of another form');
  return { versionId, proof };
}

/** Checks that each entry is approved by as many of its witnesses as it needs (did:webvh 1.0, Verifying Witness Proofs
 *  During Resolution). Approving a version approves all before it; proofs of versions that are not in the log, of
 *  strangers, and those that do not verify count for nothing, and a witness counts once.
 *  @throws {TrustError} SIGNATURE_INVALID: too few approve */
export function verifyWitnesses(
  entries: readonly WitnessedEntry[],
  records: readonly WitnessRecord[],
  crypto: CryptoProvider,
): void {
  const approved = latestApprovals(entries, records, crypto);
  for (const { number, witnesses } of entries) {
    if (witnesses === undefined) continue;
    const count = witnesses.witnesses.filter((did) => (approved.get(did) ?? 0) >= number).length;
    if (count < witnesses.threshold)
      throw new TrustError('SIGNATURE_INVALID', `version ${number} of the DID log is not witnessed`);
  }
}

/** The latest version that each witness approved, by its DID. Newest first: one good proof spares all older ones. */
function latestApprovals(
  entries: readonly WitnessedEntry[],
  records: readonly WitnessRecord[],
  crypto: CryptoProvider,
): ReadonlyMap<string, number> {
  const known = new Set(entries.flatMap(({ witnesses }) => witnesses?.witnesses ?? []));
  const approved = new Map<string, number>();
  for (const { versionId, number } of entries.toReversed()) {
    for (const record of records) {
      if (record.versionId !== versionId) continue;
      for (const proof of record.proof) {
        const did = approver(proof, versionId, (one) => known.has(one) && !approved.has(one), crypto);
        if (did !== undefined) approved.set(did, number);
      }
    }
  }
  return approved;
}

/** The witness whose valid proof this is; undefined for any other, and for those nobody needs. */
function approver(
  value: JsonValue,
  versionId: string,
  isNeeded: (did: string) => boolean,
  crypto: CryptoProvider,
): string | undefined {
  try {
    const proof = parseIntegrityProof(value);
    const did = `did:key:${proof.multikey}`;
    if (!isNeeded(did)) return undefined;
    verifyIntegrityProof(proof, { versionId }, crypto);
    return did;
  } catch (error) {
    if (isTrustError(error)) return undefined;
    throw error;
  }
}
