import type { Cost, ModelUsage } from '@talosprotocol/contracts';
import {
  type CallCost,
  type CheckedItem,
  couldAllow,
  itemsOfModelCall,
  type JsonObject,
  limitsOf,
  modelCost,
  TrustError,
} from '@talosprotocol/protocol';
import { readAll } from '../../platform/read-all.js';
import type { Secret } from '../../platform/secret.js';
import type { Call, Dispatched, Failure, Prepared } from '../admission/call.js';
import type { Ended, ModelSpent } from '../admission/ended.js';
import type { Authenticated } from '../admission/ports.js';
import { KEPT_ANSWER, type ModelAnswer } from './answer.js';
import { inputBound } from './bound.js';
import type { Dialect, RequestShape, StreamReader } from './dialect.js';
import { notPassed } from './members.js';
import { findModel, type ModelTarget, namedModel } from './model-name.js';
import type { Prices } from './prices.js';
import type { ProviderPolicy } from './provider.js';
import { parseProviderObject } from './provider-json.js';
import { statusOf } from './status.js';
import { createModelStream } from './stream.js';
import { failed, type UpstreamAnswer, type Upstreams } from './upstream.js';

/** What calls of models are made with. */
export interface ModelCallDeps {
  readonly prices: Prices;
  readonly upstreams: Upstreams;
  /** The value of a secret; undefined if there is none of that name. @throws {TrustError} UNAVAILABLE */
  readonly secret: (name: string) => Promise<Secret<string> | undefined>;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly answerBytes: number;
}

/** A request as it was read. */
export interface ModelRequest {
  readonly dialect: Dialect;
  readonly body: JsonObject;
  /** Its own bytes. */
  readonly bytes: Uint8Array;
}

export interface ModelCallContext extends ModelCallDeps {
  readonly request: ModelRequest;
  readonly providers: ReadonlyMap<string, ProviderPolicy>;
  readonly caller: Authenticated;
  readonly requestId: string;
  /** True if tokens are counted in time (LIM-4): what the call may come to must be known, and not be all there is. */
  readonly isRated: boolean;
}

/** What can be said of a call before it is decided; a fault waits until it is asked for. */
interface Plan {
  readonly target: ModelTarget;
  readonly shape: RequestShape;
  readonly sent: JsonObject;
  /** When it was held, in Unix milliseconds: it is settled by the prices of that moment. */
  readonly at: number;
  /** Most tokens that are read and written. */
  readonly input: number;
  readonly output: number;
  readonly cost: Cost | undefined;
}

/** A call of a model as admission decides it. What is wrong with it is told when its items are asked for, so that it is
 *  recorded as any other refusal. */
export function modelCall(context: ModelCallContext): Call<ModelAnswer> {
  const { dialect, body, bytes } = context.request;
  const planned = attempt(() => planOf(context));
  const plan = 'value' in planned ? planned.value : undefined;
  const named = plan && { provider: plan.target.provider.name, model: plan.target.model };
  return {
    action: { method: dialect.method, ...named, op: dialect.op },
    op: dialect.op,
    // A call of a model changes nothing that a record must come before: it is on record before its answer (AUD-7).
    recordedFirst: false,
    cost: plan === undefined || dialect.op === 'read' ? {} : heldOf(plan),
    request: { bytes },
    arguments: body,
    items: () => {
      if ('value' in planned) return itemsOf(planned.value, dialect);
      // What is wrong with a request for a model that is out of reach would tell whether there is one.
      const hidden = outOfReach(context);
      if (hidden === undefined) throw planned.error;
      return hidden;
    },
    real: () => undefined,
    prepare: (signal) => prepare(context, plan as Plan, signal),
    failure: (failure, receipt) => failureAnswer(context, failure, receipt),
    kept: KEPT_ANSWER,
    // Whoever leaves has had a call made all the same: what it comes to is read to its end, within a bound.
    cancelled: undefined,
  };
}

function heldOf({ input, output, cost }: Plan): CallCost {
  return { tokens: input + output, ...(cost && { cost }) };
}

function attempt<T>(work: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: work() };
  } catch (error) {
    return { error };
  }
}

function itemsOf({ target, shape }: Plan, { op }: Dialect): readonly CheckedItem[] {
  return itemsOfModelCall({
    op,
    provider: target.provider.name,
    model: target.model,
    features: shape.features,
  });
}

/** The item of the model that is asked for, if the capability does not reach it, whether there is one or not. */
function outOfReach({ request, providers, caller }: ModelCallContext): readonly CheckedItem[] | undefined {
  const { dialect, body } = request;
  const named = namedModel(providers, body['model'], dialect.api);
  if (named === undefined || couldAllow(caller.capability, { ...named, ops: [dialect.op] })) return undefined;
  return itemsOfModelCall({ ...named, op: dialect.op, features: [] });
}

function planOf({ request, providers, prices, caller, now, isRated }: ModelCallContext): Plan {
  const { dialect, body, bytes } = request;
  const at = now();
  const asked = body['model'];
  const target = findModel(providers, typeof asked === 'string' ? asked : '', dialect.api);
  const { provider, model } = target;
  if (provider.api !== dialect.api) throw otherProtocol(provider);
  const shape = dialect.readRequest(body, provider.fields);
  const isLimited =
    isRated || limitsOf(caller.capability).some(({ kind }) => kind === 'cost' || kind === 'tokens');
  const put = isLimited && shape.maxOutput === undefined ? provider.maxOutputTokens : undefined;
  const most = shape.maxOutput ?? put ?? prices.windowOf(provider, model, at) ?? UNKNOWN_WINDOW;
  const [input, output] = [inputBound(bytes.length, shape.pictures), most * shape.choices];
  const rates = prices.ratesOf(provider, model, input, at);
  const dearest = rates && { ...rates, input: Math.max(rates.input, rates.cache_write ?? 0) };
  const amount = dearest === undefined ? 0 : modelCost({ input, output }, dearest);
  return {
    at,
    target,
    shape,
    sent: dialect.rewrite(body, shape, { model, maxOutput: put, maxField: provider.maxField }),
    input,
    output,
    cost: amount === 0 || rates === undefined ? undefined : { amount, currency: rates.currency },
  };
}

/** More than any model takes that we know of. */
const UNKNOWN_WINDOW = 10_000_000;

function otherProtocol({ name, api }: ProviderPolicy): TrustError {
  return new TrustError('UNKNOWN_MODEL', `the provider ${name} speaks another protocol`, {
    hint: `This model is served on the routes of ${api}.`,
  });
}

async function prepare(
  context: ModelCallContext,
  plan: Plan,
  signal: AbortSignal,
): Promise<Prepared<ModelAnswer>> {
  assertPriced(context, plan);
  const { provider } = plan.target;
  const key = provider.key === undefined ? undefined : await context.secret(provider.key);
  signal.throwIfAborted();
  if (provider.key !== undefined && key === undefined) throw noKey(provider);
  const body = Buffer.from(JSON.stringify(plan.sent));
  return {
    ...(context.request.dialect.op === 'read' ? {} : { prices: context.prices.hashOf(provider) }),
    forwarded: { bytes: body },
    dispatch: (stop) => dispatch(context, plan, { body, key, signal: stop }),
    release: () => undefined,
  };
}

/** What nobody knows the price or the size of is not done on a budget (LLM-7). */
function assertPriced(
  { request, caller, prices }: ModelCallContext,
  { at, target, shape, input }: Plan,
): void {
  if (request.dialect.op === 'read') return;
  const limits = limitsOf(caller.capability);
  const metered = limits.find(({ kind }) => kind === 'cost' || kind === 'tokens');
  const [feature] = shape.features.filter((one) => one !== 'fetch');
  // What a hosted tool finds is read by the model, as much as it finds.
  if (metered !== undefined && feature !== undefined)
    throw notPassed(
      feature,
      `link ${metered.link} limits ${metered.kind}, and nobody knows what it comes to`,
    );
  const limit = limits.find(({ kind }) => kind === 'cost');
  if (limit === undefined) return;
  const { link } = limit;
  const { provider, model } = target;
  if (prices.ratesOf(provider, model, input, at) === undefined)
    throw new TrustError('POLICY_DENIED', 'nobody knows what the model costs', {
      link,
      caveat: `cost in ${limit.currency}`,
      hint: `Link ${link} limits costs, and ${provider.name}/${model} has no price: the operator can state its rates.`,
    });
  if (shape.longCache) throw notPassed('cache_control.ttl', `link ${link} limits costs, and it has no price`);
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

async function dispatch(
  context: ModelCallContext,
  plan: Plan,
  { body, key, signal }: Send,
): Promise<Dispatched<ModelAnswer>> {
  const { dialect } = context.request;
  const { provider } = plan.target;
  const until = AbortSignal.any([signal, AbortSignal.timeout(provider.times.total)]);
  const headers = dialect.keyHeaders(key?.reveal());
  const answer = await context.upstreams.send({ provider, path: dialect.path, headers, body, signal: until });
  if (answer.kind === 'failure') {
    // What a provider may have begun is held to have come to the most that it can.
    const spent = answer.wasSent ? spentOf(context, plan, undefined, plan.output) : NOTHING;
    return failedAfter(context, answer.error, spent);
  }
  if (answer.status >= 300) return refused(context, answer, key, until);
  const reader = plan.shape.stream ? dialect.readStream?.(plan.shape) : undefined;
  return reader !== undefined && answer.type === 'text/event-stream'
    ? streamed(context, plan, reader, { answer, signal: until })
    : whole(context, plan, answer, until);
}

/** A provider that refuses has done nothing that costs. What it says is passed on where it concerns the request, and kept
 *  back where it concerns the operator: it may name a key. */
async function refused(
  context: ModelCallContext,
  answer: UpstreamAnswer,
  key: Secret<string> | undefined,
  signal: AbortSignal,
): Promise<Dispatched<ModelAnswer>> {
  const text = await readAll(answer.body, { maxBytes: MAX_ERROR }).catch(() => undefined);
  const told = statusOf(answer.status);
  const body = told.passed && text !== undefined ? withoutKey(text, key) : undefined;
  const retry = answer.retryAfter === undefined ? {} : { 'retry-after': String(answer.retryAfter) };
  const ended: Ended = { status: 'failed', spent: NOTHING };
  if (signal.aborted) throw failed(undefined, signal);
  const own = failureAnswer(context, { code: 'UPSTREAM_FAILED', hint: told.hint }, undefined, told.status);
  const shown = body === undefined ? own : { ...own, body };
  return { answer: { ...shown, headers: { ...shown.headers, ...retry } }, ended: Promise.resolve(ended) };
}

const MAX_ERROR = 65_536;
const NOTHING: ModelSpent = { usage: { input: 0, output: 0 } };

/** Undefined if it is not what a client of the protocol can read. */
function withoutKey(text: string, key: Secret<string> | undefined): string | undefined {
  if (key !== undefined && text.includes(key.reveal())) return undefined;
  try {
    return JSON.stringify(parseProviderObject(text));
  } catch {
    return undefined;
  }
}

async function whole(
  context: ModelCallContext,
  plan: Plan,
  answer: UpstreamAnswer,
  signal: AbortSignal,
): Promise<Dispatched<ModelAnswer>> {
  const { dialect } = context.request;
  let text: string;
  let spent: ModelSpent;
  try {
    if (answer.type !== 'application/json') throw new TrustError('UPSTREAM_FAILED', 'the answer is not JSON');
    text = await readAll(answer.body, { maxBytes: context.answerBytes });
    const body = parseProviderObject(text);
    spent = spentOf(context, plan, dialect.usageOf(body), dialect.textBytes(body));
  } catch (error) {
    answer.body.destroy();
    // It has worked for it, whatever came of it.
    const most = spentOf(context, plan, undefined, plan.output);
    return failedAfter(context, failed(error, signal), most);
  }
  return {
    // As it came: no member that we do not know is changed on its way.
    answer: { status: 200, headers: headersOf(plan, 'application/json', spent), body: text },
    ended: Promise.resolve({ status: 'completed', spent }),
  };
}

function failedAfter(
  context: ModelCallContext,
  error: TrustError,
  spent: ModelSpent,
): Dispatched<ModelAnswer> {
  const hint =
    `${error.data.reason ?? 'The provider did not answer properly'}. ${error.data.hint ?? ''}`.trim();
  const status = error.code === 'REVOKED' ? 'revoked_during' : 'failed';
  return {
    answer: failureAnswer(context, { code: error.code, hint }, undefined),
    ended: Promise.resolve({ status, spent }),
  };
}

function streamed(
  context: ModelCallContext,
  plan: Plan,
  reader: StreamReader,
  { answer, signal }: { readonly answer: UpstreamAnswer; readonly signal: AbortSignal },
): Dispatched<ModelAnswer> {
  const { dialect } = context.request;
  const stream = createModelStream({
    source: answer.body,
    reader,
    signal,
    mostPieces: plan.output,
    drainMs: plan.target.provider.times.drain,
    spent: () => spentOf(context, plan, reader.usage(), reader.bytes()),
    toEvent: (failure) =>
      dialect.errorEvent({ status: 502, failure, requestId: context.requestId, receipt: undefined }),
  });
  const headers = { ...headersOf(plan, 'text/event-stream'), 'cache-control': 'no-cache' };
  return {
    answer: { status: 200, headers, body: stream },
    ended: stream.ended,
    abandon: stream.abandon,
  };
}

/** What a call came to: as its provider counted, else no more than it can have been, and said to be that. */
function spentOf(
  { request, prices }: ModelCallContext,
  { at, target: { provider, model }, input, output }: Plan,
  counted: ModelUsage | undefined,
  textBytes: number,
): ModelSpent {
  if (request.dialect.op === 'read') return NOTHING;
  const usage: ModelUsage = counted ?? { input, output: Math.min(output, textBytes), estimated: true };
  const rates = prices.ratesOf(provider, model, usage.input, at);
  return { usage, ...(rates === undefined ? {} : { rates }) };
}

function headersOf({ target }: Plan, type: string, spent?: ModelSpent): Record<string, string> {
  const model = `${target.provider.name}/${target.model}`;
  const cost =
    spent?.rates === undefined
      ? {}
      : { 'x-talos-cost': `${modelCost(spent.usage, spent.rates)} ${spent.rates.currency}` };
  return { 'content-type': type, 'x-talos-model': model, ...cost };
}

/** A failure after the decision. */
function failureAnswer(
  { request: { dialect }, requestId }: ModelCallContext,
  failure: Failure,
  receipt: string | undefined,
  status = statusOfCode(failure),
): ModelAnswer {
  const body = JSON.stringify(dialect.error({ status, failure, requestId, receipt }));
  return { status, headers: { 'content-type': 'application/json' }, body };
}

const statusOfCode = ({ code }: Failure): number =>
  code === 'INTERNAL' ? 500 : code === 'REVOKED' ? 401 : 502;
