import {
  type AnchoredTree,
  type AnchorProof,
  MAX_BUNDLE_BYTES,
  type Principal,
} from '@talosprotocol/contracts';
import {
  COUNT_WITHIN,
  type CryptoProvider,
  decodeHex,
  encodeBase64url,
  isTrustError,
  makeProof,
  planConsistency,
  planCover,
  type Signer,
  type TreeHasher,
  TrustError,
  verifyConsistency,
} from '@talosprotocol/protocol';
import type { SignedCheckpoint } from '../checkpoint.js';
import { corrupt } from '../corrupt.js';
import type { AuditDraft, RecordedEvent } from '../draft.js';
import type { Prover } from '../prover.js';
import type { BundleAsk } from './ask.js';
import { type CountDeps, countedDrafts } from './counted.js';
import { MAX_ENTRIES, tooLarge } from './entries.js';
import type { ExportStore } from './export-store.js';
import { type ExportPlan, planExport } from './plan.js';
import { writeBundle } from './write-bundle.js';

export interface ExporterDeps extends CountDeps {
  readonly store: ExportStore;
  readonly crypto: CryptoProvider;
  readonly hasher: TreeHasher;
  readonly prover: () => Pick<Prover, 'nodes' | 'forget'>;
  readonly exporter: Signer;
  readonly origin: string;
  /** Events that are durable. */
  readonly size: () => number;
  /** A checkpoint that covers so many. @throws {TrustError} UNAVAILABLE */
  readonly reach: (size: number) => Promise<SignedCheckpoint>;
  readonly record: (draft: AuditDraft<'log.counted'>) => Promise<RecordedEvent | undefined>;
  /** Proofs of chain anchors of trees that have at least `from` and at most `to` leaves; absent where nothing is anchored. */
  readonly anchors?: (from: number, to: number) => Promise<readonly AnchorProof[]>;
}

/** Makes bundles (AUD-50). */
export interface Exporter {
  /** The pieces of a bundle of what is asked for, for whom; by default of the whole log.
   *  @throws {TrustError} MALFORMED | NOT_FOUND | TOO_LARGE | UNAVAILABLE */
  bundle(ask?: Partial<BundleAsk>, by?: Principal): Promise<AsyncGenerator<string>>;
}

const EVERYTHING: BundleAsk = { filter: {}, redaction: 'full', earlier: [] };

export function createExporter(deps: ExporterDeps): Exporter {
  return {
    bundle: async (ask, by) => {
      const asked = { ...EVERYTHING, ...ask };
      const size = deps.size();
      const plan = await planExport(deps, asked, size);
      const counted = plan.count === undefined ? [] : countedDrafts(deps, plan.count, by);
      const places = new Set(plan.others);
      // One after the other: their order is that of the bundle.
      for (const draft of counted) places.add(await recordCount(deps, draft));
      const shown = [...new Set([...plan.asked, ...places])].sort((a, b) => a - b);
      const before = asked.earlier.filter((one) => one <= size);
      const checkpoint = await deps.reach(Math.max(plan.to, (shown.at(-1) ?? 0) + 1, ...before));
      assertFits(plan, shown, checkpoint.size);
      const prover = deps.prover();
      const earlier = await proveEarlier(deps, asked.earlier, checkpoint);
      const anchors = await proveAnchors(deps, plan, checkpoint);
      return writeBundle(
        { ...deps, prover, now: () => deps.clock.now() },
        { plan, shown, checkpoint, earlier, anchors },
      );
    },
  };
}

/** Records a count, and gives its place. @throws {TrustError} UNAVAILABLE: also if no verifier would take it there */
async function recordCount(deps: ExporterDeps, draft: AuditDraft<'log.counted'>): Promise<number> {
  const recorded = await deps.record(draft);
  if (recorded === undefined) throw new TrustError('UNAVAILABLE', 'the log takes no events');
  if (recorded.index - draft.members.size > COUNT_WITHIN)
    throw new TrustError('UNAVAILABLE', 'the log grows faster than it can count what it holds');
  return recorded.index;
}

/** Bytes of an entry besides event, disclosures and hashes; of one hash; of all that is no entry. */
const ENTRY_BYTES = 80;
const HASH_BYTES = 46;
const OUTER_BYTES = 65_536;
/** An event that is there for others' sake, at most. */
const OTHER_BYTES = 4_096;

/** Refuses a bundle that could be larger than one may be, before a byte of it is written. */
function assertFits({ bytes, asked }: ExportPlan, shown: readonly number[], size: number): void {
  if (shown.length > MAX_ENTRIES) throw tooLarge();
  let hashes = 0;
  let at = 0;
  for (const idx of shown) {
    hashes += planCover(at, idx).length;
    at = idx + 1;
  }
  hashes += planCover(at, size).length;
  const others = (shown.length - asked.length) * OTHER_BYTES;
  const total = bytes + others + shown.length * ENTRY_BYTES + hashes * HASH_BYTES + OUTER_BYTES;
  if (total > MAX_BUNDLE_BYTES) throw tooLarge();
}

async function consistencyOf(
  { hasher, prover }: ExporterDeps,
  size: number,
  checkpoint: SignedCheckpoint,
): Promise<readonly Uint8Array[]> {
  const plan = planConsistency(size, checkpoint.size);
  return makeProof(hasher, await prover().nodes(plan.flat(), checkpoint.size), plan);
}

async function proveEarlier(
  deps: ExporterDeps,
  sizes: readonly number[],
  checkpoint: SignedCheckpoint,
): Promise<{ size: number; consistency: string[] }[]> {
  const wrong = sizes.find((size) => size < 1 || size > checkpoint.size);
  if (wrong !== undefined)
    throw new TrustError('MALFORMED', `the log never had an earlier size of ${wrong} before this bundle`);
  const proven: { size: number; consistency: string[] }[] = [];
  for (const size of sizes)
    proven.push({
      size,
      consistency: (await consistencyOf(deps, size, checkpoint)).map(encodeBase64url),
    });
  return proven;
}

/** The anchors of trees that hold the range; each is proven to be the beginning of the checkpoint's before it is handed
 *  out: one that is not is a fork of the log. */
async function proveAnchors(
  deps: ExporterDeps,
  { to }: ExportPlan,
  checkpoint: SignedCheckpoint,
): Promise<AnchoredTree[]> {
  const proofs = (await deps.anchors?.(to, checkpoint.size)) ?? [];
  const proven: AnchoredTree[] = [];
  for (const proof of proofs) {
    const consistency = await consistencyOf(deps, proof.size, checkpoint);
    try {
      const [oldRoot, newRoot, newSize] = [decodeHex(proof.root), checkpoint.root, checkpoint.size];
      verifyConsistency(deps.hasher, { oldSize: proof.size, oldRoot, newSize, newRoot, proof: consistency });
    } catch (cause) {
      if (!isTrustError(cause)) throw cause;
      throw corrupt(
        `the tree of ${proof.size} events that was anchored is not the beginning of this log`,
        cause,
      );
    }
    proven.push({ proof, consistency: consistency.map(encodeBase64url) });
  }
  return proven;
}
