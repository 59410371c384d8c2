import type { ActionRecord, Op, ProblemCode } from '@talosprotocol/contracts';
import { authorize, type CheckedItem, type JsonObject, TrustError } from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import type { CallJournal, CallName } from '../store.js';
import { credentialOf, identify, type Presented, unverifiedRecord } from './credential.js';
import type { DecisionFacts, Drafts, HashedRequest } from './drafts.js';
import { type Refusal, toRefusal } from './hint.js';
import type { OutcomePlace, OutcomeQueue } from './outcomes.js';
import type {
  AuditSink,
  Authenticated,
  CallLedger,
  CredentialAuthority,
  DecisionDraft,
  OutcomeMembers,
  PolicyView,
  RateLimiter,
  SignedRequest,
} from './ports.js';

/** A request as it arrived on some surface. */
export interface Arrival {
  readonly requestId: string;
  readonly address: string;
  readonly rawHeaders: readonly string[];
  readonly method: string;
  readonly target: string;
}

/** How a surface reads its requests and what each of them asks for. */
export interface Surface<M> {
  readonly name: 'mcp';
  /** What is recorded of a caller who is refused before the request is read. */
  readonly action: ActionRecord;
  /** Reads and parses the body. What it throws is the surface's own: nothing was decided. */
  read(signed: SignedRequest['headers']): Promise<{ readonly body: Uint8Array; readonly message: M }>;
  /** The action a message names, for the record. */
  actionOf(message: M): ActionRecord;
  /** The call a message makes; undefined if it reaches nothing and needs no decision. */
  callOf(message: M, caller: Authenticated): Call | undefined;
}

/** One call that needs a decision. */
export interface Call {
  readonly action: ActionRecord;
  /** The audit mode follows from it: a write is recorded before its effect, a read before its answer. */
  readonly op: Op;
  /** What a dispatch takes from `limits` (CAP-21). */
  readonly cost: { readonly calls: 1 };
  /** As the client sent it. */
  readonly request: HashedRequest;
  readonly arguments: JsonObject;
  /** The items it is decided on. @throws {TrustError} to refuse */
  items(): readonly CheckedItem[];
  /** Items that take a look at the world to find, once the first ones are allowed (CAP-18). */
  moreItems(): Promise<readonly CheckedItem[]> | undefined;
  /** Finds what will be called and keeps it ready. @throws {TrustError} to refuse */
  prepare(signal: AbortSignal): Promise<Prepared>;
  /** The answer for a failure after the decision, as it goes on the wire. */
  failure(failure: Failure, receipt: string): JsonObject;
  /** Aborts when the client does not want the answer any more. */
  readonly cancelled: AbortSignal | undefined;
}

/** Why an allowed call has no answer of its upstream. */
export type Failure = Omit<Refusal, 'code'> & { readonly code: ProblemCode };

/** A call that can be made now. */
export interface Prepared {
  readonly pin: string;
  readonly forwarded: HashedRequest;
  /** Makes the call. The answer is `{ result }` or `{ error }` as it goes on the wire, without `_meta`. */
  dispatch(signal: AbortSignal): Promise<JsonObject>;
  release(): void;
}

/** What admission found. */
export type Verdict<M> =
  /** The credential was refused; `message` is absent if that was before the body was read. */
  | {
      readonly kind: 'unauthenticated';
      readonly refusal: Refusal;
      readonly receipt?: string;
      readonly message?: M;
    }
  /** Verified, and nothing to decide. */
  | { readonly kind: 'identified'; readonly caller: Authenticated; readonly message: M }
  | { readonly kind: 'denied'; readonly refusal: Refusal; readonly receipt?: string; readonly message: M }
  | { readonly kind: 'answered'; readonly answer: JsonObject; readonly receipt: string; readonly message: M }
  | { readonly kind: 'cancelled'; readonly receipt: string; readonly message: M };

export interface AdmissionDeps {
  readonly gateway: string;
  readonly authority: CredentialAuthority;
  readonly ledger: CallLedger;
  readonly sink: AuditSink;
  readonly policy: PolicyView;
  readonly limiter: RateLimiter;
  readonly journal: CallJournal;
  readonly outcomes: OutcomeQueue;
  readonly drafts: Drafts;
  readonly log: Log;
}

/** The one way to anything behind the gateway, for every surface. */
export type Admission = <M>(arrival: Arrival, surface: Surface<M>) => Promise<Verdict<M>>;

/** Builds admission. Order (DEC-4): address limiter, what a session header shows, body and syntax, credential, items
 *  and grants, what is to be called, limits, record, dispatch; the first failure ends it.
 *  The function throws where nothing could be decided or recorded: UNAVAILABLE, DISK_FULL, and what `read` throws. */
export function createAdmission(deps: AdmissionDeps): Admission {
  return async (arrival, surface) => {
    const refuse = async (action: ActionRecord, presented: Presented | undefined, error: unknown) =>
      refuseCaller(deps, arrival, { surface: surface.name, action, presented }, error);
    let presented: Presented | undefined;
    try {
      deps.limiter.take(arrival.address);
      presented = credentialOf(arrival.rawHeaders);
      if (presented.kind === 'session') deps.authority.peekSession(presented.authorization);
    } catch (error) {
      return refuse(surface.action, presented, error);
    }
    const { message, body } = await surface.read(presented.signed);
    let caller: Authenticated;
    try {
      const { method, target } = arrival;
      const signed = { method, target, headers: presented.signed, body };
      caller = await identify(deps.authority, presented, signed);
    } catch (error) {
      return { ...(await refuse(surface.actionOf(message), presented, error)), message };
    }
    const call = surface.callOf(message, caller);
    if (call === undefined) return { kind: 'identified', caller, message };
    const facts = factsOf(deps, arrival, surface.name, caller, call);
    return { ...(await decide(deps, caller, call, facts)), message };
  };
}

interface Attempt {
  readonly surface: 'mcp';
  readonly action: ActionRecord;
  readonly presented: Presented | undefined;
}

/** A refusal of whoever proved nothing is recorded before it is answered, like any other. */
async function refuseCaller(
  deps: AdmissionDeps,
  { requestId, address }: Arrival,
  { surface, action, presented }: Attempt,
  error: unknown,
): Promise<{ kind: 'unauthenticated'; refusal: Refusal; receipt?: string }> {
  rethrowOutage(error);
  const { hash, defaultTenant } = deps.policy();
  const refusal = toRefusal(error);
  const uuid = deps.drafts.uuid();
  const draft = deps.drafts.decision({
    uuid,
    request: requestId,
    surface,
    address,
    action,
    credential: unverifiedRecord(presented, deps.drafts.hashText),
    tenant: defaultTenant,
    policy: hash,
    refusal,
  });
  const recorded = await deps.sink.recordDenial(draft, { address });
  return { kind: 'unauthenticated', refusal, ...(recorded === undefined ? {} : { receipt: `rcp_${uuid}` }) };
}

function factsOf(
  { drafts, policy }: AdmissionDeps,
  { requestId, address }: Arrival,
  surface: 'mcp',
  caller: Authenticated,
  { action, request }: Call,
): DecisionFacts {
  return {
    uuid: drafts.uuid(),
    request: requestId,
    surface,
    address,
    tenant: caller.capability.tenant,
    policy: policy().hash,
    action,
    credential: caller.credential,
    caller,
    requestHash: drafts.hash(request),
  };
}

type Decided =
  | { kind: 'denied'; refusal: Refusal; receipt?: string }
  | { kind: 'answered'; answer: JsonObject; receipt: string }
  | { kind: 'cancelled'; receipt: string };

/** The store or the sink cannot be used: nothing can be decided or recorded, so nothing is. */
class Outage extends Error {}

async function decide(
  deps: AdmissionDeps,
  caller: Authenticated,
  call: Call,
  facts: DecisionFacts,
): Promise<Decided> {
  deps.sink.assertAccepting(call.op);
  const place = deps.outcomes.reserve();
  const revocation = watch(caller, call);
  let known = facts;
  let prepared: Prepared | undefined;
  try {
    known = { ...facts, items: await allowedItems(caller, call) };
    assertLive(caller, call);
    prepared = await call.prepare(revocation.signal);
    assertLive(caller, call);
    const admitted = { deps, caller, call, prepared, facts: known, place, signal: revocation.signal };
    return await claimAndRun(admitted);
  } catch (error) {
    if (error instanceof Outage) throw error.cause;
    return await deny(deps, { ...known, refusal: toRefusal(revocation.reason() ?? error) });
  } finally {
    revocation.end();
    prepared?.release();
    place.giveBack();
  }
}

async function allowedItems(caller: Authenticated, call: Call): Promise<readonly CheckedItem[]> {
  const items = call.items();
  assertAllowed(caller, items, call.arguments);
  const pending = call.moreItems();
  if (pending === undefined) return items;
  const more = await pending;
  if (more.length === 0) return items;
  assertAllowed(caller, more, call.arguments);
  return [...items, ...more];
}

function assertAllowed(caller: Authenticated, items: readonly CheckedItem[], args: JsonObject): void {
  const decision = authorize(caller.capability, items, args);
  if (decision.effect === 'allow') return;
  const { effect: _, code, ...data } = decision;
  throw new TrustError(code, 'the capability does not allow it', data);
}

function assertLive(caller: Authenticated, { op }: Call): void {
  if (!caller.isLive(op)) throw new TrustError('REVOKED', 'the credential is not in force any more');
}

/** Joins the two things that end a call early: its credential dies, or nobody waits for the answer. */
function watch(caller: Authenticated, { cancelled }: Call) {
  const controller = new AbortController();
  let revoked: TrustError | undefined;
  const unsubscribe = caller.onRevoked(() => {
    revoked = new TrustError('REVOKED', 'the credential was revoked during the call');
    controller.abort(revoked);
  });
  const onCancel = (): void => controller.abort(new TrustError('UNAVAILABLE', 'the call was cancelled'));
  if (cancelled?.aborted) onCancel();
  cancelled?.addEventListener('abort', onCancel, { once: true });
  return {
    signal: controller.signal,
    reason: () => revoked,
    end: () => {
      unsubscribe();
      cancelled?.removeEventListener('abort', onCancel);
    },
  };
}

interface Admitted {
  readonly deps: AdmissionDeps;
  readonly caller: Authenticated;
  readonly call: Call;
  readonly prepared: Prepared;
  readonly facts: DecisionFacts;
  readonly place: OutcomePlace;
  readonly signal: AbortSignal;
}

/** Writes with a rid are claimed first, so that a second try takes nothing from the limits. */
async function claimAndRun(admitted: Admitted): Promise<Decided> {
  const { deps, caller, call, facts } = admitted;
  const { rid } = caller.credential;
  if (call.op === 'read' || rid === undefined) return holdAndRun(admitted, undefined);
  const name = { subject: caller.capability.holder, audience: deps.gateway, rid };
  const claim = deps.journal.claim(name, facts.requestHash ?? '', `rcp_${facts.uuid}`);
  const kept = await claim.catch(throwOutage);
  if (kept !== undefined) return { kind: 'answered', ...kept };
  return holdAndRun(admitted, name);
}

async function holdAndRun(admitted: Admitted, name: CallName | undefined): Promise<Decided> {
  const { deps, caller, call, prepared, facts } = admitted;
  let draft: DecisionDraft;
  let recorded: Promise<unknown>;
  try {
    assertLive(caller, call);
    await deps.ledger.hold(caller.capability).catch(throwOutage);
    assertLive(caller, call);
    draft = deps.drafts.decision({
      ...facts,
      pin: prepared.pin,
      forwardedHash: deps.drafts.hash(prepared.forwarded),
    });
    recorded = deps.sink.record(draft).catch(throwOutage);
    if (call.op === 'write') await recorded;
  } catch (error) {
    // Not dispatched: the same rid may be tried again.
    if (name !== undefined) await deps.journal.release(name).catch(() => undefined);
    throw error;
  }
  return run(admitted, draft, recorded, name);
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
  name: CallName | undefined,
): Promise<Decided> {
  const { deps, facts, place } = admitted;
  const receipt = `rcp_${facts.uuid}`;
  // Settles always, so that a record that fails first is not left unhandled.
  const [done, record] = await Promise.all([dispatch(admitted, receipt), settled(recorded)]);
  place.follow(async () => {
    const hash = deps.drafts.hash(done.answer['result'] ?? done.answer['error']);
    if (name !== undefined) await deps.journal.finish(name, done.answer, hash);
    if (record === undefined) await deps.sink.record(deps.drafts.outcome(draft, done.status, hash));
  });
  if (record !== undefined) throw record;
  if (done.status === 'cancelled') return { kind: 'cancelled', receipt };
  return { kind: 'answered', answer: done.answer, receipt };
}

async function dispatch({ caller, call, prepared, signal, deps }: Admitted, receipt: string): Promise<Run> {
  try {
    assertLive(caller, call);
    signal.throwIfAborted();
    const answer = await prepared.dispatch(signal);
    assertLive(caller, call);
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

/** Recorded up to a rate per subject; beyond it the denial is counted, and has no receipt. */
async function deny(deps: AdmissionDeps, facts: DecisionFacts): Promise<Decided> {
  const draft = deps.drafts.decision(facts);
  const subject = facts.caller?.capability.holder ?? '';
  const recorded = await deps.sink.recordDenial(draft, { subject });
  const refusal = facts.refusal as Refusal;
  if (recorded === undefined) return { kind: 'denied', refusal };
  return { kind: 'denied', refusal, receipt: `rcp_${facts.uuid}` };
}

const OUTAGES: readonly string[] = ['UNAVAILABLE', 'DISK_FULL', 'INTERNAL'];

function throwOutage(error: unknown): never {
  if (error instanceof TrustError && !OUTAGES.includes(error.code)) throw error;
  throw new Outage('', { cause: error });
}

function rethrowOutage(error: unknown): void {
  if (error instanceof TrustError && !OUTAGES.includes(error.code)) return;
  throw error;
}
