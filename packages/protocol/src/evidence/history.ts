import type {
  AuditEvent,
  Cost,
  DecisionEvent,
  EventOf,
  EventPrincipal,
  OutcomeEvent,
} from '@talosprotocol/contracts';
import { verifyRevocationAsOf } from '../capability/revocation.js';
import type { VerifiedCapability } from '../capability/verified.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { parseTime } from '../encoding/time.js';
import { verifyRevocationBelowAsOf } from '../revocation/below.js';
import { type BelowRules, createBelowRules, ruleName } from '../revocation/below-rules.js';
import { type Attempts, createAttempts } from './attempts.js';
import { type Chains, createChains, type ShownChain } from './chains.js';
import { type Costs, checkCurrency, createCosts, type Spending } from './costs.js';
import { checkDecision, checkSubject, type DecisionCheck, type ShownDecision } from './decision-check.js';
import { checkDecisionForm } from './decision-form.js';
import { checkDenials } from './denials.js';
import { createEndings, type Endings } from './endings.js';
import { checkErasure } from './erasure.js';
import { createLimitCounts, type LimitCounts } from './limit-counts.js';
import { notProven } from './not-proven.js';
import { createProofs } from './proofs.js';
import { createPrunings, type Prunings } from './prunings.js';
import { checkRevokerForm } from './revoker-form.js';
import { createSessions, type Sessions } from './sessions.js';
import { createStarts, type Starts } from './starts.js';
import type { Trust } from './trust-file.js';
import { createWrites, type Writes } from './writes.js';

/** What a verifier counts on its way through a bundle. */
export interface HistoryCounts {
  allowed: number;
  denied: number;
  /** Refusals that `denials` events sum up (AUD-88), beside those; and how many of these are booked on nobody. */
  summed: number;
  unbooked: number;
  /** Allowed decisions whose items were recomputed from disclosed items and the chain. */
  recomputed: number;
  /** Allowed decisions whose chain lies before the range: not checked against it. */
  unchecked: number;
  outcomes: number;
  revocations: number;
}

/** A call that a bundle shows in its range, and what became of it. */
export interface ShownCall {
  readonly index: number;
  readonly event: DecisionEvent;
  /** Opened commitments, by pointer. */
  readonly values: ReadonlyMap<string, unknown>;
  /** True if it was held against the chain it cites; of a denial, whom it is booked on. */
  readonly checked: boolean;
  outcome: OutcomeEvent | undefined;
}

/** Checks what events say of each other (AUD-22), in the order of the log. */
export interface History {
  readonly counts: Readonly<HistoryCounts>;
  /** By `cth`. */
  readonly chains: ReadonlyMap<string, ShownChain>;
  /** Those in the range. */
  calls(): readonly ShownCall[];
  /** Refusals in the range that are summed up, by whom they are booked on. */
  readonly summed: ReadonlyMap<string, number>;
  /** What the calls came to, by currency. */
  costs(): Spending[];
  /** `values` are the event's opened commitments by pointer, `index` its place in the log; `inside` says whether that
   *  is in the range, or the event is there because one in the range refers to it.
   *  @throws {TrustError} PROOF_NOT_PROVEN, or the code of the chain that failed */
  follow(event: AuditEvent, values: ReadonlyMap<string, unknown>, index: number, inside: boolean): void;
}

/** What a history is told of the events it will see. */
export interface HistoryOptions {
  /** The first event is the log's first, and none is left out: calls can be recounted. */
  readonly fromStart: boolean;
  /** Whatever an event in the range refers to is shown before it (AUD-54). */
  readonly closed: boolean;
}

interface State extends DecisionCheck {
  readonly trust: Trust;
  readonly crypto: CryptoProvider;
  readonly chains: Chains;
  readonly sessions: Sessions;
  readonly limits: LimitCounts;
  readonly costs: Costs;
  /** Unix milliseconds of the revocation, by lid. */
  readonly revoked: Map<string, number>;
  readonly below: BelowRules;
  readonly endings: Endings;
  /** Allowed decisions that have no outcome yet, by event id. */
  readonly open: Map<string, OpenCall>;
  /** Decisions that have their outcome. */
  readonly closed: Set<string>;
  readonly ids: Set<string>;
  readonly writes: Writes;
  readonly attempts: Attempts;
  readonly starts: Starts;
  readonly prunings: Prunings;
  readonly fromStart: boolean;
  readonly counts: HistoryCounts;
  /** By id of the decision. */
  readonly calls: Map<string, ShownCall>;
  readonly summed: Map<string, number>;
  /** Whether the event at hand is in the range. */
  inside: boolean;
}

interface OpenCall extends Pick<DecisionEvent, 'request' | 'principal' | 'surface'> {
  readonly held: Cost | undefined;
  /** Tells the limits what was not spent of it. */
  readonly giveBack: (unspent: number) => void;
}

/** Starts a history. */
export function createHistory(trust: Trust, crypto: CryptoProvider, options: HistoryOptions): History {
  const { fromStart, closed } = options;
  const chains = createChains(trust, crypto);
  const isClosed = (): boolean => closed && state.inside;
  const state: State = {
    trust,
    crypto,
    chains,
    writes: createWrites(),
    attempts: createAttempts(isClosed),
    starts: createStarts(),
    prunings: createPrunings(),
    sessions: createSessions(chains, crypto, isClosed),
    proofs: createProofs(crypto),
    limits: createLimitCounts(),
    costs: createCosts(),
    revoked: new Map(),
    below: createBelowRules(),
    endings: createEndings(crypto),
    open: new Map(),
    closed: new Set(),
    ids: new Set(),
    fromStart,
    isClosed,
    inside: true,
    calls: new Map(),
    summed: new Map(),
    counts: {
      allowed: 0,
      denied: 0,
      summed: 0,
      unbooked: 0,
      recomputed: 0,
      unchecked: 0,
      outcomes: 0,
      revocations: 0,
    },
  };
  return {
    counts: state.counts,
    chains: chains.shown,
    calls: () => [...state.calls.values()],
    costs: state.costs.totals,
    summed: state.summed,
    follow: (event, values, index, inside) => {
      state.inside = inside;
      state.starts.follow(event, index);
      if (inside && event.type === 'denials') sumUp(state, event);
      followEvent(state, event, values, index);
    },
  };
}

function sumUp({ counts, summed }: State, { principal, count }: EventOf<'denials'>): void {
  // Beyond that a number would not be what it says.
  if (counts.summed + count > Number.MAX_SAFE_INTEGER)
    throw notProven('denials', 'they sum up more refusals than can be counted');
  counts.summed += count;
  if (principal === null) counts.unbooked += count;
  else summed.set(principal.sub, (summed.get(principal.sub) ?? 0) + count);
}

/** Events of subjects; all others are of nobody (AUD-1). */
const HAS_SUBJECT: ReadonlySet<AuditEvent['type']> = new Set([
  'session.opened',
  'decision',
  'outcome',
  'denials',
] as const);

function followEvent(
  state: State,
  event: AuditEvent,
  values: ReadonlyMap<string, unknown>,
  index: number,
): void {
  // A receipt names its event by its id.
  if (state.ids.has(event.id)) throw notProven('id', 'two events have one id');
  state.ids.add(event.id);
  if (event.principal !== null && !HAS_SUBJECT.has(event.type))
    throw notProven('principal', `a ${event.type} event is booked on a subject`);
  if (event.type === 'chain') state.chains.add(event.cth, event.chain);
  else if (event.type === 'capability.issued') followIssued(state, event);
  else if (event.type === 'session.opened') state.sessions.open(event);
  else if (event.type === 'outcome') followOutcome(state, event);
  else if (event.type === 'revocation') followRevocation(state, event);
  else if (event.type === 'revocation.below') followRevocationBelow(state, event);
  else if (event.type === 'identity.rotated' || event.type === 'identity.deactivated')
    state.endings.follow(event);
  else if (event.type === 'disclosures.erased') checkErasure(event);
  else if (event.type === 'denials') checkDenials(event);
  else if (event.type === 'log.pruned') state.prunings.follow(event, index);
  else if (event.type === 'decision') followDecision(state, event, values, index);
}

function followDecision(
  state: State,
  event: DecisionEvent,
  values: ReadonlyMap<string, unknown>,
  index: number,
): void {
  checkDecisionForm(event);
  const line = state.attempts.lineOf(event);
  const checked =
    event.effect === 'allow' ? followAllowed(state, event, { values, line }) : followDenied(state, event);
  if (!state.inside) return;
  state.calls.set(event.id, { index, event, values, checked, outcome: undefined });
}

function followDenied(state: State, event: DecisionEvent): boolean {
  const { cth } = event.credential;
  const chain = cth === undefined ? undefined : state.chains.find(cth);
  if (chain !== undefined) checkSubject(event, chain);
  else if (cth === undefined ? event.principal !== null : state.isClosed())
    throw notProven('decision', 'a denial is booked on a subject that proved nothing');
  if (state.inside) state.counts.denied += 1;
  return cth === undefined || chain !== undefined;
}

function followAllowed(state: State, event: DecisionEvent, shown: ShownDecision): boolean {
  const checked = checkDecision(state, event, shown);
  state.writes.dispatch(event, shown.line);
  if (state.inside) {
    state.counts.allowed += 1;
    if (checked === undefined) state.counts.unchecked += 1;
    else if (checked.recomputed) state.counts.recomputed += 1;
  }
  const { id, request, principal, surface, held } = event;
  state.costs.hold(held);
  const giveBack = checked === undefined ? KEEP : countLimits(state, event, checked.capability);
  state.open.set(id, { request, principal, surface, held, giveBack });
  return checked !== undefined;
}

const KEEP = (): void => undefined;

function countLimits(
  { limits, fromStart }: State,
  event: DecisionEvent,
  capability: VerifiedCapability,
): OpenCall['giveBack'] {
  checkCurrency(event, capability);
  return fromStart ? limits.count(capability, event.held) : KEEP;
}

function followOutcome(state: State, event: OutcomeEvent): void {
  const call = state.open.get(event.decision);
  if (state.closed.has(event.decision)) throw notProven('outcome', 'a second one of the same decision');
  if (call === undefined && state.isClosed()) {
    throw notProven('outcome', 'the outcome of no allowed decision');
  }
  if (call !== undefined && call.request !== event.request)
    throw notProven('outcome', 'the outcome names another request than its decision');
  if (call !== undefined && !isSamePrincipal(event.principal, call.principal))
    throw notProven('outcome', 'the outcome is booked on another subject than its decision');
  state.attempts.end(event);
  const unspent = state.costs.settle(event, call ?? null);
  call?.giveBack(unspent);
  state.open.delete(event.decision);
  state.closed.add(event.decision);
  const shown = state.calls.get(event.decision);
  if (shown !== undefined) shown.outcome = event;
  if (state.inside) state.counts.outcomes += 1;
}

function isSamePrincipal(one: EventPrincipal | null, other: EventPrincipal | null): boolean {
  return one?.sub === other?.sub && one?.prn === other?.prn;
}

function followIssued({ chains, isClosed }: State, { cth, lid }: EventOf<'capability.issued'>): void {
  const chain = chains.find(cth);
  if (chain === undefined ? isClosed() : chain.leaf.lid !== lid)
    throw notProven(
      'capability',
      'a capability was issued under a chain that is another or was never logged',
    );
}

/** A signed revocation says itself who revoked what; one without signature is the administrator's. */
function checkRevoker({ trust, crypto }: State, event: EventOf<'revocation'>): void {
  const { lid, by, revocation, time } = event;
  checkRevokerForm(event);
  if (revocation === null) return;
  const proof = verifyRevocationAsOf(revocation, {
    time: parseTime(time) / 1000,
    anchors: trust.all,
    crypto,
  });
  if (proof.lid !== lid || proof.by !== by)
    throw notProven('revocation', 'the signed revocation says something else');
}

function followRevocation(state: State, event: EventOf<'revocation'>): void {
  checkRevoker(state, event);
  if (!state.revoked.has(event.lid)) state.revoked.set(event.lid, parseTime(event.time));
  state.counts.revocations += 1;
}

function followRevocationBelow(state: State, event: EventOf<'revocation.below'>): void {
  const { below, as, point, time } = event;
  checkRevokerForm(event);
  checkRuleSigner(state, event);
  state.below.add({ below, as, point }, parseTime(time));
  state.counts.revocations += 1;
}

function checkRuleSigner({ trust, crypto }: State, event: EventOf<'revocation.below'>): void {
  const { below, as, point, by, revocation, time } = event;
  if (revocation === null) return;
  const proof = verifyRevocationBelowAsOf(revocation, {
    time: parseTime(time) / 1000,
    anchors: trust.all,
    crypto,
  });
  if (ruleName(proof.rule) !== ruleName({ below, as, point }) || proof.by !== by)
    throw notProven('revocation', 'the signed revocation says something else');
}
