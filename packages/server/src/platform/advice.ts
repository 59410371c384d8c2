import type { DecisionCode } from '@talosprotocol/contracts';
import { utf8Length } from '@talosprotocol/protocol';

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

/** What helps against a refusal that brings no advice of its own. What is malformed is said in so many words: there are a
 *  hundred ways to be that. */
export function adviceOn(code: DecisionCode, reason?: string): string {
  return code === 'MALFORMED' && reason !== undefined
    ? `What was wrong: ${reason}. ${HINTS[code]}`
    : HINTS[code];
}

/** At most so many bytes, ending at a whole character. */
export function cut(text: string, maxBytes: number): string {
  if (utf8Length(text) <= maxBytes) return text;
  const bytes = Buffer.from(text).subarray(0, maxBytes - 3);
  return `${bytes.toString('utf8').replace(/\uFFFD+$/, '')}\u2026`;
}
