// What the package offers of its folder log, by name.
export { decodeBase64, encodeBase64 } from './base64.js';
export {
  type Checkpoint,
  formatCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  type TrustedLog,
  type VerifiedCheckpoint,
  verifyCheckpoint,
} from './checkpoint.js';
export { commit, disclose, openCommitment } from './commitment.js';
export {
  type CompactTree,
  createCompactTree,
  EMPTY_FRONTIER,
  type Frontier,
  type OnNode,
  rootOf,
} from './compact-tree.js';
export {
  type CosignatureVerifier,
  type Cosigner,
  cosignatureTime,
  createCosignatureVerifier,
  createCosigner,
} from './cosignature.js';
export { createTreeHasher, HASH_BYTES, type Sha256, type TreeHasher } from './hash.js';
export {
  EMPTY_EDGE,
  edgeRoot,
  growLog,
  type LogEdge,
  type LogGrowth,
  restoreEdge,
  type TileWrite,
} from './log-edge.js';
export {
  formatNote,
  formatSignatureLines,
  MAX_NOTE_LENGTH,
  MAX_NOTE_SIGNATURES,
  type Note,
  type NoteSignature,
  parseNote,
  parseSignatureLines,
  signNote,
  type VerifiedNote,
  verifyNote,
} from './note.js';
export {
  createNoteSigner,
  createNoteVerifier,
  formatVerifierKey,
  type NoteCrypto,
  type NoteSigner,
  type NoteVerifier,
  parseVerifierKey,
  type VerifierKey,
} from './note-key.js';
export { makeProof, type ProofPlan, planConsistency, planInclusion } from './proof.js';
export {
  type ConsistencyClaim,
  type InclusionClaim,
  provenPrefix,
  verifyConsistency,
  verifyInclusion,
} from './proof-check.js';
export {
  frontierAt,
  type HashReader,
  type NodeId,
  planCover,
  planFrontier,
  planRange,
  rangeRoot,
  rootAt,
} from './range.js';
export {
  decodeEntryBundle,
  decodeHashTile,
  edgeTiles,
  encodeEntryBundle,
  encodeHashTile,
  MAX_ENTRY_BYTES,
  parseTilePath,
  TILE_WIDTH,
  type TileId,
  tilePath,
  tilesOf,
} from './tile.js';
export { createTileReader, type LoadedTile, type TileLevels, tilesForNodes } from './tile-reader.js';
export {
  formatTlogProof,
  parseTlogProof,
  type TlogProof,
  type VerifiedInclusion,
  verifyTlogProof,
} from './tlog-proof.js';
export { readDecimal } from './tree-size.js';
export {
  assertWitnessed,
  type Cosignature,
  createWitnessPolicy,
  readCosignatures,
  type WitnessPolicy,
  type WitnessReport,
} from './witness-policy.js';
export { type AddCheckpoint, formatAddCheckpoint, parseAddCheckpoint } from './witness-request.js';
