import type { DecisionEvent, Item } from '@talosprotocol/contracts';
import { firstOutOfReach } from '../capability/authorize.js';
import { coversScope } from '../capability/scope.js';
import type { VerifiedCapability } from '../capability/verified.js';
import { checkInForce } from '../capability/verify.js';
import { parseTime } from '../encoding/time.js';
import type { BelowRules } from '../revocation/below-rules.js';
import type { Chains, ShownChain } from './chains.js';
import { calledScope, itemsOf } from './decision-form.js';
import type { Endings } from './endings.js';
import { notProven } from './not-proven.js';
import type { Proofs } from './proofs.js';
import type { Sessions } from './sessions.js';

/** What an allowed decision is held against. */
export interface DecisionCheck {
  /** Those logged before it. */
  readonly chains: Chains;
  /** Those opened before it. */
  readonly sessions: Sessions;
  readonly proofs: Proofs;
  /** Unix milliseconds of the revocation, by lid. */
  readonly revoked: ReadonlyMap<string, number>;
  /** Rules below DIDs, each with the Unix milliseconds of its revocation. */
  readonly below: Pick<BelowRules, 'since'>;
  /** Identities that have ended, each with the Unix milliseconds of its end. */
  readonly endings: Pick<Endings, 'since'>;
  /** True if what was not seen before the event at hand does not exist, or would have had to be shown. */
  readonly isClosed: () => boolean;
}

/** What a bundle shows of a decision besides the event. */
export interface ShownDecision {
  /** Opened commitments, by pointer. */
  readonly values: ReadonlyMap<string, unknown>;
  /** `id` of the first decision of those that it goes on from, which used up already what it is made with; else its own. */
  readonly line: string;
}

/** An allowed decision that held. */
export interface CheckedDecision {
  /** The chain it cites, under the policy it names. */
  readonly capability: VerifiedCapability;
  /** True if its items were disclosed and every link was found to allow them; else every link reaches its tool or model. */
  readonly recomputed: boolean;
}

/** A revocation is in force within this time on every node. */
const REVOCATION_MS = 1_000;

/** Checks one allowed decision, whose form was checked, against the chain it cites (AUD-22). Undefined if the chain, or
 *  the opening of the session, lies before the range. The anchor is that of the policy the decision names.
 *  @throws {TrustError} PROOF_NOT_PROVEN | UNTRUSTED_ISSUER | DELEGATION_INVALID | EXPIRED | NOT_YET_VALID | REVOKED |
 *    MALFORMED */
export function checkDecision(
  state: DecisionCheck,
  event: DecisionEvent,
  { values, line }: ShownDecision,
): CheckedDecision | undefined {
  const goesOn = line !== event.id;
  const { kind } = event.credential;
  // It is there in what has the form of an allowed decision.
  const cth = event.credential.cth as string;
  const isSessionKnown = kind !== 'session' || useSession(state, event, { cth, goesOn });
  if (!goesOn) state.proofs.use(event);
  const chain = state.chains.find(cth);
  if (chain === undefined || !isSessionKnown) {
    if (state.isClosed())
      throw notProven('decision', 'the chain or session of an allowed call was never logged');
    return undefined;
  }
  const capability = chain.under(event.policy);
  checkSubject(event, chain);
  checkHolder(event, capability);
  state.proofs.check(event, chain.holder);
  checkMoment(state, parseTime(event.time), capability);
  const recomputed = values.has('/items');
  if (recomputed) for (const item of itemsOf(event, values.get('/items'))) checkItem(capability, item);
  checkReach(event, capability);
  return { capability, recomputed };
}

/** Checks whom a decision is booked on, allowed or denied: the holder of the chain it cites, and the tenant of its
 *  anchor unless its policy has none, which only a denial survives (AUD-22).
 *  @throws {TrustError} PROOF_NOT_PROVEN */
export function checkSubject(event: DecisionEvent, { holder, principal, anchorIn }: ShownChain): void {
  if (event.principal?.sub !== holder || event.principal.prn !== principal)
    throw notProven('decision', 'the call is booked on another subject than its chain names');
  const anchor = anchorIn(event.policy);
  if (anchor !== undefined && event.tenant !== anchor.tenant)
    throw notProven('decision', 'the call is booked on another tenant than its anchor names');
}

function useSession(
  state: DecisionCheck,
  { credential, time }: DecisionEvent,
  { cth, goesOn }: { readonly cth: string; readonly goesOn: boolean },
): boolean {
  // They are there in what has the form of an allowed decision.
  const { sid, seq } = credential as { readonly sid: string; readonly seq: number };
  return state.sessions.use({ sid, seq, cth, goesOn }, parseTime(time));
}

function checkHolder(event: DecisionEvent, { leaf, links }: VerifiedCapability): void {
  if (leaf.claims.invoke === false) throw notProven('decision', 'the holder may delegate, but not act');
  if (event.credential.kind === 'bearer' && leaf.claims.bearer !== true)
    throw notProven('decision', 'a key was accepted that is no bearer key');
  const forUs = links.every(({ claims }) => claims.aud === undefined || claims.aud.includes(event.emitter));
  if (!forUs) throw notProven('decision', 'the capability is for other gateways');
}

function checkMoment(state: DecisionCheck, time: number, capability: VerifiedCapability): void {
  checkInForce(capability, {
    now: Math.floor(time / 1000),
    isRevoked: (lid, index, links) =>
      [state.revoked.get(lid), state.below.since(index, links), state.endings.since(index, links)].some(
        (since) => since !== undefined && time - since > REVOCATION_MS,
      ),
  });
}

/** What stands open of a call, whether its items are disclosed or not: every link has a grant that reaches the tool with an
 *  operation that the call may have had, or that covers the model. All items of a tool that only reads are reads; one that may
 *  write can have been called so that it only read. Every item of a call of a model has its operation. */
function checkReach(event: DecisionEvent, capability: VerifiedCapability): void {
  const { surface, action } = event;
  // Its form was checked: these are there.
  const { server, tool, provider, model, op } = action as Required<DecisionEvent['action']>;
  const named = surface === 'llm' ? { provider, model } : { server, tool };
  const ops = op === undefined || (op === 'write' && surface === 'mcp') ? BOTH : [op];
  const link = firstOutOfReach(capability, { ...named, ops });
  if (link !== undefined)
    throw notProven(
      'decision',
      `link ${link} allows no ${ops.join(' or ')} on ${calledScope(event)}, yet the call was allowed`,
    );
}

const BOTH = ['read', 'write'] as const;

/** Scope and operation only: `where` and `only` look at arguments, which a log does not keep. */
function checkItem({ grants }: VerifiedCapability, { scope, op }: Item): void {
  const link = grants.findIndex(
    (level) => !level.some((grant) => grant.allowsOp(op) && coversScope(grant.scope, scope)),
  );
  if (link >= 0)
    throw notProven('decision', `link ${link} does not allow ${op} on ${scope}, yet the call was allowed`);
}
