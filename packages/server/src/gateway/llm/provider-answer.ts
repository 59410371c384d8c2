import { modelCost, TrustError } from '@talosprotocol/protocol';
import { readAll } from '../../platform/read-all.js';
import type { Secret } from '../../platform/secret.js';
import type { Dispatched, Failure } from '../admission/call.js';
import type { Ended, ModelSpent } from '../admission/ended.js';
import type { ModelAnswer } from './answer.js';
import type { StreamReader } from './dialect.js';
import { type ModelCallContext, NOTHING, type Plan, spentOf } from './plan.js';
import { parseProviderObject } from './provider-json.js';
import { statusOf } from './status.js';
import { createModelStream } from './stream.js';
import { failed, type UpstreamAnswer } from './upstream.js';

/** A provider that refuses has done nothing that costs. What it says is passed on where it concerns the request, and kept
 *  back where it concerns the operator: it may name a key. */
export async function refused(
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

/** Undefined if it is not what a client of the protocol can read. */
function withoutKey(text: string, key: Secret<string> | undefined): string | undefined {
  if (key !== undefined && text.includes(key.reveal())) return undefined;
  try {
    return JSON.stringify(parseProviderObject(text));
  } catch {
    return undefined;
  }
}

export async function whole(
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

export function failedAfter(
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

export function streamed(
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

function headersOf({ target }: Plan, type: string, spent?: ModelSpent): Record<string, string> {
  const model = `${target.provider.name}/${target.model}`;
  const cost =
    spent?.rates === undefined
      ? {}
      : { 'x-talos-cost': `${modelCost(spent.usage, spent.rates)} ${spent.rates.currency}` };
  return { 'content-type': type, 'x-talos-model': model, ...cost };
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

const statusOfCode = ({ code }: Failure): number =>
  code === 'INTERNAL' ? 500 : code === 'REVOKED' ? 401 : 502;
