import { createHash } from 'node:crypto';
import { BUNDLE_TYP, MAX_BUNDLE_BYTES } from '@talosprotocol/contracts';
import {
  canonicalize,
  encodeBase64url,
  encodeHex,
  type Signer,
  signJws,
  TrustError,
} from '@talosprotocol/protocol';
import type { SignedCheckpoint } from './checkpoint.js';
import type { Prover } from './prover.js';
import { corrupt } from './recovery.js';
import type { AuditStore, EventRow } from './store.js';

/** Indexes from `from` up to, not including, `to`. */
export interface BundleRange {
  readonly from: number;
  readonly to: number;
}

export interface BundleDeps {
  readonly store: AuditStore;
  readonly prover: Prover;
  readonly exporter: Signer;
  readonly origin: string;
  readonly now: () => number;
}

/** Events of one piece. */
const CHUNK = 1_024;
/** As the schema bounds them. */
const MAX_ENTRIES = 1_048_576;
/** Bytes of an entry besides event, disclosures and hashes of its proof; and of one hash. */
const ENTRY_BYTES = 80;
const HASH_BYTES = 46;
/** Note and statement. */
const OUTER_BYTES = 16_384;

/** Refuses a range whose bundle could be larger than a bundle may be, before a byte of it is written.
 *  @throws {TrustError} TOO_LARGE */
export async function assertBundleFits(
  store: AuditStore,
  { from, to }: BundleRange,
  size: number,
): Promise<void> {
  const { rows, bytes } =
    to - from > MAX_ENTRIES ? { rows: 0, bytes: Infinity } : await store.rangeSize(from, to);
  const proof = Math.ceil(Math.log2(Math.max(2, size))) * HASH_BYTES;
  if (bytes + rows * (ENTRY_BYTES + proof) + OUTER_BYTES <= MAX_BUNDLE_BYTES) return;
  throw new TrustError('TOO_LARGE', 'the bundle would be larger than 256 MiB', {
    hint: 'export the log in parts with from and to',
  });
}

/** Writes a bundle piece by piece (AUD-16 to AUD-18). Its members are in canonical order with the statement last, so
 *  that it is hashed while it is written and never held whole. If a piece cannot be proven, the iteration throws
 *  LOG_CORRUPT and the bundle must be cut off. */
export async function* writeBundle(
  deps: BundleDeps,
  range: BundleRange,
  checkpoint: SignedCheckpoint,
): AsyncGenerator<string> {
  const hash = createHash('sha256');
  const hashed = (text: string): string => {
    hash.update(text);
    return text;
  };
  yield hashed(`{"checkpoint":${canonicalize(checkpoint.note)},"entries":[`);
  for (let at = range.from; at < range.to; at += CHUNK) {
    const entries = await entriesOf(deps, at, Math.min(at + CHUNK, range.to), checkpoint);
    yield hashed((at === range.from ? '' : ',') + entries.join(','));
  }
  yield hashed(`],"format":"talos-bundle-v1","range":${canonicalize({ ...range })}`);
  // What is hashed has no statement, and ends here.
  hash.update('}');
  yield `,"statement":"${sign(deps, range, checkpoint, hash.digest('hex'))}"}`;
}

async function entriesOf(
  { store, prover }: BundleDeps,
  from: number,
  to: number,
  checkpoint: SignedCheckpoint,
): Promise<string[]> {
  const rows = await store.rows(from, to, CHUNK);
  if (rows.length !== to - from || rows.some((row, i) => row.idx !== from + i)) {
    throw corrupt(`the database has lost events from ${from} on`);
  }
  const proofs = await prover.prove(rows, checkpoint);
  return rows.map((row, i) => entryOf(row, proofs[i] ?? []));
}

/** Event and disclosures are stored in canonical form. */
function entryOf({ idx, event, disclosures }: EventRow, proof: readonly Uint8Array[]): string {
  const hashes = proof.map((hash) => `"${encodeBase64url(hash)}"`).join(',');
  return `{"disclosures":${disclosures ?? '[]'},"event":${event},"index":${idx},"proof":[${hashes}]}`;
}

function sign(deps: BundleDeps, range: BundleRange, checkpoint: SignedCheckpoint, hash: string): string {
  const { exporter, origin } = deps;
  const { size, root } = checkpoint;
  const iat = Math.floor(deps.now() / 1000);
  const claims = { iss: exporter.did, iat, origin, size, root: encodeHex(root), ...range, hash };
  return signJws({ typ: BUNDLE_TYP, claims }, exporter);
}
