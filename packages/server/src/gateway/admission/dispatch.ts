import { isTrustError, type JsonObject, TrustError } from '@talosprotocol/protocol';
import { UnsureError } from '../../platform/unsure-error.js';
import type { CallName } from '../store.js';
import type { AdmissionDeps, Call, Prepared } from './call.js';
import type { DecisionFacts } from './drafts.js';
import { type Refusal, toRefusal } from './hint.js';
import { assertLive } from './live.js';
import { Outage, throwOutage } from './outage.js';
import type { OutcomePlace } from './outcomes.js';
import type { Authenticated, CallSpent, DecisionDraft, OutcomeMembers } from './ports.js';

/** What became of a call. */
export type Decided =
  | { kind: 'denied'; refusal: Refusal; receipt?: string }
  | { kind: 'answered'; answer: JsonObject; receipt: string }
  | { kind: 'cancelled'; receipt: string };

/** A call that was allowed, and what it is made with. */
export interface Admitted {
  readonly deps: AdmissionDeps;
  readonly caller: Authenticated;
  readonly call: Call;
  readonly prepared: Prepared;
  readonly facts: DecisionFacts;
  readonly place: OutcomePlace;
  readonly signal: AbortSignal;
}

/** Writes with a rid are claimed first, so that a second try takes nothing from the limits. */
export async function dispatchOnce(admitted: Admitted): Promise<Decided> {
  const { deps, caller, call, facts } = admitted;
  const { rid } = caller.credential;
  if (call.op === 'read' || rid === undefined) return holdAndRun(admitted, undefined);
  const name = { subject: caller.capability.holder, audience: deps.gateway, rid };
  // On the route of one server a request does not name it: the same words to another server are another call.
  const hash = deps.drafts.hash([facts.action.server ?? null, facts.requestHash ?? null]);
  const claim = deps.journal.claim(name, hash, `rcp_${facts.uuid}`);
  const kept = await claim.catch(throwOutage);
  if (kept !== undefined) return { kind: 'answered', ...kept };
  return holdAndRun(admitted, name);
}

async function holdAndRun(admitted: Admitted, name: CallName | undefined): Promise<Decided> {
  const { deps, caller, call, prepared, facts } = admitted;
  let draft: DecisionDraft;
  let recorded: Promise<unknown> | undefined;
  let hold: string | undefined;
  try {
    assertLive(deps, caller, call);
    hold = await deps.ledger.hold(caller.capability, call.cost).catch(throwOutage);
    assertLive(deps, caller, call);
    draft = deps.drafts.decision({
      ...facts,
      pin: prepared.pin,
      forwardedHash: deps.drafts.hash(prepared.forwarded),
      ...(call.cost.cost === undefined ? {} : { held: call.cost.cost }),
    });
    recorded = deps.sink.record(draft).catch(throwOutage);
    if (call.op === 'write') await recorded;
  } catch (error) {
    // Not dispatched: the same rid may be tried again, unless that could give it a second allowed decision. What the log
    // may show as held stays so: else it would show more allowed than the limit does.
    const isUnrecorded = recorded === undefined || wasNotRecorded(error);
    if (isUnrecorded) await settle(deps, hold, { cost: 0, tokens: 0 });
    if (name !== undefined && isUnrecorded) await deps.journal.release(name).catch(() => undefined);
    throw error;
  }
  return run(admitted, draft, recorded, { name, hold });
}

/** A hold that cannot be settled stays spent: nobody gets more than a limit allows by it. */
async function settle(
  { ledger, log }: AdmissionDeps,
  hold: string | undefined,
  spent: CallSpent,
): Promise<void> {
  if (hold === undefined) return;
  await ledger
    .settle(hold, spent)
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
  readonly hold: string | undefined;
}

interface Run {
  readonly status: OutcomeMembers['status'];
  readonly answer: JsonObject;
}

/** Dispatches, answers once the decision is durable, and lets outcome and journal follow. */
async function run(
  admitted: Admitted,
  draft: DecisionDraft,
  recorded: Promise<unknown>,
  { name, hold }: Kept,
): Promise<Decided> {
  const { deps, facts, place } = admitted;
  const receipt = `rcp_${facts.uuid}`;
  // Settles always, so that a record that fails first is not left unhandled.
  const [done, record] = await Promise.all([dispatch(admitted, receipt), settled(recorded)]);
  place.follow(async () => {
    const hash = deps.drafts.hash(done.answer['result'] ?? done.answer['error']);
    if (name !== undefined) await deps.journal.finish(name, done.answer, hash);
    if (record === undefined) await deps.sink.record(deps.drafts.outcome(draft, done.status, hash));
    await settle(deps, hold, {});
  });
  if (record !== undefined) throw record;
  if (done.status === 'cancelled') return { kind: 'cancelled', receipt };
  return { kind: 'answered', answer: done.answer, receipt };
}

async function dispatch({ caller, call, prepared, signal, deps }: Admitted, receipt: string): Promise<Run> {
  try {
    assertLive(deps, caller, call);
    signal.throwIfAborted();
    const answer = await prepared.dispatch(signal);
    assertLive(deps, caller, call);
    return { status: 'completed', answer };
  } catch (error) {
    if (!(error instanceof TrustError)) deps.log.error('a call failed on our side', { err: error });
    const failure = error instanceof TrustError ? error : new TrustError('INTERNAL', 'the call failed');
    const answer = call.failure({ ...toRefusal(failure), code: failure.code }, receipt);
    return { status: statusOf(failure, call), answer };
  }
}

function statusOf(failure: TrustError, { cancelled }: Call): Run['status'] {
  if (failure.code === 'REVOKED') return 'revoked_during';
  return cancelled?.aborted ? 'cancelled' : 'failed';
}

function settled(recorded: Promise<unknown>): Promise<unknown> {
  return recorded.then(
    () => undefined,
    (error: unknown) => error,
  );
}
