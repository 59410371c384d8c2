// What the package offers of its folder session, by name.
export {
  formatTalosAuthorization,
  isTalosAuthorization,
  parseTalosAuthorization,
  type TalosAuthorization,
} from './authorization.js';
export {
  type ExpectedGrant,
  hashProof,
  SESSION_SECONDS,
  signSessionGrant,
  type VerifiedGrant,
  verifySessionGrant,
} from './grant.js';
export {
  type RequestHeaders,
  readRequestHeaders,
  SIGNED_HEADERS,
  type SignedHeaderName,
  type SignedHeaders,
} from './headers.js';
export { deriveSessionKey, type SessionKeyInput } from './key.js';
export {
  type AuthenticatedRequest,
  formatMacInput,
  isSessionMac,
  type MacFields,
  sessionMac,
} from './mac.js';
export { createNonces, NONCE_LIFETIME, type NonceDeps, type Nonces } from './nonce.js';
export {
  type ExpectedProof,
  type ParsedProof,
  PROOF_SKEW,
  type ProofContext,
  parseProof,
  signProof,
  type VerifiedProof,
  verifyProof,
} from './pop.js';
export {
  formatProofAuthorization,
  isProofAuthorization,
  parseProofAuthorization,
} from './proof-authorization.js';
export {
  type ExpectedRequestProof,
  hashSignedHeaders,
  type ParsedRequestProof,
  parseRequestProof,
  signRequestProof,
  verifyProvenBody,
  verifyRequestProof,
} from './proof-request.js';
export { SESSION_BYTES } from './records.js';
export type { NewSession, Session } from './session.js';
export { sessionRefusal } from './session-code.js';
export type { SessionHits } from './session-hits.js';
export { decodeSessionId, encodeSessionId, type SessionId } from './sid.js';
export {
  createSessionTable,
  type SessionTable,
  type SessionTableDeps,
  sessionsWithin,
} from './table.js';
export type { TableBounds } from './table-bounds.js';
export {
  createReplayWindow,
  isWindowWidth,
  type ReplayWindow,
  WINDOW_WIDTHS,
  type WindowVerdict,
  type WindowWidth,
} from './window.js';
