import type { Readable } from 'node:stream';
import type { GuardVerdict, ModelUsage } from '@talosprotocol/contracts';
import { isJsonObject, type JsonObject, modelCost, TrustError } from '@talosprotocol/protocol';
import { readAll } from '../../platform/read-all.js';
import type { Secret } from '../../platform/secret.js';
import type { Dispatched, Failure } from '../admission/call.js';
import type { Ended, ModelSpent } from '../admission/ended.js';
import { type GuardedRequest, guardHeaders } from '../guard/guards.js';
import { type ModelAnswer, readOn } from './answer.js';
import type { AnswerKeeper } from './answer-cache.js';
import type { StreamReader } from './dialect.js';
import { type ModelCallContext, NOTHING, ownerOf, type Plan, spentOf } from './plan.js';
import {
  isNoAnswer,
  isOfAccount,
  saysFailed,
  toldRefusal,
  unlisted,
  withToldError,
} from './provider-error.js';
import { parseProviderObject } from './provider-json.js';
import type { References } from './references.js';
import { isForAnother, statusOf } from './status.js';
import { createModelStream } from './stream.js';
import { toldModel } from './told-model.js';
import type { Wire } from './translate/wire.js';
import { failed, type UpstreamAnswer } from './upstream.js';

/** A provider that refuses has done nothing that costs, unless it counts it. What it says is passed on where it concerns the
 *  request, and kept back where it concerns the operator: it may name a key. */
export async function refused(
  context: ModelCallContext,
  plan: Plan,
  answer: UpstreamAnswer,
  { key, signal }: { readonly key: Secret<string> | undefined; readonly signal: AbortSignal },
): Promise<Dispatched<ModelAnswer>> {
  const { wire, guarded } = plan;
  const text = await saidSoon(answer.body);
  const told = statusOf(answer.status, text !== undefined && isOfAccount(text));
  const guardedText = told.passed && text !== undefined ? await passedBy(guarded, text) : undefined;
  const said = guardedText === undefined ? undefined : saidOf(guardedText, key, wire);
  const retry = answer.retryAfter === undefined ? {} : { 'retry-after': String(answer.retryAfter) };
  const counted = text === undefined ? undefined : countedIn(text, wire);
  const spent = counted === undefined ? NOTHING : spentOf(context, plan, counted);
  const ended: Ended = { status: 'failed', spent };
  if (signal.aborted) throw failed(undefined, signal);
  const hint = said?.words === undefined ? told.hint : `${told.hint} It says: ${said.words}`;
  const own = failureAnswer(context, { code: 'UPSTREAM_FAILED', hint }, undefined, told.status);
  const shown = said?.body === undefined ? own : { ...own, body: said.body };
  return {
    answer: { ...shown, headers: { ...shown.headers, ...retry } },
    ended: Promise.resolve(ended),
    isFailure: true,
    isForAnother: isForAnother(answer.status, told),
  };
}

const MAX_ERROR = 65_536;
const MAX_ERROR_MS = 2_000;

/** What a refusal says, unless that is too long, or too long in coming: another model may be waiting to be asked. */
async function saidSoon(body: Readable): Promise<string | undefined> {
  const timer = setTimeout(() => body.destroy(), MAX_ERROR_MS).unref();
  try {
    return unlisted(await readAll(body, { maxBytes: MAX_ERROR }));
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** What a refusal says that its provider has done for it: a model may have written what is refused then. */
function countedIn(text: string, { dialect }: Wire): ModelUsage | undefined {
  try {
    return dialect.usageOf(parseProviderObject(text));
  } catch {
    return undefined;
  }
}

/** What guards let pass of what a provider says: it may repeat what it was sent, or say anything else. */
async function passedBy(guarded: GuardedRequest | undefined, text: string): Promise<string | undefined> {
  if (guarded === undefined) return text;
  try {
    const { message, refusal } = await guarded.whole(parseProviderObject(text));
    return refusal === undefined ? JSON.stringify(message) : undefined;
  } catch {
    return undefined;
  }
}

/** What a provider says of a refusal. */
interface Said {
  /** In the form of its protocol. */
  readonly body?: string;
  /** Where it has another form: what it says, for ours. */
  readonly words?: string;
}

const MAX_WORDS = 512;

/** Undefined if it says nothing that can be read, or says its key. */
function saidOf(text: string, key: Secret<string> | undefined, { back }: Wire): Said | undefined {
  try {
    const body = parseProviderObject(text);
    // Also one that is written in escapes, as it would come out of here.
    const shown = [text, JSON.stringify(body)];
    if (key !== undefined && shown.some((one) => repeats(one, key))) return undefined;
    const { error } = body;
    const told = back === undefined ? toldRefusal(body) : undefined;
    if (told !== undefined) return { body: JSON.stringify(told) };
    const inner = error !== undefined && isJsonObject(error) ? error['message'] : undefined;
    const words = inner ?? body['message'] ?? body['Message'] ?? body['detail'];
    return typeof words === 'string' ? { words: words.slice(0, MAX_WORDS) } : undefined;
  } catch {
    return undefined;
  }
}

function keep({ keeper }: Plan, type: string, text: string): void {
  keeper?.add(Buffer.from(text));
  keeper?.done(type);
}

/** Keeps no stream whose provider failed: whoever asks again may be answered. */
function answersOnly(keeper: AnswerKeeper, reader: StreamReader): AnswerKeeper {
  return {
    add: keeper.add,
    done: (type) => {
      if (reader.hasFailed?.() !== true) keeper.done(type);
    },
  };
}

const PART = 8;

/** True if a text holds so many characters of a secret in a row. */
function repeats(text: string, secret: Secret<string>): boolean {
  const known = secret.reveal();
  for (let at = 0; at + PART <= known.length; at += 1)
    if (text.includes(known.slice(at, at + PART))) return true;
  return false;
}

export async function whole(
  context: ModelCallContext,
  plan: Plan,
  answer: UpstreamAnswer,
  signal: AbortSignal,
): Promise<Dispatched<ModelAnswer>> {
  if (answer.type !== 'application/json') return notJson(context, plan, answer, signal);
  const { dialect, back } = plan.wire;
  let text: string;
  let spent: ModelSpent;
  let body: JsonObject;
  try {
    text = await readAll(answer.body, { maxBytes: context.answerBytes });
    const said = parseProviderObject(text);
    const usage = dialect.usageOf(said);
    spent = spentOf(context, plan, usage);
    if (isNoAnswer(said))
      return { ...failedAfter(context, calledSuccess(), spent), isForAnother: !signal.aborted };
    body = withToldError(said);
    if (body !== said) text = JSON.stringify(body);
    // What nobody counted may be no answer at all.
    else if (usage !== undefined && !saysFailed(said)) keep(plan, answer.type, text);
  } catch (error) {
    answer.body.destroy();
    // It has worked for it, whatever came of it.
    const most = spentOf(context, plan, undefined);
    return failedAfter(context, failed(error, signal), most);
  }
  let guards: readonly GuardVerdict[] | undefined;
  const responseModel = toldModel(body['model']);
  const ended = (): ToldEnd => ({ ...(responseModel && { responseModel }), ...(guards && { guards }) });
  try {
    // What has no stream says nothing: it counts, or makes vectors.
    const guarded = dialect.readStream === undefined ? undefined : await plan.guarded?.whole(body);
    guards = guarded?.verdicts;
    if (guarded?.refusal !== undefined) return failedAfter(context, guarded.refusal, spent, ended());
    keepItems(context, plan, ({ ofAnswer }) => ofAnswer(guarded?.message ?? body));
    const shown = guarded === undefined || guarded.message === body ? text : JSON.stringify(guarded.message);
    // As it came, but for guards and a translation: no member that we do not know is changed on its way.
    const told = back === undefined ? shown : JSON.stringify(back.answer(shown));
    return {
      answer: { status: 200, headers: headersOf(plan, 'application/json', { spent, guards }), body: told },
      ended: Promise.resolve({ status: 'completed', spent, ...ended() }),
    };
  } catch (error) {
    const failure = error instanceof TrustError ? error : failed(error, signal);
    return notAgain(failedAfter(context, failure, spent, ended()));
  }
}

/** What came and cannot be told would come again, and be paid again: official clients ask again where nothing says that it is no use. */
function notAgain({ answer, ...rest }: Dispatched<ModelAnswer>): Dispatched<ModelAnswer> {
  return { ...rest, answer: { ...answer, headers: { ...answer.headers, 'x-should-retry': 'false' } } };
}

/** Mostly a page of what stands in front of a provider, which may have worked for it all the same. */
function notJson(
  context: ModelCallContext,
  plan: Plan,
  { body }: UpstreamAnswer,
  signal: AbortSignal,
): Dispatched<ModelAnswer> {
  body.destroy();
  const error = failed(new TrustError('UPSTREAM_FAILED', 'the answer is not JSON'), signal);
  const most = spentOf(context, plan, undefined);
  return { ...failedAfter(context, error, most), isForAnother: !signal.aborted };
}

const calledSuccess = (): TrustError =>
  new TrustError('UPSTREAM_FAILED', 'the provider answered with an error that it calls a success');

/** What the client may refer to later, as it sees it. */
function keepItems(
  context: ModelCallContext,
  { target, wire: { dialect } }: Plan,
  from: (references: References) => readonly JsonObject[],
): void {
  if (dialect.references === undefined) return;
  context.given.keep(ownerOf(context, target.provider), from(dialect.references));
}

/** What is known of an answer besides how it ended. */
type ToldEnd = Pick<Ended, 'guards' | 'responseModel'>;

export function failedAfter(
  context: ModelCallContext,
  error: TrustError,
  spent: ModelSpent,
  told: ToldEnd = {},
): Dispatched<ModelAnswer> {
  const hint =
    `${error.data.reason ?? 'The provider did not answer properly'}. ${error.data.hint ?? ''}`.trim();
  const status = error.code === 'REVOKED' ? 'revoked_during' : 'failed';
  return {
    answer: failureAnswer(context, { code: error.code, hint }, undefined),
    ended: Promise.resolve({ status, spent, code: error.code, ...told }),
    isFailure: true,
  };
}

/** `goesOn` if another model is asked where this one says nothing: until it has, nobody is told that it answers. */
export async function streamed(
  context: ModelCallContext,
  plan: Plan,
  reader: StreamReader,
  {
    body,
    signal,
    goesOn,
  }: { readonly body: Readable; readonly signal: AbortSignal; readonly goesOn: boolean },
): Promise<Dispatched<ModelAnswer>> {
  const { dialect } = context.request;
  const stream = createModelStream({
    source: body,
    reader,
    tell: plan.wire.back?.stream(),
    signal,
    guard: plan.guarded?.stream(),
    keeper: plan.keeper && answersOnly(plan.keeper, reader),
    given: ({ data }) => keepItems(context, plan, ({ ofEvent }) => ofEvent(data)),
    mostPieces: plan.output,
    drainMs: plan.target.provider.times.drain,
    spent: () => spentOf(context, plan, reader.usage()),
    toEvent: (failure) =>
      dialect.errorEvent({ status: 502, failure, requestId: context.requestId, receipt: undefined }),
  });
  const fault = goesOn ? await stream.start() : undefined;
  if (fault !== undefined) {
    const isForAnother = fault.code === 'UPSTREAM_FAILED' && !signal.aborted;
    return { ...failedAfter(context, fault, NOTHING), ended: stream.ended, isForAnother };
  }
  const headers = { ...headersOf(plan, 'text/event-stream'), 'cache-control': 'no-cache' };
  return {
    answer: { status: 200, headers, body: stream },
    ended: stream.ended,
    begun: stream.begun,
    abandon: stream.abandon,
    readOn: () => void readOn(stream).catch(stream.abandon),
  };
}

interface Came {
  readonly spent?: ModelSpent | undefined;
  /** What guards said of the answer. */
  readonly guards?: readonly GuardVerdict[] | undefined;
}

function headersOf(
  { target, guarded, isKept }: Plan,
  type: string,
  { spent, guards = [] }: Came = {},
): Record<string, string> {
  const model = `${target.provider.name}/${target.model}`;
  const cost =
    spent?.rates === undefined
      ? {}
      : { 'x-talos-cost': `${modelCost(spent.usage, spent.rates)} ${spent.rates.currency}` };
  const said = guardHeaders([...(guarded?.verdicts ?? []), ...guards]);
  const kept = isKept === true ? { 'x-talos-cache': 'hit' } : {};
  return { 'content-type': type, 'x-talos-model': model, ...cost, ...kept, ...said };
}

/** A failure after the decision. */
export function failureAnswer(
  { request: { dialect }, requestId }: ModelCallContext,
  failure: Failure,
  receipt: string | undefined,
  status = statusOfCode(failure),
): ModelAnswer {
  const body = JSON.stringify(dialect.error({ status, failure, requestId, receipt }));
  return { status, headers: { 'content-type': 'application/json' }, body };
}

const STATUSES: Partial<Record<Failure['code'], number>> = {
  INTERNAL: 500,
  REVOKED: 401,
  CONTENT_REFUSED: 403,
};
const statusOfCode = ({ code }: Failure): number => STATUSES[code] ?? 502;
