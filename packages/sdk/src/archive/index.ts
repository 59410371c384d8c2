export { type ArchiveReader, openArchive } from './archive-reader.js';
export { type ArchiveWriter, createArchive } from './archive-writer.js';
export {
  type AnchorExaminer,
  archivedAnchors,
  createAnchorExaminer,
  createRootReader,
} from './examine-anchors.js';
export {
  type ArchiveExamined,
  disclosedFrom,
  examineArchive,
  manifestFaults,
  readCheckpointNote,
} from './examine-archive.js';
export type { Cosigned } from './examine-cosignatures.js';
export { ANCHORS, anchorCount, anchorPath } from './log-anchors.js';
export {
  archiveJson,
  archiveTiles,
  disclosurePath,
  MANIFEST,
  POLICIES,
  readManifest,
} from './log-archive.js';
