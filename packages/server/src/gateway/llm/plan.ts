import type { Cost, ModelRates, ModelUsage } from '@talosprotocol/contracts';
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
import type { Secret } from '../../platform/secret.js';
import type { Hedge } from '../admission/call.js';
import type { ModelSpent } from '../admission/ended.js';
import type { Authenticated } from '../admission/ports.js';
import type { BudgetPolicy } from '../budgets/budget.js';
import { meteringBudgets } from '../budgets/takes.js';
import { type GuardPolicy, growthOf } from '../guard/guard.js';
import type { GuardedRequest, Guards } from '../guard/guards.js';
import { principalOf } from '../principal.js';
import type { AnswerCache, AnswerKeeper } from './answer-cache.js';
import { readBound, windowWith } from './bound.js';
import type { Dialect, RequestShape } from './dialect.js';
import type { GivenItems, ItemOwner } from './given-items.js';
import { findModel, type ModelTarget, namedModel } from './model-name.js';
import type { Prices } from './prices.js';
import type { ProviderPolicy } from './provider.js';
import type { Settled } from './references.js';
import type { Routing } from './routing.js';
import { type Wire, wireOf } from './translate/wire.js';
import type { Upstreams } from './upstream.js';

/** What a call came to that no provider has worked for. */
export const NOTHING: ModelSpent = { usage: { input: 0, output: 0 } };

/** What calls of models are made with. */
export interface ModelCallDeps {
  readonly prices: Prices;
  readonly upstreams: Upstreams;
  /** The value of a secret; undefined if there is none of that name. @throws {TrustError} UNAVAILABLE */
  readonly secret: (name: string) => Promise<Secret<string> | undefined>;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly answerBytes: number;
  readonly guards: Guards;
  readonly cache: AnswerCache;
  readonly given: GivenItems;
  readonly routing: Routing;
  /** Milliseconds that never go back. */
  readonly monotonic: () => number;
}

/** A request as it was read. */
export interface ModelRequest {
  readonly dialect: Dialect;
  readonly body: JsonObject;
  /** Its own bytes. */
  readonly bytes: Uint8Array;
  /** What it says in `anthropic-beta`. */
  readonly betas: readonly string[];
  /** True if the client wants no answer that was given before. */
  readonly wantsNew: boolean;
}

export interface ModelCallContext extends ModelCallDeps {
  readonly request: ModelRequest;
  readonly providers: ReadonlyMap<string, ProviderPolicy>;
  /** Where an alias was asked for: the models that may answer, the first of which is asked now. */
  readonly targets: readonly ModelTarget[] | undefined;
  /** How the next of them is asked beside one that is late; undefined: it is not. */
  readonly hedge: Hedge | undefined;
  readonly budgets: readonly BudgetPolicy[];
  readonly guardPolicies: readonly GuardPolicy[];
  /** hex (AUD-9) */
  readonly policyHash: string;
  /** Most bytes that a request refers to. */
  readonly referredBytes: number;
  readonly caller: Authenticated;
  /** True once nobody waits for an answer any more. */
  readonly hasLeft: () => boolean;
  /** Calls once that is so, or if it is; what it gives ends that. */
  readonly whenLeft: (tell: () => void) => () => void;
  readonly requestId: string;
  /** True if tokens are counted in time (LIM-4): what the call may come to must be known, and not be all there is. */
  readonly isRated: boolean;
}

/** What can be said of a call before it is decided; a fault waits until it is asked for. */
export interface Plan {
  readonly target: ModelTarget;
  /** What the client asks, with what it refers to. */
  readonly asked: JsonObject;
  readonly wire: Wire;
  readonly shape: RequestShape;
  readonly sent: JsonObject;
  /** When it was held, in Unix milliseconds: it is settled by the prices of that moment. */
  readonly at: number;
  /** Most tokens that are read and written. */
  readonly input: number;
  readonly output: number;
  /** True if it has documents, and nobody knows how much of them its model takes. */
  readonly isBoundless: boolean;
  readonly cost: Cost | undefined;
  /** Budgets that refuse, and that count its money or tokens. */
  readonly metering: readonly BudgetPolicy[];
  /** True if its answer was given before: no provider is asked. */
  readonly isKept?: boolean;
  /** Keeps its answer. */
  readonly keeper?: AnswerKeeper;
  /** What guards said of it, once they looked. */
  readonly guarded?: GuardedRequest;
}

export function itemsOf({ target, shape }: Plan, { op }: Dialect): readonly CheckedItem[] {
  return itemsOfModelCall({
    op,
    provider: target.provider.name,
    model: target.model,
    features: shape.features,
  });
}

/** The item of the model that is asked for, if the capability does not reach it, whether there is one or not. */
export function outOfReach({
  request,
  providers,
  targets,
  caller,
}: ModelCallContext): readonly CheckedItem[] | undefined {
  const { dialect, body } = request;
  const [first] = targets ?? [];
  const named = first
    ? { provider: first.provider.name, model: first.model }
    : namedModel(providers, body['model'], dialect.api);
  if (named === undefined || couldAllow(caller.capability, { ...named, ops: [dialect.op] })) return undefined;
  return itemsOfModelCall({ ...named, op: dialect.op, features: [] });
}

/** What is asked now: the first model behind an alias, or the one that is named. @throws {TrustError} UNKNOWN_MODEL */
function targetOf({ request: { dialect, body }, providers, targets }: ModelCallContext): ModelTarget {
  const asked = body['model'];
  if (targets === undefined) return findModel(providers, typeof asked === 'string' ? asked : '', dialect.api);
  const [first] = targets;
  if (first === undefined)
    throw new TrustError('UNKNOWN_MODEL', 'no model behind this name speaks the protocol', {
      hint: 'Ask for it on the route of the other protocol.',
    });
  return first;
}

function meteringOf(
  { budgets, caller: { capability }, request: { dialect } }: ModelCallContext,
  { provider, model }: ModelTarget,
): readonly BudgetPolicy[] {
  if (dialect.op === 'read') return [];
  const named = { model: `${provider.name}/${model}`, server: undefined };
  return meteringBudgets(budgets, { surface: 'llm', capability, ...named });
}

/** For whom items of answers are kept. */
export function ownerOf(
  { caller: { capability } }: Pick<ModelCallContext, 'caller'>,
  { name: provider }: ProviderPolicy,
): ItemOwner {
  return { principal: principalOf(capability), holder: capability.holder, provider };
}

/** The request by itself: what it refers to is in it as if the client had sent it. */
function settledFor(context: ModelCallContext, { provider }: ModelTarget): Settled {
  const { request, given, referredBytes } = context;
  const { dialect, body } = request;
  const owner = ownerOf(context, provider);
  return dialect.references?.settle(body, (id) => given.find(owner, id), referredBytes) ?? { body, added: 0 };
}

export function planOf(context: ModelCallContext): Plan {
  const { request, prices, caller, now, isRated } = context;
  const at = now();
  const target = targetOf(context);
  const { provider, model } = target;
  const settled = settledFor(context, target);
  const { dialect: own, bytes: received, betas } = request;
  const said = { dialect: own, body: settled.body, bytes: received, betas };
  const wire = wireOf(said, target, at);
  const { dialect, shape, body, bytes } = wire;
  const metering = meteringOf(context, target);
  const isLimited =
    isRated ||
    metering.length > 0 ||
    limitsOf(caller.capability).some(({ kind }) => kind === 'cost' || kind === 'tokens');
  const put = isLimited && shape.maxOutput === undefined ? provider.maxOutputTokens : undefined;
  const window = windowWith(wire.betas, prices.windowOf(provider, model, at));
  const most = mostWritten(shape, put, window);
  const added = growthOf(context.guardPolicies) + (shape.toolTokens ?? 0);
  const readable = windowWith(wire.betas, prices.readableOf(provider, model, at));
  const { maxField, countsUnasked } = provider;
  const sent = provider.host.body(
    dialect.rewrite(body, shape, { model, maxOutput: put, maxField, countsUnasked }),
    { dialect, model, stream: shape.stream, betas: wire.betas },
  );
  // What is sent has what the client refers to in it already.
  const whole = bytes + settled.added;
  // A number may be written in more digits than it came in.
  const written = isLimited ? Math.max(whole, Buffer.byteLength(JSON.stringify(sent))) : whole;
  const input = readBound({ ...shape, bytes: written + added }, readable ?? UNKNOWN_WINDOW);
  const output = most * shape.choices;
  const rates = ratesFor(prices, target, shape, { input, at });
  const dearest = rates && { ...rates, input: Math.max(rates.input, rates.cache_write ?? 0) };
  const amount = dearest === undefined ? 0 : modelCost({ input, output }, dearest);
  return {
    at,
    target,
    asked: settled.body,
    wire,
    shape,
    metering,
    sent,
    input,
    output,
    isBoundless: shape.documents > 0 && window === undefined,
    cost: amount === 0 || rates === undefined ? undefined : { amount, currency: rates.currency },
  };
}

/** What is written into a cache that is kept for an hour costs so many times what is read, at Anthropic and whoever serves its models.
 *  No table says it. */
const LONG_CACHE = 2;
/** The same of a cache that is kept for as long as usual, where a client asks for one by a mark: at Anthropic, whoever serves its models,
 *  and Alibaba. Rates and tables that leave it out would have it cost no more than what is read. */
const CACHE = 1.25;

/** What tokens of a call cost. Of caches of both kinds nobody counts them apart: they cost as the dearer one does. */
function ratesFor(
  prices: Prices,
  { provider, model }: ModelTarget,
  { cache }: RequestShape,
  { input, at }: { readonly input: number; readonly at: number },
): ModelRates | undefined {
  const rates = prices.ratesOf(provider, model, input, at);
  if (rates === undefined || cache === 'unmarked') return rates;
  const { cache_write: stated = Math.ceil(CACHE * rates.input) } = rates;
  return { ...rates, cache_write: cache === 'long' ? Math.max(stated, LONG_CACHE * rates.input) : stated };
}

/** Most tokens of one answer: what the request says, or is given, and what its model takes where neither bounds it. */
function mostWritten(
  { maxOutput, mayExceed = false }: RequestShape,
  put: number | undefined,
  window = UNKNOWN_WINDOW,
) {
  const stated = maxOutput ?? put;
  if (stated === undefined) return window;
  return mayExceed ? Math.max(stated, window) : stated;
}

/** More than any model takes that we know of. */
const UNKNOWN_WINDOW = 10_000_000;

export function heldOf({ input, output, cost }: Plan): CallCost {
  return { tokens: input + output, ...(cost && { cost }) };
}

/** What a call came to: as its provider counted, else the most that it can have been, and said to be that: what a model
 *  thinks is paid for too, and nobody sees how much it is. */
export function spentOf(
  { request, prices }: ModelCallContext,
  { at, target, shape, input, output, isKept }: Plan,
  counted: ModelUsage | undefined,
): ModelSpent {
  if (request.dialect.op === 'read' || isKept === true) return NOTHING;
  const usage: ModelUsage = counted ?? { input, output, estimated: true };
  const rates = ratesFor(prices, target, shape, { input: usage.input, at });
  return { usage, ...(rates === undefined ? {} : { rates }) };
}
