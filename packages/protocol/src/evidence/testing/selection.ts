import type { AnchorProof, AuditEvent, Bundle, BundleSelection } from '@talosprotocol/contracts';
import { portableCrypto as crypto } from '../../crypto/portable.js';
import { encodeBase64url } from '../../encoding/base64url.js';
import { parseJson } from '../../encoding/json.js';
import { signCheckpoint } from '../../log/checkpoint.js';
import { rootOf } from '../../log/compact-tree.js';
import { createTreeHasher } from '../../log/hash.js';
import { createNoteSigner } from '../../log/note-key.js';
import { makeProof, planConsistency } from '../../log/proof.js';
import { type NodeId, planCover } from '../../log/range.js';
import { signBundle } from '../bundle.js';
import { eventBytes } from '../event.js';
import { exporter, NOW, ORIGIN, type Sequenced, signerOf } from './ledger.js';

const hasher = createTreeHasher(crypto.sha256);

/** What a bundle is made of, before its proofs. */
export interface SelectionOptions {
  /** Indexes of the entries that are shown; all if it is left out. */
  readonly show?: readonly number[];
  readonly from?: number;
  readonly to?: number;
  readonly selection?: Partial<BundleSelection>;
  /** Indexes of the entries whose commitments are opened; of every decision of the range if it is left out. */
  readonly disclose?: readonly number[];
  readonly earlier?: readonly number[];
  readonly anchors?: readonly AnchorProof[];
  /** Events of the checkpoint; all if it is left out. */
  readonly size?: number;
  /** Changes the content before it is signed. */
  readonly tamper?: (content: Omit<Bundle, 'statement'>) => void;
}

/** Logs events, signs a checkpoint and exports some of them, as an operator with these keys can. */
export function exportSelection(all: readonly Sequenced[], options: SelectionOptions = {}): Uint8Array {
  const events = all.slice(0, options.size ?? all.length);
  const leaves = events.map(({ event }) => hasher.leaf(eventBytes(event)));
  const read = ({ level, index }: NodeId): Uint8Array =>
    rootOf(hasher, leaves.slice(index * 2 ** level, (index + 1) * 2 ** level));
  const between = (begin: number, end: number): string[] =>
    planCover(begin, end).map((node) => encodeBase64url(read(node)));
  const consistency = (size: number): string[] =>
    makeProof(hasher, read, planConsistency(size, leaves.length)).map(encodeBase64url);
  const { show = events.map((_, index) => index), selection = {}, earlier = [], anchors = [] } = options;
  const range = { from: options.from ?? 0, to: options.to ?? events.length };
  const opens = (index: number): boolean =>
    options.disclose?.includes(index) ??
    (events[index]?.event.type === 'decision' && index >= range.from && index < range.to);
  const content: Omit<Bundle, 'statement'> = {
    format: 'talos-bundle-v2',
    anchors: anchors.map((proof) => ({ proof, consistency: consistency(proof.size) })),
    checkpoint: signTree(leaves),
    earlier: earlier.map((size) => ({
      size,
      consistency: consistency(size),
    })),
    entries: show.map((index, i) => ({
      before: between(i === 0 ? 0 : (show[i - 1] as number) + 1, index),
      index,
      event: copyOf((events[index] as Sequenced).event),
      disclosures: opens(index) ? [...(events[index] as Sequenced).disclosures] : [],
    })),
    range,
    rest: between((show.at(-1) ?? -1) + 1, events.length),
    selection: { filter: {}, redaction: 'full', complete: [], endings: false, ...selection },
  };
  options.tamper?.(content);
  return signBundle(content, NOW, exporter, crypto);
}

/** So that what a test tampers with is not the log's. */
function copyOf(event: AuditEvent): AuditEvent {
  return parseJson(eventBytes(event)) as unknown as AuditEvent;
}

/** The checkpoint of a tree of these leaf hashes, as the log signs it. */
export function signTree(leaves: readonly Uint8Array[]): string {
  const log = signerOf(6);
  const note = createNoteSigner(crypto.sha256, { name: ORIGIN, publicKey: log.publicKey, sign: log.sign });
  const tree = { origin: ORIGIN, size: leaves.length, root: rootOf(hasher, leaves), extensions: [] };
  return signCheckpoint(tree, [note]);
}
