import type { Cost } from '@talosprotocol/contracts';
import { checkOutcomeForm, isTrustError } from '@talosprotocol/protocol';
import { type AuditDraft, chainOf, type DraftPrincipal, uuidOf } from './draft.js';
import { DraftError } from './draft-error.js';
import type { Facet } from './facet.js';

/** What the log knows of what events refer to. */
export interface Bookings {
  /** A chain of the log. */
  chain(cth: string): LoggedChain | undefined;
  /** An allowed decision of the log, by UUID. */
  allowed(decision: string): AllowedDecision | undefined;
}

/** A chain, where it stands and whom it is for. */
export interface LoggedChain {
  readonly at: number;
  readonly holder: DraftPrincipal;
}

/** What an outcome is held against, and found by. */
export interface AllowedDecision {
  /** UUID. */
  readonly request: string;
  readonly principal: DraftPrincipal | null;
  readonly facet: Facet;
  /** What the call was to cost at most; undefined: nothing. */
  readonly held: Cost | undefined;
}

/** What an event refers to. */
export interface Referred {
  readonly chain: LoggedChain | undefined;
  readonly decision: AllowedDecision | undefined;
}

/** Holds what an event says of others against what is in the log before it (AUD-86): the chain it names, the decision it
 *  closes, and that it is booked on their subject and nobody else's. `denials` are the log's own.
 *  @throws {DraftError} MALFORMED: what it names is not there; FORBIDDEN: it is of somebody else */
export function findReferred(draft: AuditDraft, known: Bookings): Referred {
  const chain = chainNamed(draft, known);
  const decision = draft.type === 'outcome' ? decisionClosed(draft, known) : undefined;
  const owner = decision === undefined ? holderOf(draft, chain) : decision.principal;
  if (draft.type !== 'denials' && !isSamePrincipal(draft.principal, owner))
    throw new DraftError('FORBIDDEN', `a ${draft.type} event of another subject than it shows`);
  return { chain, decision };
}

function chainNamed(draft: AuditDraft, known: Bookings): LoggedChain | undefined {
  const cth = chainOf(draft);
  const chain = cth === undefined ? undefined : known.chain(cth);
  if (cth !== undefined && chain === undefined)
    throw new DraftError('MALFORMED', `a ${draft.type} event refers to a chain that was not recorded`);
  return chain;
}

/** Whom an event is booked on: the holder of the chain of a session or a call; of what else names a chain nobody. */
function holderOf({ type }: AuditDraft, chain: LoggedChain | undefined): DraftPrincipal | null {
  return chain === undefined || type === 'capability.issued' ? null : chain.holder;
}

/** An outcome names an allowed decision on the same request (AUD-22). */
function decisionClosed({ members, node }: AuditDraft<'outcome'>, known: Bookings): AllowedDecision {
  const decision = known.allowed(uuidOf(members.decision));
  if (decision === undefined)
    throw new DraftError('MALFORMED', 'an outcome of a decision that was not recorded as allowed');
  if (decision.request !== uuidOf(members.request))
    throw new DraftError('FORBIDDEN', 'an outcome of another request than its decision');
  if (node !== undefined) assertCost(members, decision);
  return decision;
}

/** Of a cost that no verifier takes no bundle is proven any more: one of another node is not believed to follow. */
function assertCost(members: AuditDraft<'outcome'>['members'], { facet, held }: AllowedDecision): void {
  try {
    checkOutcomeForm(members, { surface: facet.surface === 'llm' ? 'llm' : 'mcp', held });
  } catch (cause) {
    if (!isTrustError(cause)) throw cause;
    throw new DraftError('MALFORMED', `an event is not valid: ${cause.data.reason}`, cause);
  }
}

function isSamePrincipal(one: DraftPrincipal | null, other: DraftPrincipal | null): boolean {
  return one?.sub === other?.sub && one?.prn === other?.prn;
}
