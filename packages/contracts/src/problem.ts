/** The error table: every code Talos answers with, its HTTP status, whether trying again can help, and a
 *  title that is safe to show to anyone. Codes are API: they are added, never renamed (spec PROBLEM-1).
 *  `decision` marks the codes a decision may carry (PROTOCOL 5); the others are transport or operator errors. */
export const PROBLEMS = {
  NO_CAPABILITY: { status: 401, retryable: false, decision: true, title: 'No capability was presented' },
  MALFORMED: {
    status: 400,
    retryable: false,
    decision: true,
    title: 'The request or credential is malformed',
  },
  SIGNATURE_INVALID: { status: 401, retryable: false, decision: true, title: 'A signature does not verify' },
  PROOF_INVALID: {
    status: 401,
    retryable: false,
    decision: true,
    title: 'Possession of the key was not proven',
  },
  EXPIRED: { status: 401, retryable: false, decision: true, title: 'A link of the capability has expired' },
  NOT_YET_VALID: {
    status: 401,
    retryable: true,
    decision: true,
    title: 'A link of the capability is not valid yet',
  },
  REVOKED: { status: 401, retryable: false, decision: true, title: 'A link of the capability was revoked' },
  UNTRUSTED_ISSUER: {
    status: 401,
    retryable: false,
    decision: true,
    title: 'The root issuer is not a trust anchor',
  },
  AUDIENCE_MISMATCH: {
    status: 401,
    retryable: false,
    decision: true,
    title: 'The capability is for another gateway',
  },
  DELEGATION_INVALID: {
    status: 401,
    retryable: false,
    decision: true,
    title: 'A link does not follow from its parent',
  },
  SCOPE_MISMATCH: {
    status: 403,
    retryable: false,
    decision: true,
    title: 'No grant covers what the call needs',
  },
  CONSTRAINT_VIOLATED: {
    status: 403,
    retryable: false,
    decision: true,
    title: 'An argument breaks a constraint of the grant',
  },
  UNKNOWN_TOOL: { status: 404, retryable: false, decision: true, title: 'The tool is not known here' },
  UNKNOWN_MODEL: { status: 404, retryable: false, decision: true, title: 'The model is not known here' },
  TOOL_CHANGED: {
    status: 403,
    retryable: false,
    decision: true,
    title: 'The tool is not the one that was pinned',
  },
  APPROVAL_REQUIRED: {
    status: 403,
    retryable: false,
    decision: true,
    title: 'A person must approve this call',
  },
  REPLAY: { status: 409, retryable: false, decision: true, title: 'The request was seen before' },
  SESSION_UNKNOWN: {
    status: 401,
    retryable: true,
    decision: true,
    title: 'The session is not known; open another',
  },
  SESSION_ELSEWHERE: {
    status: 401,
    retryable: true,
    decision: true,
    title: 'The node that held the session is gone',
  },
  IN_PROGRESS: { status: 409, retryable: true, decision: true, title: 'The same call is still running' },
  BUDGET_EXCEEDED: {
    status: 402,
    retryable: false,
    decision: true,
    title: 'A limit of the capability is used up',
  },
  RATE_LIMITED: { status: 429, retryable: true, decision: true, title: 'Too many requests' },
  POLICY_DENIED: {
    status: 403,
    retryable: false,
    decision: true,
    title: 'A policy of this gateway refuses the call',
  },
  CONTENT_REFUSED: {
    status: 403,
    retryable: false,
    decision: true,
    title: 'A guard refuses what is said',
  },
  UNAVAILABLE: {
    status: 503,
    retryable: true,
    decision: true,
    title: 'A part this answer needs is not available',
  },

  UNAUTHENTICATED: {
    status: 401,
    retryable: false,
    decision: false,
    title: 'The caller does not show who it is',
  },
  FORBIDDEN: { status: 403, retryable: false, decision: false, title: 'This is not permitted' },
  NOT_FOUND: { status: 404, retryable: false, decision: false, title: 'There is nothing here' },
  PRUNED: {
    status: 410,
    retryable: false,
    decision: false,
    title: 'The body was pruned; what was proven of it stays proven',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    retryable: false,
    decision: false,
    title: 'The method is not served on this route',
  },
  CONFLICT: { status: 409, retryable: false, decision: false, title: 'The state does not allow this' },
  TOO_LARGE: { status: 413, retryable: false, decision: false, title: 'The request is too large' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    retryable: false,
    decision: false,
    title: 'The content type is not accepted',
  },
  HOST_REFUSED: {
    status: 421,
    retryable: false,
    decision: false,
    title: 'This host name is not served here',
  },
  ORIGIN_REFUSED: {
    status: 403,
    retryable: false,
    decision: false,
    title: 'Requests from this origin are refused',
  },
  TIMEOUT: { status: 408, retryable: true, decision: false, title: 'The request took too long to arrive' },
  UPSTREAM_FAILED: {
    status: 502,
    retryable: true,
    decision: false,
    title: 'The upstream did not answer properly',
  },
  DISK_FULL: {
    status: 503,
    retryable: true,
    decision: false,
    title: 'Free disk is below the reserve; writes are refused',
  },
  LOG_CORRUPT: {
    status: 503,
    retryable: false,
    decision: false,
    title: 'The log contradicts its last checkpoint',
  },
  PROOF_NOT_PROVEN: {
    status: 422,
    retryable: false,
    decision: false,
    title: 'The evidence does not prove what it claims',
  },
  SETTINGS_INVALID: { status: 500, retryable: false, decision: false, title: 'A setting is wrong' },
  INTERNAL: { status: 500, retryable: false, decision: false, title: 'Something failed on our side' },
} as const satisfies Record<string, ProblemRow>;

/** One row of the error table. */
export interface ProblemRow {
  readonly status: number;
  readonly retryable: boolean;
  readonly decision: boolean;
  readonly title: string;
}

/** Every code of the error table. */
export type ProblemCode = keyof typeof PROBLEMS;

/** The codes a decision may carry (PROTOCOL 5). */
export type DecisionCode = {
  [K in ProblemCode]: (typeof PROBLEMS)[K]['decision'] extends true ? K : never;
}[ProblemCode];
