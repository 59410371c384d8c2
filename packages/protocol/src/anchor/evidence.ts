import { AnchorEvidence, createChecker, MAX_ANCHOR_EVIDENCE_BYTES } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { decodeBase64url } from '../encoding/base64url.js';
import { parseJson } from '../encoding/json.js';
import { malformed } from '../error.js';
import type { Trust } from '../evidence/trust-file.js';
import { type VerifiedCheckpoint, verifyCheckpoint } from '../log/checkpoint.js';
import { createTreeHasher } from '../log/hash.js';
import { verifyConsistency } from '../log/proof-check.js';
import { parseAnchorProof, verifyAnchor } from './anchor.js';
import { notAnchored } from './not-anchored.js';
import type { VerifiedAnchor } from './verified-anchor.js';

/** What evidence of an anchor proves: the tree of the anchor existed before its block, and it is the beginning of the
 *  checkpoint's. */
export interface VerifiedAnchorEvidence {
  readonly anchor: VerifiedAnchor;
  readonly checkpoint: VerifiedCheckpoint;
}

const check = createChecker(AnchorEvidence);

/** Reads evidence of an anchor; nothing is verified.
 *  @throws {TrustError} MALFORMED */
export function parseAnchorEvidence(bytes: Uint8Array): AnchorEvidence {
  const value = parseJson(bytes, { maxBytes: MAX_ANCHOR_EVIDENCE_BYTES });
  const { anchor } = Object(value) as { anchor?: unknown };
  // First: what is wrong with a proof is said of its kind.
  parseAnchorProof(anchor);
  const wrong = check(value);
  if (wrong !== undefined) throw malformed(`evidence of an anchor: ${wrong}`);
  return value as unknown as AnchorEvidence;
}

/** Verifies evidence of an anchor offline (AUD-44): the log, its keys, the block and the contract come from `trust`.
 *  @throws {TrustError} PROOF_NOT_PROVEN | SIGNATURE_INVALID | MALFORMED */
export function verifyAnchorEvidence(
  evidence: AnchorEvidence,
  trust: Pick<Trust, 'logs' | 'chains'>,
  crypto: Pick<CryptoProvider, 'sha256'>,
): VerifiedAnchorEvidence {
  const log = trust.logs.get(evidence.anchor.origin);
  if (log === undefined) throw notAnchored('log', `the trust file has no log ${evidence.anchor.origin}`);
  const checkpoint = verifyCheckpoint(evidence.checkpoint, log);
  const anchor = verifyAnchor(evidence.anchor, trust.chains);
  verifyConsistency(createTreeHasher(crypto.sha256), {
    oldSize: anchor.size,
    oldRoot: anchor.root,
    newSize: checkpoint.size,
    newRoot: checkpoint.root,
    proof: evidence.consistency.map(decodeBase64url),
  });
  return { anchor, checkpoint };
}
