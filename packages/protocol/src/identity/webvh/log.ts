import type { CryptoProvider } from '../../crypto/provider.js';
import type { JsonObject } from '../../encoding/json.js';
import { malformed, TrustError } from '../../error.js';
import { parseIntegrityProof, verifyIntegrityProof } from './data-integrity.js';
import { parseWebvhDid } from './did.js';
import { entryHash, parseLog, scidOf, type WebvhEntry } from './entry.js';
import { multihash } from './multihash.js';
import { parseParameters, type WebvhParameters, type WebvhWitnesses } from './parameters.js';
import { parseWitnessFile, verifyWitnesses, type WitnessedEntry } from './witness.js';

/** One version of a DID, verified. */
export interface WebvhVersion {
  /** `<number>-<hash>` */
  readonly versionId: string;
  readonly number: number;
  /** As the log writes it. */
  readonly versionTime: string;
  /** The same in Unix microseconds. */
  readonly time: number;
  /** The DID at this version: a portable one may move. */
  readonly did: string;
  readonly document: JsonObject;
  /** In force from this version on. */
  readonly parameters: WebvhParameters;
}

declare const verified: unique symbol;

/** A log whose every entry verified, witnesses and all; only `verifyWebvhLog` and `followWebvhLog` make one. */
export interface VerifiedWebvhLog {
  readonly scid: string;
  /** Oldest first, at least one. */
  readonly versions: readonly WebvhVersion[];
  readonly latest: WebvhVersion;
  readonly [verified]: true;
}

/** What was fetched. */
export interface WebvhFiles {
  /** `did.jsonl` */
  readonly log: Uint8Array;
  /** `did-witness.json`; needed if an entry needs witnesses. */
  readonly witness?: Uint8Array;
}

/** What verifying needs from outside. */
export interface WebvhContext {
  /** Unix milliseconds. */
  readonly now: number;
  readonly crypto: CryptoProvider;
  /** The DID that is resolved: some version of the log must bear it. */
  readonly did?: string;
}

/** Verifies a `did:webvh` log (did:webvh 1.0, Read): SCID, hash chain, numbering, times, proofs by keys that were
 *  authorised, pre-rotation, moves, deactivation, witnesses. One fault refuses the whole log: no version of it is
 *  served, where the standard would let the versions before the fault pass.
 *  @throws {TrustError} MALFORMED | SIGNATURE_INVALID | NOT_YET_VALID */
export function verifyWebvhLog({ log, witness }: WebvhFiles, ctx: WebvhContext): VerifiedWebvhLog {
  return followWebvhLog(log, ctx).finish(witness);
}

/** Verifies a log as `verifyWebvhLog` does but for its witnesses, and says whether their proofs are needed.
 *  @throws {TrustError} as verifyWebvhLog */
export function webvhNeedsWitness(log: Uint8Array, ctx: WebvhContext): boolean {
  return followWebvhLog(log, ctx).needsWitness;
}

/** A log that holds but for its witnesses: no version of it is to be had before `finish`. */
export interface FollowedWebvhLog {
  readonly needsWitness: boolean;
  /** Verifies the witnesses, of whose proofs `witness` is the file as fetched.
   *  @throws {TrustError} MALFORMED | SIGNATURE_INVALID */
  readonly finish: (witness: Uint8Array | undefined) => VerifiedWebvhLog;
}

/** Verifies all of a log but its witnesses, once, for who must fetch their proofs first.
 *  @throws {TrustError} as verifyWebvhLog */
export function followWebvhLog(log: Uint8Array, ctx: WebvhContext): FollowedWebvhLog {
  const { versions, witnessed } = followLog(log, ctx);
  const needsWitness = witnessed.some(({ witnesses }) => witnesses !== undefined);
  const finish = (witness: Uint8Array | undefined): VerifiedWebvhLog => {
    if (needsWitness) {
      if (witness === undefined)
        throw new TrustError('SIGNATURE_INVALID', 'a DID log without its witness proofs');
      verifyWitnesses(witnessed, parseWitnessFile(witness), ctx.crypto);
    }
    const latest = versions.at(-1) as WebvhVersion;
    return { scid: latest.parameters.scid, versions, latest } as unknown as VerifiedWebvhLog;
  };
  return { needsWitness, finish };
}

interface Followed {
  readonly versions: readonly WebvhVersion[];
  readonly witnessed: readonly WitnessedEntry[];
}

function followLog(log: Uint8Array, ctx: WebvhContext): Followed {
  const versions: WebvhVersion[] = [];
  const witnessed: WitnessedEntry[] = [];
  for (const entry of parseLog(log)) {
    const before = versions.at(-1);
    const parameters = parseParameters(entry.parameters, before?.parameters);
    checkOrder(entry, before, ctx.now);
    checkHash(entry, before, parameters.scid, ctx.crypto);
    checkProofs(entry, activeKeys(entry, parameters, before?.parameters, ctx.crypto), ctx.crypto);
    const did = checkDid(entry.state, parameters, before);
    const { versionId, number, versionTime, time, state: document } = entry;
    versions.push({ versionId, number, versionTime, time, did, document, parameters });
    witnessed.push({ versionId, number, witnesses: witnessesOf(parameters, before?.parameters) });
  }
  if (ctx.did !== undefined && !versions.some(({ did }) => did === ctx.did))
    throw malformed('a did:webvh log of another DID');
  return { versions, witnessed };
}

function checkOrder({ number, time }: WebvhEntry, before: WebvhVersion | undefined, now: number): void {
  if (number !== (before?.number ?? 0) + 1) throw malformed('a did:webvh log with a version out of order');
  if (before?.parameters.deactivated === true)
    throw malformed('a did:webvh log that goes on when deactivated');
  if (before !== undefined && time <= before.time) throw malformed('a did:webvh log whose times do not grow');
  if (time > now * 1000) throw new TrustError('NOT_YET_VALID', 'a did:webvh version of the future');
}

function checkHash(
  { versionId, number, unsigned }: WebvhEntry,
  before: WebvhVersion | undefined,
  scid: string,
  crypto: CryptoProvider,
): void {
  if (before === undefined && scidOf(unsigned, scid, crypto) !== scid)
    throw new TrustError('SIGNATURE_INVALID', 'the SCID is not the hash of the first entry');
  if (`${number}-${entryHash(unsigned, before?.versionId ?? scid, crypto)}` !== versionId)
    throw new TrustError('SIGNATURE_INVALID', 'the versionId is not the hash of its entry');
}

/** The keys that may sign an entry: its own if it is the first; those it reveals if the entry before committed to them;
 *  else those that were in force before it (did:webvh 1.0, Authorized Keys). */
function activeKeys(
  { parameters: stated }: WebvhEntry,
  { updateKeys }: WebvhParameters,
  before: WebvhParameters | undefined,
  crypto: CryptoProvider,
): readonly string[] {
  if (before === undefined) return updateKeys;
  if (before.nextKeyHashes.length === 0) return before.updateKeys;
  if (!Object.hasOwn(stated, 'updateKeys') || !Object.hasOwn(stated, 'nextKeyHashes'))
    throw malformed('a did:webvh entry under pre-rotation without updateKeys or nextKeyHashes');
  if (!updateKeys.every((key) => before.nextKeyHashes.includes(multihash(key, crypto))))
    throw new TrustError('SIGNATURE_INVALID', 'an update key that was not committed to before');
  return updateKeys;
}

/** Every proof counts, so that none can stand there for show. */
function checkProofs(
  { proofs, unsigned }: WebvhEntry,
  active: readonly string[],
  crypto: CryptoProvider,
): void {
  for (const value of proofs) {
    const proof = parseIntegrityProof(value);
    if (!active.includes(proof.multikey))
      throw new TrustError('SIGNATURE_INVALID', 'an entry signed by a key that may not update the DID');
    verifyIntegrityProof(proof, unsigned, crypto);
  }
}

/** The DID of a version: under the log's SCID, and that of the version before unless a portable one moves, which names
 *  the former in `alsoKnownAs` (did:webvh 1.0, DID Portability). */
function checkDid(
  { id, alsoKnownAs }: JsonObject,
  { scid, portable }: WebvhParameters,
  before?: WebvhVersion,
): string {
  if (typeof id !== 'string' || parseWebvhDid(id).scid !== scid)
    throw malformed('a did:webvh document whose id is not under its SCID');
  if (before === undefined || before.did === id) return id;
  if (!portable) throw malformed('a did:webvh that moved without being portable');
  if (!Array.isArray(alsoKnownAs) || !alsoKnownAs.includes(before.did))
    throw malformed('a did:webvh that moved without naming its former DID');
  return id;
}

/** Witnesses named where there were none must approve at once; a change, also to none, is approved by the former. */
function witnessesOf(
  { witness }: WebvhParameters,
  before: WebvhParameters | undefined,
): WebvhWitnesses | undefined {
  return before?.witness ?? witness;
}
