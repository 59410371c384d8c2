import { createHash } from 'node:crypto';
import { type AnchoredTree, BUNDLE_TYP, type EarlierTree } from '@talosprotocol/contracts';
import {
  type CompactTree,
  type CryptoProvider,
  canonicalize,
  createCompactTree,
  encodeBase64url,
  encodeHex,
  encodeUtf8,
  equalBytes,
  type HashReader,
  type NodeId,
  planCover,
  type Signer,
  signJws,
  type TreeHasher,
} from '@talosprotocol/protocol';
import type { SignedCheckpoint } from '../checkpoint.js';
import { corrupt } from '../corrupt.js';
import { openRow } from '../open-row.js';
import type { Prover } from '../prover.js';
import { prunedError } from '../pruning/pruned-error.js';
import type { EventRow } from '../store.js';
import type { ExportStore } from './export-store.js';
import type { ExportPlan } from './plan.js';

export interface WriteDeps {
  readonly store: Pick<ExportStore, 'rowsAt' | 'pruned'>;
  readonly hasher: TreeHasher;
  readonly prover: Pick<Prover, 'nodes' | 'forget'>;
  readonly exporter: Signer;
  readonly crypto: CryptoProvider;
  readonly origin: string;
  readonly now: () => number;
}

/** All of a bundle but its entries. */
export interface BundleFrame {
  readonly plan: ExportPlan;
  /** Indexes of all that is shown, in order. */
  readonly shown: readonly number[];
  readonly checkpoint: SignedCheckpoint;
  readonly anchors: readonly AnchoredTree[];
  readonly earlier: readonly EarlierTree[];
}

/** Entries of one piece. */
const CHUNK = 512;

/** Writes a bundle piece by piece (AUD-50, AUD-51). Its members are in canonical order with the statement last, so that
 *  it is hashed while it is written and never held whole. Before the statement is signed the entries and hashes were
 *  found to lead to the root; if they do not, the iteration throws LOG_CORRUPT and the bundle must be cut off. */
export async function* writeBundle(deps: WriteDeps, frame: BundleFrame): AsyncGenerator<string> {
  const { plan, shown, checkpoint, anchors, earlier } = frame;
  const hash = createHash('sha256');
  const hashed = (text: string): string => {
    hash.update(text);
    return text;
  };
  const head = { anchors: [...anchors], checkpoint: checkpoint.note, earlier: [...earlier] };
  yield hashed(`${canonicalize(head).slice(0, -1)},"entries":[`);
  const tree = createCompactTree(deps.hasher);
  const discloses = disclosing(plan);
  for (let at = 0; at < shown.length; at += CHUNK) {
    const entries = await entriesOf(deps, tree, shown.slice(at, at + CHUNK), checkpoint.size, discloses);
    yield hashed((at === 0 ? '' : ',') + entries.join(','));
  }
  const range = { from: plan.from, to: plan.to };
  const rest = await graftTo(deps, tree, checkpoint.size, checkpoint.size);
  if (!equalBytes(tree.root(), checkpoint.root)) {
    deps.prover.forget();
    throw corrupt('events and tiles are not those that were signed');
  }
  yield hashed(
    `],"format":"talos-bundle-v2","range":${canonicalize(range)},"rest":${rest},"selection":${canonicalize(plan.selection)}`,
  );
  // What is hashed has no statement, and ends here.
  hash.update('}');
  yield `,"statement":"${sign(deps, range, checkpoint, hash.digest('hex'))}"}`;
}

async function entriesOf(
  deps: WriteDeps,
  tree: CompactTree,
  indexes: readonly number[],
  size: number,
  discloses: (idx: number) => boolean,
): Promise<string[]> {
  const rows = await deps.store.rowsAt(indexes);
  if (rows.length !== indexes.length || rows.some(({ idx }, i) => idx !== indexes[i])) {
    const below = await deps.store.pruned();
    if ((indexes[0] ?? 0) < below) throw prunedError('events were pruned while they were exported', below);
    throw corrupt(`the database has lost events from ${indexes[0]} on`);
  }
  const gaps = indexes.map((idx, i) => planCover(i === 0 ? tree.size : (indexes[i - 1] as number) + 1, idx));
  const read = await deps.prover.nodes(gaps.flat(), size);
  return rows.map((row, i) => {
    const before = graftAll(tree, gaps[i] ?? [], read);
    tree.append(deps.hasher.leaf(encodeUtf8(row.event)));
    const isOpen = discloses(row.idx);
    if (isOpen) openRow(row, deps.crypto);
    return entryOf(row, before, isOpen);
  });
}

/** What was asked for comes with what opens it (AUD-58). */
function disclosing({ selection, asked, from, to }: ExportPlan): (idx: number) => boolean {
  if (selection.redaction !== 'full') return () => false;
  if (asked.length === to - from) return (idx) => idx >= from && idx < to;
  const open = new Set(asked);
  return (idx) => open.has(idx);
}

/** Event and disclosures are stored in canonical form. */
function entryOf({ idx, event, disclosures }: EventRow, before: string, isOpen: boolean): string {
  return `{"before":${before},"disclosures":${(isOpen ? disclosures : null) ?? '[]'},"event":${event},"index":${idx}}`;
}

async function graftTo({ prover }: WriteDeps, tree: CompactTree, end: number, size: number): Promise<string> {
  const gap = planCover(tree.size, end);
  return graftAll(tree, gap, await prover.nodes(gap, size));
}

function graftAll(tree: CompactTree, gap: readonly NodeId[], read: HashReader): string {
  const hashes = gap.map((node) => {
    const hash = read(node);
    tree.graft(node.level, hash);
    return `"${encodeBase64url(hash)}"`;
  });
  return `[${hashes.join(',')}]`;
}

function sign(
  { exporter, origin, now }: WriteDeps,
  range: { readonly from: number; readonly to: number },
  { size, root }: SignedCheckpoint,
  hash: string,
): string {
  const iat = Math.floor(now() / 1000);
  const claims = { iss: exporter.did, iat, origin, size, root: encodeHex(root), ...range, hash };
  return signJws({ typ: BUNDLE_TYP, claims }, exporter);
}
