// What the package offers of its folder identity, by name.
export {
  type DidHistory,
  type FormerKey,
  type FormerKeys,
  formerKeyFor,
  type RecordedDocument,
  resolveAsOf,
} from './as-of.js';
export { encodeDidKey, encodeMultikey, parseDidKey, parseMultikey } from './did-key.js';
export { type DidKey, type DidKeys, KEY_PURPOSES, type KeyPurpose, keyFor } from './did-keys.js';
export type { DidRecord, DidResource, FetchDid } from './did-record.js';
export { didWebUrl } from './did-web.js';
export { parseDidDocument } from './document.js';
export {
  createDidResolver,
  type DidDirectory,
  type DidResolver,
  type DidResolverDeps,
  didKeyKeys,
  type WebvhMarks,
} from './resolver.js';
export { createSigner } from './signer.js';
export {
  type ExpectedSuccession,
  type IdentityStatement,
  partiesOfRotation,
  type StatementContext,
  signDeactivation,
  signRegistration,
  signRotation,
  signSuccession,
  verifyDeactivation,
  verifyRegistration,
  verifyRotation,
} from './statement.js';
export { parseWebvhDid, type WebvhDid, webvhLogUrl, webvhWitnessUrl } from './webvh/did.js';
export {
  type VerifiedWebvhLog,
  verifyWebvhLog,
  type WebvhContext,
  type WebvhFiles,
  type WebvhVersion,
  webvhNeedsWitness,
} from './webvh/log.js';
export type { WebvhParameters, WebvhWitnesses } from './webvh/parameters.js';
export {
  continuesWebvhLog,
  findWebvhVersion,
  type WebvhMark,
  type WebvhQuery,
} from './webvh/version.js';
export {
  createWebvhLog,
  deactivateWebvhLog,
  moveWebvhLog,
  updateWebvhLog,
  type WebvhChanges,
  type WebvhCreation,
  type WebvhWriteContext,
  webvhDocument,
  webvhKeyHash,
  witnessWebvhLog,
} from './webvh/write.js';
