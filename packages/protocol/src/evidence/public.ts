// What the package offers of its folder evidence, by name.
export type { ReportedAnchor } from './anchored.js';
export { type AnyBundle, type BundleContent, type ParsedBundle, parseBundle, signBundle } from './bundle.js';
export type { BundleFacts, BundleReport, ReportedCall } from './bundle-report.js';
export type { ShownChain } from './chains.js';
export { checkOutcomeForm, type Spending } from './costs.js';
export { COUNT_WITHIN } from './count-within.js';
export { checkpointOf, verifyEarlier } from './earlier.js';
export { eventBytes, eventHash, openDisclosures, parseEvent } from './event.js';
export { checkEventForm } from './event-form.js';
export {
  createEventWalk,
  type EventWalk,
  type EventWalkOptions,
  type EventWalkState,
  type LastEvent,
  walkFrom,
} from './event-walk.js';
export { type FileKind, kindOfFile } from './file-kind.js';
export { failedEvidence, findMisplaced, type Misplaced, type NamedFile, readBeside } from './given.js';
export type { HistoryCounts, ShownCall } from './history.js';
export { type InvoiceGroup, type InvoiceLine, invoiceOf } from './invoice.js';
export { priceOf } from './price.js';
export { createReceipt, parseReceipt, type VerifiedReceipt, verifyReceipt } from './receipt.js';
export { findSplitView, parseSplitView, type VerifiedSplitView, verifySplitView } from './split-view.js';
export { parseTrustFile, type Trust } from './trust-file.js';
export {
  inspectBundle,
  type VerifyProgress,
  verifyBundle,
  verifyBundleInSteps,
} from './verify-bundle.js';
export type { Account, TrustedKey } from './words/account.js';
export { accountOfBundle, accountOfUntrusted } from './words/bundle-account.js';
export { accountOfFailure } from './words/failure.js';
export { moneyOf, secondOf } from './words/phrase.js';
export { accountOfReceipt } from './words/receipt-account.js';
