import { isTrustError, modelCost, TrustError } from '@talosprotocol/protocol';
import { UnsureError } from '../../platform/unsure-error.js';
import type { BudgetedCall } from '../budgets/budget.js';
import type { BudgetWarning } from '../budgets/take.js';
import { takesOfBudgets } from '../budgets/takes.js';
import type { RateReport } from '../limits/report.js';
import type { CallName } from '../store.js';
import type { AdmissionDeps, Call, Dispatched, Prepared } from './call.js';
import type { DecisionFacts } from './drafts.js';
import type { Ended } from './ended.js';
import { createHandover, type Handover } from './handover.js';
import { type Refusal, toRefusal } from './hint.js';
import { assertLive, assertRecordable } from './live.js';
import { Outage, throwOutage } from './outage.js';
import type { OutcomePlace } from './outcomes.js';
import type { Authenticated, CallHold, CallSpent, DecisionDraft } from './ports.js';
import type { CallWatch } from './watch.js';

export interface Denied {
  readonly kind: 'denied';
  readonly refusal: Refusal;
  readonly receipt?: string;
  readonly rates?: RateReport;
}

/** What became of a call. `end` is a promise while its answer goes out bit by bit. */
export type Decided<A> =
  | Denied
  | {
      readonly kind: 'answered';
      readonly answer: A;
      readonly receipt: string;
      readonly end: Ended | Promise<Ended>;
      /** Budgets that are used up to a mark. */
      readonly warnings?: readonly BudgetWarning[];
      /** True if it says that there is no answer. */
      readonly isFailure?: boolean;
      /** True if the same call may be made of another target, which may have one. */
      readonly isForAnother?: boolean;
      /** Under its rid, where another target may have an answer. To be ended once none is asked any more. */
      readonly handover?: Handover;
      /** Nobody gets the answer: it is read to its end for its count. Absent if nothing is left to read. */
      readonly readOn?: () => void;
      readonly rates?: RateReport;
    }
  | { readonly kind: 'cancelled'; readonly receipt: string; readonly rates?: RateReport };

/** Of a call that reached nothing. */
export const NOTHING_SPENT: Ended = { status: 'failed', spent: { usage: { input: 0, output: 0 } } };

/** What is known of a call, and who watches it. */
export interface CallFacts
  extends Omit<DecisionFacts, 'items' | 'guards' | 'forwardedHash' | 'pin' | 'prices' | 'held'> {
  readonly watch: CallWatch;
  /** The rid under which an earlier call of the request was dispatched, from which this one goes on. */
  readonly handover?: Handover;
}

/** The same with what the call needs. */
export type ExaminedFacts = CallFacts & Pick<DecisionFacts, 'items'>;

/** A call that was allowed, and what it is made with. */
export interface Admitted<A> {
  readonly deps: AdmissionDeps;
  readonly caller: Authenticated;
  readonly call: Call<A>;
  readonly prepared: Prepared<A>;
  readonly facts: ExaminedFacts;
  readonly place: OutcomePlace;
  readonly signal: AbortSignal;
}

/** Writes with a rid are claimed first, so that a second try takes nothing from the limits. */
export async function dispatchOnce<A>(admitted: Admitted<A>): Promise<Decided<A>> {
  const { deps, caller, call, facts } = admitted;
  const { rid } = caller.credential;
  if (call.op === 'read' || rid === undefined) return holdAndRun(admitted, undefined);
  if (facts.handover !== undefined) return holdAndRun(admitted, facts.handover.name);
  const name = { subject: caller.capability.holder, audience: deps.gateway, rid };
  // On the route of one server, or of one protocol of models, a request does not name it: the same words on another are another call.
  const { server = null, method } = facts.action;
  const { besides = [] } = call;
  const said = [server, method, facts.requestHash ?? null];
  const hash = deps.drafts.hash(besides.length === 0 ? said : [...said, besides]);
  const claim = deps.journal.claim(name, hash, `rcp_${facts.uuid}`);
  const kept = await claim.catch(throwOutage);
  if (kept === undefined) return holdAndRun(admitted, name);
  const answer = call.kept.answer(kept.answer);
  return { kind: 'answered', receipt: kept.receipt, answer, end: NOTHING_SPENT };
}

async function holdAndRun<A>(admitted: Admitted<A>, name: CallName | undefined): Promise<Decided<A>> {
  const { deps, caller, call, prepared, facts } = admitted;
  let draft: DecisionDraft;
  let recorded: Promise<unknown> | undefined;
  let hold: CallHold | undefined;
  try {
    assertLive(deps, caller, call);
    const budgets = takesOfBudgets(
      deps.policy().budgets,
      budgetedCall(admitted),
      call.cost,
      deps.clock.now(),
    );
    hold = await deps.ledger.hold(caller.capability, call.cost, budgets).catch(throwOutage);
    assertLive(deps, caller, call);
    assertRecordable(deps, caller);
    draft = deps.drafts.decision({
      guards: call.verdicts?.(),
      forwardedHash: deps.drafts.hashRequest(prepared.forwarded),
      ...facts,
      ...(prepared.pin === undefined ? {} : { pin: prepared.pin }),
      ...(prepared.prices === undefined ? {} : { prices: prepared.prices }),
      ...(call.cost.cost === undefined ? {} : { held: call.cost.cost }),
    });
    recorded = deps.sink.record(draft).catch(throwOutage);
    if (call.recordedFirst) await recorded;
  } catch (error) {
    // Not dispatched: the same rid may be tried again, unless that could give it a second allowed decision. What the log
    // may show as held stays so: else it would show more allowed than the limit does.
    const isUnrecorded = recorded === undefined || wasNotRecorded(error);
    if (isUnrecorded) await settle(deps, hold, { cost: 0, tokens: 0 });
    if (name !== undefined && isUnrecorded && facts.handover === undefined)
      await deps.journal.release(name).catch(() => undefined);
    throw error;
  }
  return run(admitted, draft, recorded, { name, hold });
}

function budgetedCall({
  caller: { capability },
  call: { action },
  facts: { surface },
}: Admitted<unknown>): BudgetedCall {
  const { provider, model, server } = action;
  const named = provider === undefined || model === undefined ? undefined : `${provider}/${model}`;
  return { surface, capability, model: named, server };
}

/** A hold that cannot be settled stays spent: nobody gets more than a limit allows by it. */
async function settle(
  { log }: AdmissionDeps,
  hold: CallHold | undefined,
  spent: CallSpent,
  after?: Promise<unknown>,
): Promise<void> {
  await hold
    ?.settle(spent, after)
    .catch((error: unknown) => log.warn('a hold was not settled', { err: error }));
}

/** False while nobody knows whether the decision is in the log. */
function wasNotRecorded(error: unknown): boolean {
  const cause = error instanceof Outage ? error.cause : error;
  return isTrustError(cause) && !(cause instanceof UnsureError);
}

/** What is kept of a call elsewhere until its outcome is known. */
interface Kept {
  readonly name: CallName | undefined;
  readonly hold: CallHold | undefined;
}

/** Dispatches, answers once the decision is durable, and lets outcome and journal follow. */
async function run<A>(
  admitted: Admitted<A>,
  draft: DecisionDraft,
  recorded: Promise<unknown>,
  { name, hold }: Kept,
): Promise<Decided<A>> {
  const { deps, call, facts, place } = admitted;
  facts.handover?.take();
  const receipt = `rcp_${facts.uuid}`;
  // Settles always, so that a record that fails first is not left unhandled.
  const decided = { receipt, action: facts.action };
  const dispatched = facts.watch.follows(decided, dispatch(admitted, receipt));
  const [done, record] = await Promise.all([dispatched, settled(recorded)]);
  const handover =
    name !== undefined && record === undefined && done.isForAnother === true
      ? createHandover(name)
      : undefined;
  place.follow(async () => {
    const end = await done.end;
    const { form, hash } = call.kept.of(done.answer, deps.drafts.hash);
    const keep = async () => name && deps.journal.finish(name, receipt, form, hash);
    const keepAndRecord = async (): Promise<void> => {
      if (handover === undefined) await keep();
      if (record === undefined) await deps.sink.record(deps.drafts.outcome(draft, end, hash));
    };
    const after = keepAndRecord();
    await Promise.all([after, settle(deps, hold, spentOf(end), after)]);
    if (handover !== undefined && !(await handover.isTaken)) await keep();
  });
  if (record !== undefined) {
    done.abandon?.();
    throw record;
  }
  if (!(done.end instanceof Promise) && done.end.status === 'cancelled')
    return { kind: 'cancelled', receipt };
  const warnings = hold === undefined || hold.warnings.length === 0 ? {} : { warnings: hold.warnings };
  return {
    kind: 'answered',
    answer: done.answer,
    receipt,
    end: done.end,
    ...warnings,
    isFailure: done.isFailure === true,
    isForAnother: done.isForAnother === true,
    ...(handover && { handover }),
    ...(done.readOn && { readOn: done.readOn }),
  };
}

/** Of a tool what was held is spent (DEC-8), of a model what its provider counted (AUD-126). */
export function spentOf({ spent }: Ended): CallSpent {
  if (spent === undefined) return {};
  const { usage, rates } = spent;
  const tokens = usage.input + usage.output;
  if (rates !== undefined) return { tokens, cost: modelCost(usage, rates) };
  // Where nothing was read and written nothing is to be paid, whatever the price; else what was held is.
  return tokens === 0 ? { tokens, cost: 0 } : { tokens };
}

/** Of an answer that is all there. */
const WHOLE: Ended = { status: 'completed' };

type Done<A> = Omit<Dispatched<A>, 'ended'> & { readonly end: Ended | Promise<Ended> };

async function dispatch<A>(admitted: Admitted<A>, receipt: string): Promise<Done<A>> {
  const { caller, call, prepared, signal, deps } = admitted;
  let begun: Dispatched<A> | undefined;
  try {
    assertLive(deps, caller, call);
    signal.throwIfAborted();
    begun = await prepared.dispatch(signal);
    assertLive(deps, caller, call);
    const { ended, ...rest } = begun;
    return { end: ended ?? WHOLE, ...rest };
  } catch (error) {
    begun?.abandon?.();
    if (!(error instanceof TrustError)) deps.log.error('a call failed on our side', { err: error });
    const failure = error instanceof TrustError ? error : new TrustError('INTERNAL', 'the call failed');
    const answer = call.failure({ ...toRefusal(failure), code: failure.code }, receipt);
    return { answer, end: await endOf(failure, call, begun), isFailure: true };
  }
}

/** What was begun has come to something, though nobody gets it. */
async function endOf<A>(
  failure: TrustError,
  call: Call<A>,
  begun: Dispatched<A> | undefined,
): Promise<Ended> {
  const { spent, guards } = (await begun?.ended) ?? {};
  const { code } = failure;
  return { status: statusOf(failure, call), code, ...(spent && { spent }), ...(guards && { guards }) };
}

function statusOf(failure: TrustError, { cancelled }: Call<unknown>): Ended['status'] {
  if (failure.code === 'REVOKED') return 'revoked_during';
  return cancelled?.aborted ? 'cancelled' : 'failed';
}

function settled(recorded: Promise<unknown>): Promise<unknown> {
  return recorded.then(
    () => undefined,
    (error: unknown) => error,
  );
}
