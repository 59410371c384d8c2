// What the package offers of its folder anchor, by name.
export { anchorPlace, assertAnchorProof, parseAnchorProof, verifyAnchor } from './anchor.js';
export { type ChainTrust, type KnownBlock, readChainTrust } from './chain-trust.js';
export { parseAnchorEvidence, type VerifiedAnchorEvidence, verifyAnchorEvidence } from './evidence.js';
export { ANCHOR_CODE_HASHES, type HeadSlots, headSlots, originHashOf } from './evm/contract.js';
export { type EvmHeader, parseEvmHeader } from './evm/header.js';
export { verifyEvmState } from './evm/verify.js';
export type { OtsAttestation } from './ots/attestation.js';
export { type BitcoinHeader, bitcoinHash, parseBitcoinHeader } from './ots/bitcoin-header.js';
export { encodeOtsFile, type OtsFile, parseOtsFile } from './ots/file.js';
export { appendOp, applyOp, type OtsOp, SHA256_OP } from './ots/op.js';
export {
  attestationsOf,
  encodeOtsTimestamp,
  type OtsBranch,
  type OtsTimestamp,
  parseOtsTimestamp,
} from './ots/timestamp.js';
export { otsDigest } from './ots/verify.js';
export type { AnchorFacts, VerifiedAnchor } from './verified-anchor.js';
