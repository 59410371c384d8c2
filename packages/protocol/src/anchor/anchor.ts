import { ANCHOR_PROOFS, type AnchorProof, createTaggedChecker } from '@talosprotocol/contracts';
import { decodeHex } from '../encoding/hex.js';
import { malformed } from '../error.js';
import type { ChainTrust } from './chain-trust.js';
import { verifyEvmAnchor } from './evm/verify.js';
import { verifyOpenTimestamps } from './ots/verify.js';
import type { VerifiedAnchor } from './verified-anchor.js';

const check = createTaggedChecker('kind', ANCHOR_PROOFS);

/** Takes a parsed JSON value as a proof of a chain anchor (AUD-36); nothing is verified.
 *  @throws {TrustError} MALFORMED */
export function parseAnchorProof(value: unknown): AnchorProof {
  const wrong = check(value);
  if (wrong !== undefined) throw malformed(`a proof of a chain anchor: ${wrong}`);
  return value as AnchorProof;
}

/** Verifies offline that a chain held this root of this log, by blocks and contracts that the auditor looked up. Whoever
 *  wants to know that a checkpoint continues that tree checks consistency from its size on: an anchor proves time and that
 *  one history was shown, not that nothing was removed.
 *  @throws {TrustError} PROOF_NOT_PROVEN | MALFORMED
 *  @example const { size, root, time } = verifyAnchor(proof, trust.chains) */
export function verifyAnchor(proof: AnchorProof, trust: ChainTrust): VerifiedAnchor {
  const facts = proof.kind === 'evm' ? verifyEvmAnchor(proof, trust) : verifyOpenTimestamps(proof, trust);
  const { origin, size, root } = proof;
  return { ...facts, origin, size, root: decodeHex(root) } as unknown as VerifiedAnchor;
}
