export { type ArchiveReader, openArchive } from './archive-reader.js';
export { type ArchiveWriter, createArchive } from './archive-writer.js';
export {
  archiveJson,
  archiveTiles,
  disclosurePath,
  MANIFEST,
  POLICIES,
  readDisclosures,
  readManifest,
  readPolicies,
} from './log-archive.js';
