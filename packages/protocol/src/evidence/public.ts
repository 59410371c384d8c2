// What the package offers of its folder evidence, by name.
export { type BundleContent, type ParsedBundle, parseBundle, signBundle } from './bundle.js';
export type { Spending } from './costs.js';
export { eventBytes, eventHash, openDisclosures, parseEvent } from './event.js';
export type { HistoryCounts } from './history.js';
export { createReceipt, parseReceipt, type VerifiedReceipt, verifyReceipt } from './receipt.js';
export { findSplitView, parseSplitView, type VerifiedSplitView, verifySplitView } from './split-view.js';
export { parseTrustFile, type Trust } from './trust-file.js';
export {
  type BundleFacts,
  type BundleReport,
  inspectBundle,
  verifyBundle,
} from './verify-bundle.js';
