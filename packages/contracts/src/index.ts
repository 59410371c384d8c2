export {
  ActionRecord,
  AddressHash,
  AuditEvent,
  Commitment,
  CredentialRecord,
  type DecisionEvent,
  Disclosure,
  type DraftedEvent,
  EVENTS,
  type EventDraft,
  type EventDraftOf,
  type EventOf,
  EventPrincipal,
  type EventType,
  MAX_EVENT_BYTES,
  type OutcomeEvent,
} from './audit.js';
export {
  CAPABILITY_TYP,
  CapabilityClaims,
  CHAIN_LIMITS,
  Cost,
  Grant,
  IssueCapabilityAnswer,
  IssueCapabilityRequest,
  Item,
  Jti,
  Limit,
  MAX_ITEM_SCOPE,
  Ops,
  REVOCATION_TYP,
  RevocationClaims,
  RevokeAnswer,
  RevokedBy,
  RevokeRequest,
  Scope,
  TrustAnchor,
} from './capability.js';
export {
  type Checker,
  createChecker,
  createTaggedChecker,
} from './check.js';
export {
  CONSTRAINTS,
  Constraint,
  type ConstraintOp,
} from './constraint.js';
export {
  Arguments,
  AuthorizeAnswer,
  AuthorizeRequest,
  Decision,
  DecisionCodeSchema,
  type Denial,
  Hint,
  McpDenialData,
  ProblemCodeSchema,
  ProblemDetails,
} from './decision.js';
export {
  Identity,
  IdentityKind,
  IdentityPage,
  RegisterIdentityRequest,
} from './identity.js';
export {
  PolicyDocument,
  PolicyLimits,
  ToolServer,
} from './policy.js';
export {
  SERVER_NAME,
  ServerName,
  TOOL_NAME,
  ToolName,
} from './policy-name.js';
export {
  ascii,
  BearerKey,
  Chain,
  CLOSED,
  CompactJws,
  Count,
  CursorText,
  Did,
  DidKey,
  EventId,
  Hash43,
  HexHash,
  JsonPointer,
  LogOrigin,
  MAX_INTEGER,
  Op,
  Positive,
  ReceiptId,
  RequestId,
  RevocationJws,
  SafeInteger,
  Seconds,
  SessionId,
  TenantName,
  Time,
  text,
  Uuidv7,
  utf8Bytes,
} from './primitive.js';
export {
  type DecisionCode,
  PROBLEMS,
  type ProblemCode,
  type ProblemRow,
} from './problem.js';
export {
  DECISION_CODES,
  PROBLEM_CODES,
} from './problem-code.js';
export {
  BUNDLE_TYP,
  Bundle,
  BundleEntry,
  BundleStatementClaims,
  MAX_BUNDLE_BYTES,
  Receipt,
  TrustedLog,
  TrustFile,
  VerifierKey,
} from './receipt.js';
export {
  AnnouncedTools,
  EventPage,
  EventRecord,
  PolicyReloaded,
  RequestRecord,
  WellKnown,
} from './route.js';
export {
  Nonce,
  NonceAnswer,
  OpenSessionAnswer,
  OpenSessionRequest,
  PROOF_TYP,
  ProofClaims,
  SESSION_TYP,
  SessionClaims,
} from './session.js';
export {
  PinnedTool,
  ToolManifest,
  ToolResource,
} from './tool.js';
