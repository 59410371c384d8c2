// What the package offers of its folder capability, by name.

export { type ActionName, type Actions, createActions } from './actions.js';
export {
  type AddressBytes,
  isInBlock,
  isPrivateAddress,
  isPrivateHost,
  parseAddress,
} from './address.js';
export { type Anchor, type Anchors, parseAnchor, parseAnchors } from './anchor.js';
export { type AttenuateOptions, attenuate } from './attenuate.js';
export {
  fromAuthorizationDetails,
  GRANT_DETAIL_TYPE,
  toAuthorizationDetails,
} from './authorization-details.js';
export {
  authorize,
  couldAllow,
  explainLinks,
  firstOutOfReach,
  type ModelReach,
  type ToolReach,
} from './authorize.js';
export {
  type Authorizer,
  type AuthorizerLimits,
  createAuthorizer,
  decideItems,
} from './authorizer.js';
export {
  attenuateBearer,
  attenuateToBearer,
  type BearerKey,
  formatBearerKey,
  issueBearer,
  parseBearerKey,
  splitBearerKey,
  verifyBearer,
} from './bearer.js';
export { describeConstraint, describeOnly } from './caveat.js';
export { type ParsedChain, parseChain } from './chain.js';
export { readsAsDots } from './dots.js';
export type { CompiledGrant } from './grant.js';
export {
  type CapabilityDescription,
  describeCapability,
  describeLink,
  type LinkDescription,
} from './inspect.js';
export { type IssueDeps, type IssueOptions, issueCapability, type LinkOptions } from './issue.js';
export {
  type CheckedItem,
  itemsOfCall,
  itemsOfModelCall,
  itemsOfRealCall,
  joinItems,
  parseItems,
  pathsToResolve,
  type ToolCall,
  withRealPaths,
} from './items.js';
export {
  type CallCost,
  type LimitEntry,
  type LimitKind,
  type LimitTake,
  limitsOf,
  takesOf,
} from './limits.js';
export { type ParsedLink, parseLink } from './link.js';
export { type LintParent, lintAttenuation, lintGrants } from './lint.js';
export { type ParsedManifest, type ParsedResource, parseManifest, toolPin } from './manifest.js';
export { modelCost } from './model-cost.js';
export { normalPath } from './path.js';
export { findByPointer, type Pointer, parsePointer } from './pointer.js';
export {
  compileProgram,
  FAST_ALLOW,
  FAST_DENY,
  FAST_UNDECIDED,
  type FastDecision,
  type Program,
} from './program.js';
export { checkToolInReach } from './reach.js';
export {
  type ParsedRevocation,
  parseRevocation,
  type RevocationContext,
  signRevocation,
  type VerifiedRevocation,
  verifyRevocation,
} from './revocation.js';
export {
  coversScope,
  decodeScopeValue,
  encodeScopeValue,
  formatScope,
  parseScope,
  type Scope,
  type ScopeRoot,
  type ScopeUse,
} from './scope.js';
export type { SignatureJob, SignatureVerifier } from './signatures.js';
export { checkUse, type RevocationCheck } from './steps.js';
export { type NormalUrl, normalUrl } from './url.js';
export type { VerifiedCapability } from './verified.js';
export {
  checkInForce,
  type VerifyAsOfContext,
  type VerifyContext,
  verifyCapability,
  verifyCapabilityAsOf,
} from './verify.js';
export type { ArgumentsMemo } from './where/memo.js';
