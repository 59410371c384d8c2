import type { Signer } from '../../crypto/jws.js';
import type { CryptoProvider } from '../../crypto/provider.js';
import { canonicalBytes, canonicalize } from '../../encoding/jcs.js';
import { isJsonObject, type JsonObject, type JsonValue, parseJsonObject } from '../../encoding/json.js';
import { formatTime } from '../../encoding/time.js';
import { decodeUtf8, encodeUtf8 } from '../../encoding/utf8.js';
import { encodeMultikey } from '../did-key.js';
import { signIntegrityProof } from './data-integrity.js';
import { entryHash, parseLog, SCID_PLACEHOLDER, scidOf, type WebvhEntry } from './entry.js';
import { type WebvhFiles, webvhNeedsWitness } from './log.js';
import { multihash } from './multihash.js';
import { WEBVH_METHOD, type WebvhWitnesses } from './parameters.js';
import { formatVersionTime } from './version-time.js';
import { parseWitnessFile, type WitnessRecord } from './witness.js';

/** What writing needs from outside. */
export interface WebvhWriteContext {
  /** Unix milliseconds. */
  readonly now: number;
  readonly crypto: CryptoProvider;
}

/** Parameters as an author states them; what is left out stays as it is. */
export interface WebvhChanges {
  /** Who may sign from the next entry on; under pre-rotation who signs this one. */
  readonly updateKeys?: readonly string[];
  /** `webvhKeyHash` of the keys that come next; an empty list ends pre-rotation. */
  readonly nextKeyHashes?: readonly string[];
  /** null: no witnesses from the next entry on. */
  readonly witness?: WebvhWitnesses | null;
  readonly watchers?: readonly string[];
  readonly ttl?: number;
  readonly deactivated?: boolean;
}

/** A DID to be made. */
export interface WebvhCreation extends WebvhChanges {
  /** Where its log will lie, as the DID says it: `example.com`, `example.com%3A8443:dids:alice`. */
  readonly location: string;
  /** Makes the document of a DID that still has the placeholder `{SCID}` in it. */
  readonly document: (did: string) => JsonObject;
  readonly portable?: boolean;
}

/** Hash of a key's Multikey: what pre-rotation commits to. */
export function webvhKeyHash(publicKey: Uint8Array, crypto: CryptoProvider): string {
  return multihash(encodeMultikey(publicKey), crypto);
}

/** A document with one Ed25519 key, `#key-1`, for every purpose that Talos has. */
export function webvhDocument(did: string, publicKey: Uint8Array): JsonObject {
  const id = `${did}#key-1`;
  return {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
    id: did,
    verificationMethod: [
      { id, type: 'Multikey', controller: did, publicKeyMultibase: encodeMultikey(publicKey) },
    ],
    authentication: [id],
    assertionMethod: [id],
    capabilityDelegation: [id],
  };
}

/** Makes the log of a new `did:webvh`, one line; `signer` is the first of its `updateKeys` unless they are stated.
 *  @throws {TrustError} MALFORMED: what resolvers would refuse */
export function createWebvhLog(
  { location, document, portable = false, ...changes }: WebvhCreation,
  signer: Signer,
  ctx: WebvhWriteContext,
): Uint8Array {
  const preliminary = {
    versionId: SCID_PLACEHOLDER,
    versionTime: formatVersionTime(ctx.now),
    parameters: {
      method: WEBVH_METHOD,
      scid: SCID_PLACEHOLDER,
      updateKeys: [encodeMultikey(signer.publicKey)],
      portable,
      ...stated(changes),
    },
    state: document(`did:webvh:${SCID_PLACEHOLDER}:${location}`),
  };
  const scid = scidOf(preliminary, SCID_PLACEHOLDER, ctx.crypto);
  const text = canonicalize(preliminary).replaceAll(SCID_PLACEHOLDER, scid);
  const unsigned = parseJsonObject(text, { floats: true });
  const line = signEntry(
    unsigned,
    { before: scid, number: 1, created: preliminary.versionTime },
    signer,
    ctx,
  );
  return checked(encodeUtf8(line), ctx);
}

/** Adds an entry; the document stays unless one is given.
 *  @throws {TrustError} as verifyWebvhLog: SIGNATURE_INVALID if `signer` may not update the DID */
export function updateWebvhLog(
  log: Uint8Array,
  { document, ...changes }: WebvhChanges & { readonly document?: JsonObject },
  signer: Signer,
  ctx: WebvhWriteContext,
): Uint8Array {
  const last = lastEntry(log);
  const created = timeAfter(last, ctx.now);
  const unsigned = {
    versionId: last.versionId,
    versionTime: created,
    parameters: stated(changes),
    state: document ?? last.state,
  };
  const line = signEntry(unsigned, { before: last.versionId, number: last.number + 1, created }, signer, ctx);
  return checked(encodeUtf8(`${decodeUtf8(log).replace(/\r?\n$/, '')}\n${line}`), ctx);
}

/** Ends a DID for good. Under pre-rotation it takes two entries, the first to end that (did:webvh 1.0, Deactivate), and
 *  `signer` must be a key that was committed to.
 *  @throws {TrustError} as updateWebvhLog */
export function deactivateWebvhLog(log: Uint8Array, signer: Signer, ctx: WebvhWriteContext): Uint8Array {
  const end = { deactivated: true, updateKeys: [] };
  if (!hasPreRotation(log)) return updateWebvhLog(log, end, signer, ctx);
  const own = { updateKeys: [encodeMultikey(signer.publicKey)], nextKeyHashes: [] };
  const ended = updateWebvhLog(log, own, signer, { ...ctx, now: ctx.now - 1 });
  return updateWebvhLog(ended, end, signer, ctx);
}

/** Moves a portable DID to another place: its document speaks of itself by the new DID and names the former one.
 *  @throws {TrustError} as updateWebvhLog; MALFORMED: the DID is not portable */
export function moveWebvhLog(
  log: Uint8Array,
  location: string,
  signer: Signer,
  { changes = {}, ...ctx }: WebvhWriteContext & { readonly changes?: WebvhChanges },
): Uint8Array {
  const { state } = lastEntry(log);
  const former = state['id'] as string;
  const [, , scid] = former.split(':');
  const text = canonicalize(state).replaceAll(former, `did:webvh:${scid}:${location}`);
  const { alsoKnownAs, ...moved } = parseJsonObject(text, { floats: true });
  const names = Array.isArray(alsoKnownAs) ? alsoKnownAs : [];
  const document = { ...moved, alsoKnownAs: [...names, former] };
  return updateWebvhLog(log, { ...changes, document }, signer, ctx);
}

/** Adds a witness's approval of the latest version, and of all before it, to the `did-witness.json` (undefined: none yet).
 *  Of that witness's proofs the newest before it stays, which the log as it is published still needs; older ones go.
 *  Publish the result before the log.
 *  @throws {TrustError} as verifyWebvhLog: no witness approves what does not verify */
export function witnessWebvhLog(
  { log, witness: file }: WebvhFiles,
  witness: Signer,
  ctx: WebvhWriteContext,
): Uint8Array {
  webvhNeedsWitness(log, ctx);
  const { versionId } = lastEntry(log);
  const proof = signIntegrityProof({ versionId }, formatVersionTime(ctx.now), witness, ctx.crypto);
  const records = file === undefined ? [] : parseWitnessFile(file);
  const isOwn = (one: JsonValue): boolean =>
    isJsonObject(one) && one['verificationMethod'] === proof['verificationMethod'];
  const earlier = records.filter((record) => record.versionId !== versionId && record.proof.some(isOwn));
  const newest = Math.max(0, ...earlier.map(numberOf));
  const others = records.map((record) =>
    numberOf(record) === newest && record.versionId !== versionId
      ? record
      : { ...record, proof: record.proof.filter((one) => !isOwn(one)) },
  );
  const present = others.find((record) => record.versionId === versionId);
  const kept = others.filter((record) => record !== present && record.proof.length > 0);
  return canonicalBytes([...kept, { versionId, proof: [...(present?.proof ?? []), proof] }]);
}

/** 0 for what is no version. */
function numberOf({ versionId }: WitnessRecord): number {
  const [, number = '0'] = /^([1-9][0-9]{0,3})-/.exec(versionId) ?? [];
  return Number(number);
}

function hasPreRotation(log: Uint8Array): boolean {
  const hashes = parseLog(log).findLast(({ parameters }) => Object.hasOwn(parameters, 'nextKeyHashes'));
  return Array.isArray(hashes?.parameters['nextKeyHashes']) && hashes.parameters['nextKeyHashes'].length > 0;
}

function lastEntry(log: Uint8Array): WebvhEntry {
  return parseLog(log).at(-1) as WebvhEntry;
}

/** Whole seconds, as most logs have them, unless two entries fall into one. */
function timeAfter({ time }: WebvhEntry, now: number): string {
  return Math.floor(now / 1000) * 1_000_000 > time ? formatVersionTime(now) : formatTime(now);
}

function stated({ witness, ...changes }: WebvhChanges): JsonObject {
  if (witness === undefined) return changes;
  if (witness === null) return { ...changes, witness: {} };
  const { threshold, witnesses } = witness;
  return { ...changes, witness: { threshold, witnesses: witnesses.map((id) => ({ id })) } };
}

function signEntry(
  unsigned: JsonObject,
  { before, number, created }: { readonly before: string; readonly number: number; readonly created: string },
  signer: Signer,
  { crypto }: WebvhWriteContext,
): string {
  const entry = { ...unsigned, versionId: `${number}-${entryHash(unsigned, before, crypto)}` };
  return `${canonicalize({ ...entry, proof: [signIntegrityProof(entry, created, signer, crypto)] })}\n`;
}

/** Nothing is given out that a resolver would refuse, but for witness proofs still to come. */
function checked(log: Uint8Array, ctx: WebvhWriteContext): Uint8Array {
  webvhNeedsWitness(log, ctx);
  return log;
}
