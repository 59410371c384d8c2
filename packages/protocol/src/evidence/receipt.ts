import {
  type AuditEvent,
  createChecker,
  type Disclosure,
  RECEIPT_ASSERTS,
  Receipt,
} from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { canonicalize } from '../encoding/jcs.js';
import { parseJson } from '../encoding/json.js';
import { malformed } from '../error.js';
import { createTreeHasher } from '../log/hash.js';
import { formatTlogProof, parseTlogProof, type TlogProof, verifyTlogProof } from '../log/tlog-proof.js';
import type { Cosignature } from '../log/witness-policy.js';
import { eventBytes, openDisclosures } from './event.js';
import { assertKnownVersion } from './event-version.js';
import { notProven } from './not-proven.js';
import type { Trust } from './trust-file.js';

/** What a receipt proves: this event is in that log, unchanged. */
export interface VerifiedReceipt {
  readonly event: AuditEvent;
  readonly index: number;
  readonly size: number;
  /** Which witnesses of the log had seen it, and when; empty if the trust file names none. */
  readonly cosignatures: readonly Cosignature[];
  /** Opened commitments, by pointer. */
  readonly values: ReadonlyMap<string, unknown>;
}

const check = createChecker(Receipt);
const ASSERTED = canonicalize(RECEIPT_ASSERTS);
const MAX_BYTES = 4 * 1024 * 1024;

/** Builds a receipt (AUD-14); its id is that of the event (ENC-4). */
export function createReceipt(
  event: AuditEvent,
  disclosures: readonly Disclosure[],
  proof: TlogProof,
): Receipt {
  return {
    format: 'talos-receipt-v1',
    id: `rcp_${event.id.slice('evt_'.length)}`,
    asserts: RECEIPT_ASSERTS,
    event,
    disclosures: [...disclosures],
    proof: formatTlogProof(proof),
  };
}

/** Reads a receipt; nothing is verified.
 *  @throws {TrustError} MALFORMED */
export function parseReceipt(bytes: Uint8Array): Receipt {
  const value = parseJson(bytes, { maxBytes: MAX_BYTES });
  assertKnownVersion((value as { readonly event?: unknown } | null)?.event);
  const wrong = check(value);
  if (wrong !== undefined) throw malformed(`a receipt: ${wrong}`);
  return value as unknown as Receipt;
}

/** Verifies a receipt: its event is in a log that the auditor trusts, recorded by a trusted emitter, and what it
 *  discloses is what was committed to. If the trust file names witnesses of the log, enough of them had seen it. What the event says is the emitter's word; that the chain allowed it is
 *  checked by verifyBundle, which sees the chain.
 *  @throws {TrustError} PROOF_NOT_PROVEN | SIGNATURE_INVALID | MALFORMED */
export function verifyReceipt(receipt: Receipt, trust: Trust, crypto: CryptoProvider): VerifiedReceipt {
  const { event, disclosures, proof, id, asserts = RECEIPT_ASSERTS } = receipt;
  // Nobody signed them: other words would be a stranger's.
  if (canonicalize(asserts) !== ASSERTED)
    throw notProven('asserts', 'the receipt says other things of itself than receipts do');
  if (id.slice(4) !== event.id.slice(4)) throw notProven('id', 'the receipt has another id than its event');
  const log = trust.logs.get(event.origin);
  if (log === undefined) throw notProven('origin', `the trust file has no log ${event.origin}`);
  if (!trust.emitters.has(event.emitter))
    throw notProven('emitter', `${event.emitter} is no emitter of the trust file`);
  // Extra data is authenticated by nothing (AUD-14).
  if (parseTlogProof(proof).extra !== undefined) throw notProven('proof', 'the proof carries extra data');
  const hasher = createTreeHasher(crypto.sha256);
  const { index, checkpoint } = verifyTlogProof(hasher, proof, hasher.leaf(eventBytes(event)), log);
  const { size, cosignatures } = checkpoint;
  return { event, index, size, cosignatures, values: openDisclosures(event, disclosures, crypto) };
}
