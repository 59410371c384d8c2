export { type ArchiveReader, openArchive } from './archive-reader.js';
export { type ArchiveWriter, createArchive } from './archive-writer.js';
export {
  type ArchiveExamined,
  disclosedFrom,
  examineArchive,
  manifestFaults,
  readCheckpointNote,
} from './examine-archive.js';
export {
  archiveJson,
  archiveTiles,
  disclosurePath,
  MANIFEST,
  POLICIES,
  readManifest,
} from './log-archive.js';
