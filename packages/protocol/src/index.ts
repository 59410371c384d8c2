// capability
export { type ActionName, type Actions, createActions } from './capability/actions.js';
export {
  type AddressBytes,
  isInBlock,
  isPrivateAddress,
  isPrivateHost,
  parseAddress,
} from './capability/address.js';
export { type Anchor, type Anchors, parseAnchor, parseAnchors } from './capability/anchor.js';
export { type AttenuateOptions, attenuate } from './capability/attenuate.js';
export {
  fromAuthorizationDetails,
  GRANT_DETAIL_TYPE,
  toAuthorizationDetails,
} from './capability/authorization-details.js';
export {
  authorize,
  couldAllow,
  explainLinks,
  firstOutOfReach,
  type ToolReach,
} from './capability/authorize.js';
export {
  type Authorizer,
  type AuthorizerLimits,
  createAuthorizer,
  decideItems,
} from './capability/authorizer.js';
export {
  attenuateBearer,
  attenuateToBearer,
  type BearerKey,
  formatBearerKey,
  issueBearer,
  parseBearerKey,
  splitBearerKey,
  verifyBearer,
} from './capability/bearer.js';
export { describeConstraint, describeOnly } from './capability/caveat.js';
export { type ParsedChain, parseChain } from './capability/chain.js';
export type { CompiledGrant } from './capability/grant.js';
export {
  type CapabilityDescription,
  describeCapability,
  type LinkDescription,
} from './capability/inspect.js';
export { type IssueDeps, type IssueOptions, issueCapability, type LinkOptions } from './capability/issue.js';
export {
  type CheckedItem,
  itemsOfCall,
  itemsOfRealCall,
  joinItems,
  parseItems,
  pathsToResolve,
  type ToolCall,
  withRealPaths,
} from './capability/items.js';
export {
  type CallCost,
  type LimitEntry,
  type LimitKind,
  type LimitTake,
  limitsOf,
  takesOf,
} from './capability/limits.js';
export { type ParsedLink, parseLink } from './capability/link.js';
export { type LintParent, lintAttenuation, lintGrants } from './capability/lint.js';
export { type ParsedManifest, type ParsedResource, parseManifest, toolPin } from './capability/manifest.js';
export { normalPath } from './capability/path.js';
export { findByPointer, type Pointer, parsePointer } from './capability/pointer.js';
export {
  compileProgram,
  FAST_ALLOW,
  FAST_DENY,
  FAST_UNDECIDED,
  type FastDecision,
  type Program,
} from './capability/program.js';
export {
  type ParsedRevocation,
  parseRevocation,
  type RevocationContext,
  signRevocation,
  type VerifiedRevocation,
  verifyRevocation,
} from './capability/revocation.js';
export {
  coversScope,
  decodeScopeValue,
  encodeScopeValue,
  formatScope,
  parseScope,
  type Scope,
  type ScopeRoot,
  type ScopeUse,
} from './capability/scope.js';
export type { SignatureJob, SignatureVerifier } from './capability/signatures.js';
export type { RevocationCheck } from './capability/steps.js';
export { type NormalUrl, normalUrl } from './capability/url.js';
export type { VerifiedCapability } from './capability/verified.js';
export {
  checkInForce,
  type VerifyAsOfContext,
  type VerifyContext,
  verifyCapability,
  verifyCapabilityAsOf,
} from './capability/verify.js';

// crypto
export type { Codec } from './crypto/codec.js';
export { isEd25519PublicKey } from './crypto/ed25519.js';
export { equalBytes } from './crypto/equal.js';
export {
  type JwsHeader,
  type JwsLimits,
  type ParsedJws,
  parseJws,
  type Signer,
  signJws,
  verifyJwsSignature,
} from './crypto/jws.js';
export { type JcsSignature, parseJcs, signJcs, verifyJcs } from './crypto/jws-jcs.js';
export { portableCrypto } from './crypto/portable.js';
export type { CryptoProvider, MacRoom } from './crypto/provider.js';

// encoding
export { decodeBase58, encodeBase58 } from './encoding/base58.js';
export { decodeBase64url, encodeBase64url } from './encoding/base64url.js';
export { type Cursor, compareCursors, decodeCursor, encodeCursor } from './encoding/cursor.js';
export { decodeHex, encodeHex } from './encoding/hex.js';
export { canonicalize } from './encoding/jcs.js';
export {
  isJsonObject,
  type JsonLimits,
  type JsonObject,
  type JsonValue,
  parseJson,
  parseJsonObject,
} from './encoding/json.js';
export { formatTime, parseTime } from './encoding/time.js';
export { decodeUtf8, encodeUtf8, utf8Length } from './encoding/utf8.js';
export { createUuidv7, isUuidv7, uuidv7Time } from './encoding/uuid.js';

// errors
export { isTrustError, TrustError, type TrustErrorData } from './error.js';

// evidence
export { type BundleContent, type ParsedBundle, parseBundle, signBundle } from './evidence/bundle.js';
export { eventBytes, eventHash, openDisclosures, parseEvent } from './evidence/event.js';
export type { HistoryCounts } from './evidence/history.js';
export { createReceipt, parseReceipt, type VerifiedReceipt, verifyReceipt } from './evidence/receipt.js';
export { parseTrustFile, type Trust } from './evidence/trust-file.js';
export {
  type BundleFacts,
  type BundleReport,
  inspectBundle,
  verifyBundle,
} from './evidence/verify-bundle.js';

// HTTP message signatures
export type { HttpRequestMessage } from './http-signature/component.js';
export {
  type ContentDigest,
  parseContentDigest,
  verifyContentDigest,
} from './http-signature/content-digest.js';
export {
  type MessageSignature,
  parseMessageSignatures,
  SIGNATURE_LIMITS,
  type SignatureParameters,
} from './http-signature/message-signature.js';
export {
  type ParsedPossession,
  POSSESSION_SECONDS,
  POSSESSION_TAG,
  parsePossession,
  type SchemelessRequest,
  type VerifiedPossession,
  verifyPossession,
  verifySignedBody,
} from './http-signature/possession.js';
export { formatSignatureBase } from './http-signature/signature-base.js';
export {
  type BareItem,
  type FieldDictionary,
  type FieldItem,
  type FieldMember,
  type InnerList,
  isInnerList,
  type Parameters as FieldParameters,
} from './http-signature/structured-field.js';
export {
  FIELD_LIMITS,
  type FieldParsing,
  parseFieldDictionary,
  parseFieldItem,
  parseFieldList,
} from './http-signature/structured-field-parser.js';
export {
  formatFieldDictionary,
  formatFieldItem,
  formatFieldList,
  formatInnerList,
} from './http-signature/structured-field-text.js';
export {
  type BotIdentity,
  type BotKeyFinder,
  ed25519Thumbprint,
  verifyWebBotAuth,
  WEB_BOT_AUTH_TAG,
} from './http-signature/web-bot-auth.js';

// identity
export {
  type DidHistory,
  type FormerKey,
  type FormerKeys,
  formerKeyFor,
  type RecordedDocument,
  resolveAsOf,
} from './identity/as-of.js';
export { encodeDidKey, encodeMultikey, parseDidKey, parseMultikey } from './identity/did-key.js';
export { type DidKey, type DidKeys, KEY_PURPOSES, type KeyPurpose, keyFor } from './identity/did-keys.js';
export type { DidRecord, DidResource, FetchDid } from './identity/did-record.js';
export { didWebUrl } from './identity/did-web.js';
export { parseDidDocument } from './identity/document.js';
export {
  createDidResolver,
  type DidDirectory,
  type DidResolver,
  type DidResolverDeps,
  didKeyKeys,
} from './identity/resolver.js';
export { createSigner } from './identity/signer.js';
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
} from './identity/statement.js';
export { parseWebvhDid, type WebvhDid, webvhLogUrl, webvhWitnessUrl } from './identity/webvh/did.js';
export {
  type VerifiedWebvhLog,
  verifyWebvhLog,
  type WebvhContext,
  type WebvhFiles,
  type WebvhVersion,
  webvhNeedsWitness,
} from './identity/webvh/log.js';
export type { WebvhParameters, WebvhWitnesses } from './identity/webvh/parameters.js';
export {
  continuesWebvhLog,
  findWebvhVersion,
  type WebvhMark,
  type WebvhQuery,
} from './identity/webvh/version.js';
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
} from './identity/webvh/write.js';

// log
export { decodeBase64, encodeBase64 } from './log/base64.js';
export {
  type Checkpoint,
  formatCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  type TrustedLog,
  type VerifiedCheckpoint,
  verifyCheckpoint,
} from './log/checkpoint.js';
export { commit, disclose, openCommitment } from './log/commitment.js';
export {
  type CompactTree,
  createCompactTree,
  EMPTY_FRONTIER,
  type Frontier,
  type OnNode,
  rootOf,
} from './log/compact-tree.js';
export { createTreeHasher, HASH_BYTES, type Sha256, type TreeHasher } from './log/hash.js';
export {
  EMPTY_EDGE,
  edgeRoot,
  growLog,
  type LogEdge,
  type LogGrowth,
  restoreEdge,
  type TileWrite,
} from './log/log-edge.js';
export {
  formatNote,
  MAX_NOTE_LENGTH,
  MAX_NOTE_SIGNATURES,
  type Note,
  type NoteSignature,
  parseNote,
  signNote,
  type VerifiedNote,
  verifyNote,
} from './log/note.js';
export {
  createNoteSigner,
  createNoteVerifier,
  formatVerifierKey,
  type NoteCrypto,
  type NoteSigner,
  type NoteVerifier,
  parseVerifierKey,
  type VerifierKey,
} from './log/note-key.js';
export { makeProof, type ProofPlan, planConsistency, planInclusion } from './log/proof.js';
export {
  type ConsistencyClaim,
  type InclusionClaim,
  verifyConsistency,
  verifyInclusion,
} from './log/proof-check.js';
export {
  frontierAt,
  type HashReader,
  type NodeId,
  planFrontier,
  planRange,
  rangeRoot,
  rootAt,
} from './log/range.js';
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
} from './log/tile.js';
export { createTileReader, type LoadedTile, tilesForNodes } from './log/tile-reader.js';
export {
  formatTlogProof,
  parseTlogProof,
  type TlogProof,
  type VerifiedInclusion,
  verifyTlogProof,
} from './log/tlog-proof.js';

// rbac
export {
  type AccessPolicy,
  type AccessQuestion,
  decideAccess,
  findLack,
  GLOBAL,
  hasAnywhere,
} from './rbac/access.js';
export { BUILT_IN_ROLES } from './rbac/built-in-roles.js';
export { subjectKey } from './rbac/subject.js';

// revocation
export {
  type BelowOptions,
  isRevocationBelow,
  type ParsedRevocationBelow,
  parseRevocationBelow,
  signRevocationBelow,
  type VerifiedRevocationBelow,
  verifyRevocationBelow,
} from './revocation/below.js';
export { type BelowRules, createBelowRules, ruleName } from './revocation/below-rules.js';
export {
  type FeedEntry,
  type FeedHead,
  type FeedHeartbeat,
  hashFeedItems,
  parseFeedEntry,
  parseFeedHeartbeat,
  parseFeedSnapshot,
  signFeedEntry,
  signFeedHeartbeat,
  signFeedSnapshot,
} from './revocation/feed.js';
export {
  createFeedReader,
  type FeedFault,
  type FeedReader,
  type FeedReaderDeps,
  SILENCE_MS,
} from './revocation/feed-reader.js';
export {
  createStatusList,
  decodeStatusList,
  encodeStatusList,
  parseStatusListToken,
  type StatusList,
  signStatusListToken,
} from './revocation/status-list.js';

// session
export {
  formatTalosAuthorization,
  isTalosAuthorization,
  parseTalosAuthorization,
  type TalosAuthorization,
} from './session/authorization.js';
export {
  type ExpectedGrant,
  hashProof,
  SESSION_SECONDS,
  signSessionGrant,
  type VerifiedGrant,
  verifySessionGrant,
} from './session/grant.js';
export {
  type RequestHeaders,
  readRequestHeaders,
  SIGNED_HEADERS,
  type SignedHeaderName,
  type SignedHeaders,
} from './session/headers.js';
export { deriveSessionKey, type SessionKeyInput } from './session/key.js';
export {
  type AuthenticatedRequest,
  formatMacInput,
  isSessionMac,
  type MacFields,
  sessionMac,
} from './session/mac.js';
export { createNonces, NONCE_LIFETIME, type NonceDeps, type Nonces } from './session/nonce.js';
export {
  type ExpectedProof,
  type ParsedProof,
  PROOF_SKEW,
  type ProofContext,
  parseProof,
  signProof,
  type VerifiedProof,
  verifyProof,
} from './session/pop.js';
export {
  formatProofAuthorization,
  isProofAuthorization,
  parseProofAuthorization,
} from './session/proof-authorization.js';
export {
  type ExpectedRequestProof,
  hashSignedHeaders,
  type ParsedRequestProof,
  parseRequestProof,
  signRequestProof,
  verifyProvenBody,
  verifyRequestProof,
} from './session/proof-request.js';
export { SESSION_BYTES } from './session/records.js';
export type { NewSession, Session } from './session/session.js';
export { sessionRefusal } from './session/session-code.js';
export type { SessionHits } from './session/session-hits.js';
export { decodeSessionId, encodeSessionId, type SessionId } from './session/sid.js';
export {
  createSessionTable,
  type SessionTable,
  type SessionTableDeps,
  sessionsWithin,
} from './session/table.js';
export type { TableBounds } from './session/table-bounds.js';
export {
  createReplayWindow,
  isWindowWidth,
  type ReplayWindow,
  WINDOW_WIDTHS,
  type WindowVerdict,
  type WindowWidth,
} from './session/window.js';
