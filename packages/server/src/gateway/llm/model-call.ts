import { Readable } from 'node:stream';
import { TrustError } from '@talosprotocol/protocol';
import type { Secret } from '../../platform/secret.js';
import { startTimeLimit } from '../../platform/time-limit.js';
import type { Call, Dispatched, Hedge, Prepared } from '../admission/call.js';
import type { GuardedRequest } from '../guard/guards.js';
import { principalOf } from '../principal.js';
import { KEPT_ANSWER, type ModelAnswer } from './answer.js';
import type { CacheKey, KeptAnswer } from './answer-cache.js';
import type { StreamReader } from './dialect.js';
import { FIRST_WORD_MS } from './first-word.js';
import type { ModelTarget } from './model-name.js';
import {
  heldOf,
  itemsOf,
  type ModelCallContext,
  NOTHING,
  outOfReach,
  type Plan,
  planOf,
  spentOf,
} from './plan.js';
import { assertPriced } from './priced.js';
import type { ProviderPolicy } from './provider.js';
import { failedAfter, failureAnswer, refused, streamed, whole } from './provider-answer.js';

/** A call of a model as admission decides it. What is wrong with it is told when its items are asked for, so that it is
 *  recorded as any other refusal. */
export function modelCall(context: ModelCallContext): Call<ModelAnswer> {
  const { dialect, body, bytes } = context.request;
  const planned = attempt(() => planOf(context));
  const plan = 'value' in planned ? planned.value : undefined;
  const next = nextOf(context);
  let guarded: GuardedRequest | undefined;
  const named = plan && { provider: plan.target.provider.name, model: plan.target.model };
  return {
    action: { method: dialect.method, ...named, op: dialect.op },
    op: dialect.op,
    // A call of a model changes nothing that a record must come before: it is on record before its answer (AUD-7).
    recordedFirst: false,
    cost: plan === undefined || dialect.op === 'read' ? {} : heldOf(plan),
    request: { bytes },
    // As the client said them, whichever model is asked: a try that comes again may go to another one.
    besides: context.request.betas.toSorted(),
    arguments: plan?.asked ?? body,
    items: () => {
      if ('value' in planned) return itemsOf(planned.value, dialect);
      // What is wrong with a request for a model that is out of reach would tell whether there is one.
      const hidden = outOfReach(context);
      if (hidden === undefined) throw planned.error;
      return hidden;
    },
    real: () => undefined,
    instead: next === undefined ? undefined : () => (context.hasLeft() ? undefined : modelCall(next)),
    hedge: next && plan && hedgeOf(context, plan),
    verdicts: () => guarded?.verdicts,
    prepare: (signal) =>
      prepare(context, plan as Plan, signal, (said) => {
        guarded = said;
      }),
    failure: (failure, receipt) => failureAnswer(context, failure, receipt),
    kept: KEPT_ANSWER,
    // Whoever leaves has had a call made all the same: what it comes to is read to its end, within a bound.
    cancelled: undefined,
  };
}

/** What guards say of what the provider would be sent; undefined if none looks at its model. */
async function guardedRequest(
  { guards, guardPolicies, caller, hasLeft }: ModelCallContext,
  { target: { provider, model }, sent }: Plan,
): Promise<GuardedRequest | undefined> {
  if (guardPolicies.length === 0) return undefined;
  const looking = guardPolicies.filter(({ looksAt }) => looksAt(`${provider.name}/${model}`));
  const by = { owner: principalOf(caller.capability), isWanted: () => !hasLeft() };
  return looking.length === 0 ? undefined : guards.look(looking, sent, by);
}

/** The same call of the next model behind the alias. */
function nextOf(context: ModelCallContext): ModelCallContext | undefined {
  const [, ...rest] = context.targets ?? [];
  return rest.length === 0 ? undefined : { ...context, targets: rest };
}

/** Those that are asked if this one has no answer. */
function othersOf({ targets = [] }: ModelCallContext): readonly ModelTarget[] {
  return targets.slice(1);
}

function attempt<T>(work: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: work() };
  } catch (error) {
    return { error };
  }
}

async function prepare(
  context: ModelCallContext,
  planned: Plan,
  signal: AbortSignal,
  tell: (guarded: GuardedRequest) => void,
): Promise<Prepared<ModelAnswer>> {
  assertPriced(context, planned);
  const guarded = await guardedRequest(context, planned);
  if (guarded !== undefined) {
    tell(guarded);
    context.guards.count('request', guarded.verdicts);
  }
  if (guarded?.refusal !== undefined) throw guarded.refusal;
  const plan = guarded === undefined ? planned : { ...planned, sent: guarded.message, guarded };
  signal.throwIfAborted();
  const { provider } = plan.target;
  const key = provider.key === undefined ? undefined : await context.secret(provider.key);
  signal.throwIfAborted();
  if (provider.key !== undefined && key === undefined) throw noKey(provider);
  const body = Buffer.from(JSON.stringify(plan.sent));
  return {
    forwarded: { bytes: body },
    ...(context.request.dialect.op === 'read' ? {} : { prices: context.prices.hashOf(provider) }),
    async dispatch(stop) {
      const dispatched = await dispatch(context, plan, { body, key, signal: stop });
      if (guarded !== undefined)
        void dispatched.ended?.then(({ guards = [] }) => context.guards.count('answer', guards));
      return dispatched;
    },
    release: () => undefined,
  };
}

function noKey({ name, key }: ProviderPolicy): TrustError {
  return new TrustError('UNAVAILABLE', `the key of the provider ${name} is missing`, {
    hint: `The operator sets it with: talos secrets set ${key}`,
  });
}

interface Send {
  readonly body: Uint8Array;
  readonly key: Secret<string> | undefined;
  readonly signal: AbortSignal;
}

/** Within the time that a call may take, of which nothing is left over once the call has ended. */
async function dispatch(context: ModelCallContext, plan: Plan, send: Send): Promise<Dispatched<ModelAnswer>> {
  const limit = startTimeLimit(plan.target.provider.times.total, send.signal);
  try {
    const dispatched = await answerOf(context, plan, send, limit.signal);
    void (dispatched.ended ?? Promise.resolve()).then(limit.end);
    return dispatched;
  } catch (error) {
    limit.end();
    throw error;
  }
}

/** What was answered before, or is now. */
async function answerOf(
  context: ModelCallContext,
  asked: Plan,
  send: Send,
  until: AbortSignal,
): Promise<Dispatched<ModelAnswer>> {
  const { provider } = asked.target;
  const key = cacheKeyOf(context, asked, send.body);
  const kept = key === undefined || context.request.wantsNew ? undefined : context.cache.get(key);
  if (kept !== undefined) return again(context, { ...asked, isKept: true }, kept, until);
  const { cacheSeconds = 0 } = provider;
  const plan = key === undefined ? asked : { ...asked, keeper: context.cache.keeper(key, cacheSeconds) };
  return ask(context, plan, send, until);
}

/** Under what an answer is kept; undefined if it is not: what a hosted tool finds is another thing tomorrow. */
function cacheKeyOf(
  { policyHash, caller: { capability } }: ModelCallContext,
  plan: Plan,
  body: Uint8Array,
): CacheKey | undefined {
  const { provider } = plan.target;
  if (provider.cacheSeconds === undefined || plan.shape.features.length > 0) return undefined;
  return {
    policy: policyHash,
    principal: principalOf(capability),
    provider: provider.name,
    path: [pathOf(plan), ...plan.wire.betas].join(' '),
    body,
  };
}

const pathOf = ({ target: { provider, model }, wire: { dialect }, shape: { stream } }: Plan): string =>
  provider.host.path({ dialect, model, stream });

/** An answer that was given before goes the way of one that comes. */
function again(
  context: ModelCallContext,
  plan: Plan,
  { type, bytes }: KeptAnswer,
  signal: AbortSignal,
): Promise<Dispatched<ModelAnswer>> {
  const body = Readable.from([bytes]);
  const reader = readerOf(plan, type === STREAM);
  if (reader !== undefined) return streamed(context, plan, reader, { body, signal, goesOn: false });
  return whole(context, plan, { kind: 'answer', status: 200, type, retryAfter: undefined, body }, signal);
}

const STREAM = 'text/event-stream';

function readerOf({ wire: { dialect }, shape }: Plan, isStream: boolean): StreamReader | undefined {
  return shape.stream && isStream ? dialect.readStream?.(shape) : undefined;
}

async function ask(
  context: ModelCallContext,
  plan: Plan,
  { body, key, signal }: Send,
  until: AbortSignal,
): Promise<Dispatched<ModelAnswer>> {
  const { dialect } = plan.wire;
  const { provider, model } = plan.target;
  const { host, baseUrl } = provider;
  const path = pathOf(plan);
  const { betas } = plan.wire;
  const shown = { dialect, key: key?.reveal(), url: `${baseUrl}${path}`, betas, body, now: context.now() };
  const headers = await host.headers(shown);
  const began = context.monotonic();
  const others = othersOf(context);
  const answer = await context.upstreams.send({
    provider,
    model,
    others,
    path,
    headers,
    body,
    signal: until,
  });
  if (answer.kind === 'failure') {
    // What a provider may have begun is held to have come to the most that it can.
    const spent = answer.wasSent ? spentOf(context, plan, undefined) : NOTHING;
    return { ...failedAfter(context, answer.error, spent), isForAnother: !signal.aborted };
  }
  if (answer.status >= 300) return refused(context, plan, answer, { key, signal: until });
  if (context.targets !== undefined) context.routing.observe(plan.target, context.monotonic() - began);
  const reader = waiting(context, plan, readerOf(plan, answer.type === host.streamType));
  return reader === undefined
    ? whole(context, plan, answer, until)
    : streamed(context, plan, reader, {
        body: host.events(answer.body),
        signal: until,
        goesOn: reader.firstWord !== undefined,
      });
}

/** A reader that has its first word waited for where it matters: until then another model may be asked instead, or be quicker. */
function waiting(
  context: ModelCallContext,
  plan: Plan,
  reader: StreamReader | undefined,
): StreamReader | undefined {
  const hedge = hedgeOf(context, plan);
  if (othersOf(context).length === 0 && hedge?.isTaken() !== true) return reader;
  // Of two that are asked each has as long as it takes until there are two, so that their words are compared and not their headers.
  const withinMs = FIRST_WORD_MS + (hedge?.afterMs ?? 0);
  return reader && { ...reader, firstWord: { withinMs, whenLeft: context.whenLeft } };
}

/** How another model is asked beside this one. What a hosted tool does at its provider is not to be done twice. */
function hedgeOf({ hedge, caller }: ModelCallContext, { shape }: Plan): Hedge | undefined {
  return shape.features.length === 0 && caller.credential.kind === 'bearer' ? hedge : undefined;
}
