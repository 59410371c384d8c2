import type { AuditEvent, BundleEntry } from '@talosprotocol/contracts';
import { verifyJwsSignature } from '../crypto/jws.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { decodeBase64url } from '../encoding/base64url.js';
import { encodeHex } from '../encoding/hex.js';
import { isTrustError } from '../error.js';
import { keyFor } from '../identity/did-keys.js';
import { didKeyKeys } from '../identity/resolver.js';
import {
  type Checkpoint,
  parseCheckpoint,
  type VerifiedCheckpoint,
  verifyCheckpoint,
} from '../log/checkpoint.js';
import { createTreeHasher, type TreeHasher } from '../log/hash.js';
import { parseNote } from '../log/note.js';
import { verifyInclusion } from '../log/proof-check.js';
import type { Cosignature } from '../log/witness-policy.js';
import { type ParsedBundle, parseBundle } from './bundle.js';
import { createContinuity } from './continuity.js';
import type { Spending } from './costs.js';
import { eventBytes, openDisclosures } from './event.js';
import { createHistory, type History, type HistoryCounts } from './history.js';
import { notProven } from './not-proven.js';
import type { Trust } from './trust-file.js';

/** What a bundle is about. */
export interface BundleFacts {
  readonly origin: string;
  /** Of the tree that the checkpoint signs. */
  readonly size: number;
  /** hex */
  readonly root: string;
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly exporter: string;
  readonly emitters: readonly string[];
  readonly subjects: readonly string[];
  /** Times of the first and last event, as the log states them. */
  readonly first: string;
  readonly last: string;
}

/** What a bundle proves under the auditor's trust file. */
export interface BundleReport extends BundleFacts {
  /** Which witnesses of the log had seen the checkpoint, and when; empty if the trust file names none. */
  readonly cosignatures: readonly Cosignature[];
  /** How many of them had to; 0 if the trust file demands none. */
  readonly quorum: number;
  readonly counts: Readonly<HistoryCounts>;
  /** What the calls came to, by currency (AUD-85). */
  readonly costs: readonly Spending[];
}

/** Verifies a bundle against what the auditor trusts, offline (AUD-21, AUD-22). Nothing inside the bundle is trusted:
 *  the keys of log and exporter, the emitters and the anchors come from `trust`. The first failure ends it.
 *  @throws {TrustError} PROOF_NOT_PROVEN; `data.caveat` names the check, `data.item` the entry
 *  @example const report = verifyBundle(bytes, parseTrustFile(trustBytes, crypto), crypto) */
export function verifyBundle(bytes: Uint8Array, trust: Trust, crypto: CryptoProvider): BundleReport {
  const parsed = asProof('bundle', () => parseBundle(bytes, crypto));
  const checkpoint = asProof('checkpoint', () => verifyLog(parsed, trust));
  asProof('statement', () => verifyStatement(parsed, checkpoint, trust, crypto));
  checkRange(parsed, checkpoint);
  const history = verifyEntries(parsed, checkpoint, trust, crypto);
  const { cosignatures, origin } = checkpoint;
  const quorum = trust.logs.get(origin)?.witnesses?.quorum ?? 0;
  const counted = { counts: history.counts, costs: history.costs() };
  return { ...reportOf(parsed, checkpoint), cosignatures, quorum, ...counted };
}

/** Says what is consistent in a bundle without any trust: its form, its statement under the key it names itself, and
 *  its inclusion proofs. It proves nothing to anybody: whoever wrote the file could have made all of it (AUD-20).
 *  @throws {TrustError} PROOF_NOT_PROVEN: it is not even consistent */
export function inspectBundle(bytes: Uint8Array, crypto: CryptoProvider): BundleFacts {
  const parsed = asProof('bundle', () => parseBundle(bytes, crypto));
  const checkpoint = asProof('checkpoint', () => parseCheckpoint(parseNote(parsed.bundle.checkpoint).text));
  const self = { exporters: new Set([parsed.claims.iss]) };
  asProof('statement', () => verifyStatement(parsed, checkpoint, self, crypto));
  checkRange(parsed, checkpoint);
  const hasher = createTreeHasher(crypto.sha256);
  for (const entry of parsed.bundle.entries) inEntry(entry, () => verifyEntry(entry, checkpoint, hasher));
  return reportOf(parsed, checkpoint);
}

function verifyLog({ bundle, claims }: ParsedBundle, trust: Trust): VerifiedCheckpoint {
  const log = trust.logs.get(claims.origin);
  if (log === undefined) throw notProven('checkpoint', `the trust file has no log ${claims.origin}`);
  return verifyCheckpoint(bundle.checkpoint, log);
}

function verifyStatement(
  { statement, claims, bundle, contentHash }: ParsedBundle,
  checkpoint: Checkpoint,
  trust: Pick<Trust, 'exporters'>,
  crypto: CryptoProvider,
): void {
  if (!trust.exporters.has(claims.iss))
    throw notProven('statement', `${claims.iss} is no exporter of the trust file`);
  verifyJwsSignature(
    statement,
    keyFor(didKeyKeys(claims.iss), statement.header.kid, 'assertionMethod'),
    crypto,
  );
  const { origin, size, root } = checkpoint;
  const agrees =
    claims.origin === origin &&
    claims.size === size &&
    claims.root === encodeHex(root) &&
    claims.from === bundle.range.from &&
    claims.to === bundle.range.to &&
    claims.hash === contentHash;
  if (!agrees) throw notProven('statement', 'the statement is about another bundle');
}

function checkRange({ bundle }: ParsedBundle, { size }: Checkpoint): void {
  const { range, entries } = bundle;
  if (!(range.from < range.to && range.to <= size))
    throw notProven('range', 'the range is empty or beyond the checkpoint');
  if (entries.length !== range.to - range.from)
    throw notProven('range', `${entries.length} entries for a range of ${range.to - range.from}`);
  const misplaced = entries.findIndex((entry, offset) => entry.index !== range.from + offset);
  if (misplaced >= 0) throw notProven('range', `entry ${range.from + misplaced} is not where it belongs`);
}

function verifyEntries(
  { bundle }: ParsedBundle,
  checkpoint: Checkpoint,
  trust: Trust,
  crypto: CryptoProvider,
): History {
  const hasher = createTreeHasher(crypto.sha256);
  const fromStart = bundle.range.from === 0;
  const continuity = createContinuity(fromStart);
  const history = createHistory(trust, crypto, fromStart);
  for (const entry of bundle.entries) {
    inEntry(entry, () => {
      const leaf = verifyEntry(entry, checkpoint, hasher);
      checkSource(entry.event, checkpoint, trust);
      continuity.follow(entry.event, crypto.sha256Hex(leaf));
      history.follow(entry.event, openDisclosures(entry.event, entry.disclosures, crypto), entry.index);
    });
  }
  return history;
}

/** The leaf data of the entry, proven to be in the tree. */
function verifyEntry(entry: BundleEntry, { size, root }: Checkpoint, hasher: TreeHasher): Uint8Array {
  const leaf = eventBytes(entry.event);
  verifyInclusion(hasher, {
    index: entry.index,
    size,
    leafHash: hasher.leaf(leaf),
    root,
    proof: entry.proof.map(decodeBase64url),
  });
  return leaf;
}

function checkSource(event: AuditEvent, { origin }: Checkpoint, trust: Trust): void {
  if (event.origin !== origin) throw notProven('origin', 'the event was made for another log');
  if (!trust.emitters.has(event.emitter))
    throw notProven('emitter', `${event.emitter} is no emitter of the trust file`);
}

function inEntry(entry: BundleEntry, step: () => void): void {
  asProof(`${entry.event.type} event`, step, `entry ${entry.index}`);
}

/** Whatever refuses inside a verifier, the answer is the same: this is not proven. */
function asProof<T>(check: string, step: () => T, item?: string): T {
  try {
    return step();
  } catch (error) {
    if (!isTrustError(error)) throw error;
    const { caveat = check, reason = error.message } = error.data;
    const where = item === undefined ? '' : `${item}: `;
    const code = error.code === 'PROOF_NOT_PROVEN' ? '' : ` (${error.code})`;
    throw notProven(caveat, `${where}${reason}${code}`, error, item);
  }
}

function reportOf({ bundle, claims }: ParsedBundle, { origin, size, root }: Checkpoint): BundleFacts {
  const events = bundle.entries.map(({ event }) => event);
  return {
    origin,
    size,
    root: encodeHex(root),
    ...bundle.range,
    exporter: claims.iss,
    emitters: [...new Set(events.map(({ emitter }) => emitter))],
    subjects: [...new Set(events.flatMap(({ principal }) => principal?.sub ?? []))],
    first: (events[0] as AuditEvent).time,
    last: (events[events.length - 1] as AuditEvent).time,
  };
}
