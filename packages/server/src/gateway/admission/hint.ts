import type { DecisionCode } from '@talosprotocol/contracts';
import { DECISION_CODES, MAX_ITEM_SCOPE } from '@talosprotocol/contracts';
import { isTrustError, utf8Length } from '@talosprotocol/protocol';

/** A refusal as it is answered and recorded (DEC-1). */
export interface Refusal {
  readonly code: DecisionCode;
  readonly link?: number;
  readonly item?: string;
  readonly caveat?: string;
  readonly hint: string;
}

/** What helps against a code where nothing more is known. */
const HINTS: Readonly<Record<DecisionCode, string>> = {
  NO_CAPABILITY: 'Send Authorization: Bearer with a talos_ key, or open a session and sign the request.',
  MALFORMED: 'Check that the credential was copied whole and the request is of the form the spec states.',
  SIGNATURE_INVALID: 'The chain was altered or signed by another key: get it again from its issuer.',
  PROOF_INVALID: 'Sign with the key the last link names; a bearer key is copied whole, with its seed.',
  EXPIRED: 'Ask the issuer of the link for a new one.',
  NOT_YET_VALID: 'Wait until the link is valid, and check the clock of its issuer.',
  REVOKED: 'Ask the issuer for another capability: this one is refused for ever.',
  UNTRUSTED_ISSUER: "The root's issuer must be an anchor in the operator's policy.",
  AUDIENCE_MISMATCH: 'Ask for a capability whose aud names this gateway.',
  DELEGATION_INVALID:
    'The link does not follow from its parent: ask for one that may be delegated or presented so.',
  SCOPE_MISMATCH: 'Ask the issuer of the link for a grant that covers the item.',
  CONSTRAINT_VIOLATED: 'Change the arguments, or ask the issuer of the link for a grant without the caveat.',
  UNKNOWN_TOOL: 'Call tools/list for the tools that are served here.',
  UNKNOWN_MODEL: 'Ask GET /v1/models for the models that are served here.',
  TOOL_CHANGED: 'The operator must look at the change and confirm it: talos mcp policy suggest.',
  APPROVAL_REQUIRED: 'A person must approve this call first.',
  REPLAY: 'Send each request once; try again with the same rid and a new seq.',
  SESSION_UNKNOWN: 'Open another session.',
  SESSION_ELSEWHERE: 'Open another session.',
  IN_PROGRESS: 'Wait for the first call with this rid.',
  BUDGET_EXCEEDED: 'Ask the issuer of the link for more calls.',
  RATE_LIMITED: 'Send fewer requests.',
  POLICY_DENIED: "The operator's policy refuses this call.",
  CONTENT_REFUSED: 'A guard refuses what the call says: leave it out, or ask the operator.',
  UNAVAILABLE: 'Try again in a moment.',
};

/** Bytes, as in the schema of a denial. */
const MAX = { item: 'write '.length + MAX_ITEM_SCOPE, caveat: 2048, hint: 1024 };

/** Any error while deciding is a refusal (DEC-2). What is no code of a decision is a part that is not available. */
export function toRefusal(error: unknown): Refusal {
  if (!isTrustError(error)) return { code: 'UNAVAILABLE', hint: HINTS.UNAVAILABLE };
  const code = isDecisionCode(error.code) ? error.code : 'UNAVAILABLE';
  const { link, item, caveat, hint, reason } = error.data;
  // Where another error stands behind it, its hint was made for another moment.
  const said =
    code === error.code ? (hint ?? adviceFor(code, reason)) : `${reason ?? error.code}. ${HINTS[code]}`;
  return {
    code,
    ...(link === undefined ? {} : { link }),
    ...(item === undefined ? {} : { item: cut(item, MAX.item) }),
    ...(caveat === undefined ? {} : { caveat: cut(caveat, MAX.caveat) }),
    hint: cut(said, MAX.hint),
  };
}

/** What is malformed is said in so many words: there are a hundred ways to be that. */
function adviceFor(code: DecisionCode, reason: string | undefined): string {
  return code === 'MALFORMED' && reason !== undefined
    ? `What was wrong: ${reason}. ${HINTS[code]}`
    : HINTS[code];
}

function isDecisionCode(code: string): code is DecisionCode {
  return (DECISION_CODES as readonly string[]).includes(code);
}

/** At most so many bytes, ending at a whole character. */
function cut(text: string, maxBytes: number): string {
  if (utf8Length(text) <= maxBytes) return text;
  const bytes = Buffer.from(text).subarray(0, maxBytes - 3);
  return `${bytes.toString('utf8').replace(/\uFFFD+$/, '')}\u2026`;
}
