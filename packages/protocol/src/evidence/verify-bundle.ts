import type {
  AuditEvent,
  Bundle,
  BundleEntry,
  BundleFilter,
  RangeBundle,
  RangeBundleEntry,
} from '@talosprotocol/contracts';
import { verifyJwsSignature } from '../crypto/jws.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { decodeBase64url } from '../encoding/base64url.js';
import { encodeHex } from '../encoding/hex.js';
import { keyFor } from '../identity/did-keys.js';
import { didKeyKeys } from '../identity/resolver.js';
import {
  type Checkpoint,
  parseCheckpoint,
  type VerifiedCheckpoint,
  verifyCheckpoint,
} from '../log/checkpoint.js';
import { createTreeHasher } from '../log/hash.js';
import { parseNote } from '../log/note.js';
import { verifyInclusion } from '../log/proof-check.js';
import { checkAnchor, type ReportedAnchor } from './anchored.js';
import { asProof } from './as-proof.js';
import { type AnyBundle, type ParsedBundle, parseBundle } from './bundle.js';
import { type BundleFacts, type BundleReport, factsOf, type Reading, reportOf } from './bundle-report.js';
import { createContinuity } from './continuity.js';
import { createCover } from './cover.js';
import { eventBytes, openDisclosures } from './event.js';
import { createHistory, type HistoryOptions } from './history.js';
import { notProven } from './not-proven.js';
import { createMatcher, isNarrow } from './selection.js';
import { createTally } from './tally.js';
import type { Trust } from './trust-file.js';
import { checkClaims, checkWindow, NOTHING_CLAIMED } from './window.js';

/** How far a verification has come, in entries; each is looked at twice. */
export interface VerifyProgress {
  readonly done: number;
  readonly total: number;
}

/** Verifies a bundle against what the auditor trusts, offline (AUD-21, AUD-22, AUD-61). Nothing inside the bundle is
 *  trusted: the keys of log and exporter, the emitters and the anchors come from `trust`. The first failure ends it.
 *  @throws {TrustError} PROOF_NOT_PROVEN; `data.caveat` names the check, `data.item` the entry
 *  @example const report = verifyBundle(bytes, parseTrustFile(trustBytes, crypto), crypto) */
export function verifyBundle(bytes: Uint8Array, trust: Trust, crypto: CryptoProvider): BundleReport {
  const steps = verifyBundleInSteps(bytes, trust, crypto);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** As verifyBundle, in steps of at most 256 entries, or of one anchor: for a page that must go on answering, or shows how far it is.
 *  @throws {TrustError} PROOF_NOT_PROVEN, from the step that failed
 *  @example const report = yield* verifyBundleInSteps(bytes, trust, crypto) */
export function* verifyBundleInSteps(
  bytes: Uint8Array,
  trust: Trust,
  crypto: CryptoProvider,
): Generator<VerifyProgress, BundleReport> {
  const parsed = asProof('bundle', () => parseBundle(bytes, crypto));
  const checkpoint = asProof('checkpoint', () => verifyLog(parsed, trust));
  asProof('statement', () => verifyStatement(parsed, checkpoint, trust, crypto));
  asProof('window', () => checkPlaces(parsed.bundle, checkpoint));
  const hashes = yield* proveEntries(parsed.bundle, checkpoint, crypto);
  const read = yield* readEntries(parsed.bundle, hashes, checkpoint, trust, crypto);
  const anchored = parsed.bundle.format === 'talos-bundle-v1' ? [] : parsed.bundle.anchors;
  const anchors: ReportedAnchor[] = [];
  for (const one of anchored) {
    yield { done: 2 * parsed.bundle.entries.length, total: 2 * parsed.bundle.entries.length };
    anchors.push(asProof('anchor', () => checkAnchor(one, checkpoint, trust, crypto)));
  }
  const { cosignatures, origin } = checkpoint;
  const quorum = trust.logs.get(origin)?.witnesses?.quorum ?? 0;
  return { ...reportOf(parsed, checkpoint, { ...read, anchors }), cosignatures, quorum };
}

/** Says what is consistent in a bundle without any trust: its form, its statement under the key it names itself, and
 *  that its entries are in the tree. It proves nothing to anybody: whoever wrote the file could have made all of it
 *  (AUD-20).
 *  @throws {TrustError} PROOF_NOT_PROVEN: it is not even consistent */
export function inspectBundle(bytes: Uint8Array, crypto: CryptoProvider): BundleFacts {
  const parsed = asProof('bundle', () => parseBundle(bytes, crypto));
  const checkpoint = asProof('checkpoint', () => parseCheckpoint(parseNote(parsed.bundle.checkpoint).text));
  const self = { exporters: new Set([parsed.claims.iss]) };
  asProof('statement', () => verifyStatement(parsed, checkpoint, self, crypto));
  asProof('window', () => checkPlaces(parsed.bundle, checkpoint));
  const proving = proveEntries(parsed.bundle, checkpoint, crypto);
  while (proving.next().done !== true);
  return factsOf(parsed, checkpoint);
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

/** Where the entries stand, before anything of them is believed (AUD-17, AUD-52). */
function checkPlaces(bundle: AnyBundle, checkpoint: Checkpoint): void {
  const { range } = bundle;
  if (!(range.from < range.to && range.to <= checkpoint.size))
    throw notProven('range', 'the range is empty or beyond the checkpoint');
  if (bundle.format === 'talos-bundle-v1') checkRange(bundle);
  else checkWindow(bundle, checkpoint.size);
}

function checkRange({ range, entries }: RangeBundle): void {
  if (entries.length !== range.to - range.from)
    throw notProven('range', `${entries.length} entries for a range of ${range.to - range.from}`);
  const misplaced = entries.findIndex((entry, offset) => entry.index !== range.from + offset);
  if (misplaced >= 0) throw notProven('range', `entry ${range.from + misplaced} is not where it belongs`);
}

/** Entries between two steps. */
const STEP = 256;

/** Proves that the entries are in the tree of the checkpoint, and gives the hash of each event (AUD-2). */
function* proveEntries(
  bundle: AnyBundle,
  checkpoint: Checkpoint,
  crypto: CryptoProvider,
): Generator<VerifyProgress, string[]> {
  const hashes: string[] = [];
  const total = 2 * bundle.entries.length;
  const prove =
    bundle.format === 'talos-bundle-v1' ? byProofs(checkpoint, crypto) : byCover(bundle, checkpoint, crypto);
  for (const [done, entry] of bundle.entries.entries()) {
    if (done % STEP === 0) yield { done, total };
    inEntry(entry, () => {
      const leaf = eventBytes(entry.event);
      prove.entry(entry, leaf);
      hashes.push(crypto.sha256Hex(leaf));
    });
  }
  asProof('tree', prove.end);
  return hashes;
}

interface TreeCheck {
  readonly entry: (entry: BundleEntry | RangeBundleEntry, leaf: Uint8Array) => void;
  readonly end: () => void;
}

/** Each entry has a proof of its own (AUD-17). */
function byProofs({ size, root }: Checkpoint, crypto: CryptoProvider): TreeCheck {
  const hasher = createTreeHasher(crypto.sha256);
  return {
    entry: (entry, leaf) => {
      const { index, proof } = entry as RangeBundleEntry;
      const leafHash = hasher.leaf(leaf);
      verifyInclusion(hasher, { index, size, leafHash, root, proof: proof.map(decodeBase64url) });
    },
    end: () => undefined,
  };
}

/** All entries together lead to the root (AUD-51). */
function byCover({ rest }: Bundle, checkpoint: Checkpoint, crypto: CryptoProvider): TreeCheck {
  const hasher = createTreeHasher(crypto.sha256);
  const cover = createCover(hasher);
  return {
    entry: (entry, leaf) => cover.add(entry.index, (entry as BundleEntry).before, hasher.leaf(leaf)),
    end: () => cover.close(rest, checkpoint),
  };
}

/** Checks what the entries say, each by itself and of each other (AUD-21, AUD-22), and what the bundle claims of them. */
function* readEntries(
  bundle: AnyBundle,
  hashes: readonly string[],
  checkpoint: Checkpoint,
  trust: Trust,
  crypto: CryptoProvider,
): Generator<VerifyProgress, Omit<Reading, 'anchors'>> {
  const { from, to } = bundle.range;
  const { fromStart, closed, filter } = natureOf(bundle);
  const continuity = createContinuity();
  const history = createHistory(trust, crypto, { fromStart, closed });
  const tally = createTally(fromStart ? to : 0);
  const matcher = createMatcher(filter, (cth) => history.chains.get(cth)?.links.map(({ lid }) => lid) ?? []);
  const asked = new Set<number>();
  const total = 2 * bundle.entries.length;
  for (const [done, entry] of bundle.entries.entries()) {
    if (done % STEP === 0) yield { done: bundle.entries.length + done, total };
    const { event, index, disclosures } = entry;
    inEntry(entry, () => {
      checkSource(event, checkpoint, trust);
      continuity.follow(event, hashes[done] as string, index);
      tally.follow(event, index);
      const inside = index >= from && index < to;
      history.follow(event, openDisclosures(event, disclosures, crypto), index, inside);
      // Also beside the range: an outcome in it fits if its decision does.
      if (matcher.fits(event) && inside) asked.add(index);
    });
  }
  const complete =
    bundle.format === 'talos-bundle-v2'
      ? asProof('selection', () => checkClaims(bundle, { history, tally, asked }))
      : NOTHING_CLAIMED;
  yield { done: total, total };
  return { history, asked, complete };
}

/** What is known of a bundle before its entries are read. */
function natureOf(bundle: AnyBundle): HistoryOptions & { readonly filter: BundleFilter } {
  const isFirst = bundle.range.from === 0;
  if (bundle.format === 'talos-bundle-v1') return { fromStart: isFirst, closed: isFirst, filter: {} };
  const { filter } = bundle.selection;
  return { fromStart: isFirst && !isNarrow(filter), closed: true, filter };
}

function checkSource(event: AuditEvent, { origin }: Checkpoint, trust: Trust): void {
  if (event.origin !== origin) throw notProven('origin', 'the event was made for another log');
  if (!trust.emitters.has(event.emitter))
    throw notProven('emitter', `${event.emitter} is no emitter of the trust file`);
}

function inEntry(entry: BundleEntry | RangeBundleEntry, step: () => void): void {
  asProof(`${entry.event.type} event`, step, `entry ${entry.index}`);
}
