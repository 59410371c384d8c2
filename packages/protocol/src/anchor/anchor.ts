import { ANCHOR_PROOFS, type AnchorProof, createTaggedChecker } from '@talosprotocol/contracts';
import { decodeHex } from '../encoding/hex.js';
import { malformed } from '../error.js';
import type { ChainTrust } from './chain-trust.js';
import { assertEvmProof, verifyEvmAnchor } from './evm/verify.js';
import { assertOpenTimestamps, verifyOpenTimestamps } from './ots/verify.js';
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

/** Checks all of a proof that needs no trust: what it brings leads from its block to size and root. Whether the chain has that
 *  block is another question (`verifyAnchor`), so this proves nothing by itself.
 *  @throws {TrustError} PROOF_NOT_PROVEN | MALFORMED */
export function assertAnchorProof(proof: AnchorProof): void {
  if (proof.kind === 'evm') assertEvmProof(proof);
  else assertOpenTimestamps(proof);
}

/** Names where an anchor is, as the platform that made it does: the chain, the contract and who anchors there. */
export function anchorPlace(proof: AnchorProof): string {
  return proof.kind === 'evm' ? `evm ${proof.chain} ${proof.contract} ${proof.anchorer}` : proof.kind;
}
