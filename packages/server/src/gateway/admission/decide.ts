import { type CheckedItem, type JsonObject, joinItems, TrustError } from '@talosprotocol/protocol';
import type { RateTicket } from '../limits/gate.js';
import type { RatedCall } from '../limits/rules.js';
import { principalOf } from '../principal.js';
import type { AdmissionDeps, Call, Prepared, RealCall } from './call.js';
import {
  type CallFacts,
  type Decided,
  type Denied,
  dispatchOnce,
  type ExaminedFacts,
  NOTHING_SPENT,
  spentOf,
} from './dispatch.js';
import type { DecisionFacts } from './drafts.js';
import type { Ended } from './ended.js';
import { type Attempt, askHedged } from './hedge.js';
import { type Refusal, toRefusal } from './hint.js';
import { assertLive, watch } from './live.js';
import { Outage } from './outage.js';
import type { Authenticated } from './ports.js';

/** Decides a call of a verified caller and, if it is allowed, makes it; where its target has no answer and another may, the
 *  same of that. Throws only where nothing could be recorded: UNAVAILABLE, DISK_FULL, INTERNAL. */
export async function decide<A>(
  deps: AdmissionDeps,
  caller: Authenticated,
  call: Call<A>,
  facts: CallFacts,
): Promise<Decided<A>> {
  const { decided, ...attempt } = await askHedged(
    { call, facts },
    {
      ask: (asked) => decideOne(deps, caller, asked.call, asked.facts),
      next: (late) => nextAfter(deps, late),
      log: deps.log,
    },
  );
  if (decided.kind !== 'answered' || decided.isForAnother !== true) return decided;
  const { handover } = decided;
  try {
    const next = nextAfter(deps, attempt);
    if (next === undefined) return decided;
    return await decide(deps, caller, next.call, { ...next.facts, ...(handover && { handover }) });
  } finally {
    handover?.end();
  }
}

/** The same call of the next target. It was chosen by the policy that was in force at first: under another one it is not made. */
function nextAfter<A>(
  { policy, drafts }: AdmissionDeps,
  { call, facts }: Attempt<A>,
): Attempt<A> | undefined {
  if (policy().hash !== facts.policy) return undefined;
  const instead = call.instead?.();
  // A key is shown again with each call; what is for one dispatch is for those that go on from it (AUD-128).
  const after = facts.credential.kind === 'bearer' ? undefined : facts.uuid;
  return (
    instead && { call: instead, facts: { ...facts, uuid: drafts.uuid(), action: instead.action, after } }
  );
}

/** Whatever goes wrong on the way to the dispatch is a denial (DEC-2); it is recorded before it is answered. */
async function decideOne<A>(
  deps: AdmissionDeps,
  caller: Authenticated,
  call: Call<A>,
  facts: CallFacts,
): Promise<Decided<A>> {
  facts.watch.decides(facts, call);
  deps.sink.assertAccepting(call.op);
  const place = deps.outcomes.reserve();
  const revocation = watch(caller, call);
  let known: ExaminedFacts = facts;
  let prepared: Prepared<A> | undefined;
  let ticket: RateTicket | undefined;
  let end: Ended | Promise<Ended> = UNKNOWN_END;
  const close = (ended: Ended): void => {
    revocation.end();
    prepared?.release();
    place.giveBack();
    ticket?.end(spentOf(ended).tokens);
  };
  try {
    known = { items: await allowedItems(deps, caller, call), ...facts };
    assertLive(deps, caller, call);
    const { rates } = deps.policy();
    if (rates.length > 0) {
      ticket = await deps.rates.take(rates, ratedCall(caller, call, facts), facts.uuid);
      if (ticket.refusal !== undefined) throw ticket.refusal;
      assertLive(deps, caller, call);
    }
    prepared = await call.prepare(revocation.signal);
    assertLive(deps, caller, call);
    const admitted = { deps, caller, call, prepared, facts: known, place, signal: revocation.signal };
    const decided = await dispatchOnce(admitted);
    if (decided.kind === 'answered') end = decided.end;
    return withRates(decided, ticket);
  } catch (error) {
    if (error instanceof Outage) throw error.cause;
    end = NOTHING_SPENT;
    return withRates(
      await deny(deps, {
        ...known,
        guards: call.verdicts?.(),
        refusal: toRefusal(revocation.reason() ?? error),
      }),
      ticket,
    );
  } finally {
    // What goes out bit by bit is watched, and keeps what it is made with, until its last bit.
    if (end instanceof Promise) void end.then(close);
    else close(end);
  }
}

/** Of a call of which nobody can say what it came to: what was taken for it is gone. */
const UNKNOWN_END: Ended = { status: 'failed' };

/** What the rates let pass, and what the caller is told of them. */
function withRates<A>(decided: Decided<A>, ticket: RateTicket | undefined): Decided<A> {
  return ticket?.report === undefined ? decided : { ...decided, rates: ticket.report };
}

function ratedCall(
  { capability }: Authenticated,
  { action: { provider, model }, cost }: Call<unknown>,
  { surface, address }: DecisionFacts,
): RatedCall {
  return {
    surface,
    principal: principalOf(capability),
    key: capability.leaf.lid,
    address,
    ...(provider === undefined || model === undefined ? {} : { model: `${provider}/${model}` }),
    tokens: cost.tokens ?? 0,
  };
}

/** Decided as it was made, and again as what it comes to: both must be allowed, items and constraints (CAP-18). */
async function allowedItems(
  deps: AdmissionDeps,
  caller: Authenticated,
  call: Call<unknown>,
): Promise<readonly CheckedItem[]> {
  const items = call.items();
  assertAllowed(deps, caller, items, call.arguments);
  const pending = call.real();
  const real = pending && (await pending);
  if (real === undefined) return items;
  // Only when they are allowed: before, not even the length of a real path is the caller's to know.
  return joinItems(items, allowedRealItems(deps, caller, real));
}

function allowedRealItems(
  deps: AdmissionDeps,
  caller: Authenticated,
  real: RealCall,
): readonly CheckedItem[] {
  try {
    const items = real.items();
    assertAllowed(deps, caller, items, real.arguments);
    return items;
  } catch (error) {
    throw error instanceof TrustError ? withoutItem(error) : error;
  }
}

/** Where a link leads is nothing the caller may see: the refusal says that it leads out, not where to. */
function withoutItem({ code, data: { link } }: TrustError): TrustError {
  return new TrustError(code, 'the real path is not allowed', {
    ...(link === undefined ? {} : { link }),
    caveat: 'the real path must be allowed too',
    hint: 'A symbolic link on the path leads to where the capability does not reach.',
  });
}

function assertAllowed(
  { authorizer }: AdmissionDeps,
  caller: Authenticated,
  items: readonly CheckedItem[],
  args: JsonObject,
): void {
  const decision = authorizer.authorize(caller.capability, items, args);
  if (decision.effect === 'allow') return;
  const { effect: _, code, ...data } = decision;
  throw new TrustError(code, 'the capability does not allow it', data);
}

/** Recorded up to a rate per subject; beyond it the denial is counted, and has no receipt. */
async function deny(deps: AdmissionDeps, facts: DecisionFacts): Promise<Denied> {
  const draft = deps.drafts.decision(facts);
  const subject = facts.caller?.capability.holder ?? '';
  const recorded = await deps.sink.recordDenial(draft, { subject });
  const refusal = facts.refusal as Refusal;
  if (recorded === undefined) return { kind: 'denied', refusal };
  return { kind: 'denied', refusal, receipt: `rcp_${facts.uuid}` };
}
