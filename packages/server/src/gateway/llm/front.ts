import type { IncomingMessage, ServerResponse } from 'node:http';
import { PROBLEMS, type ProblemCode } from '@talosprotocol/contracts';
import { isTrustError, parseJsonObject } from '@talosprotocol/protocol';
import { readBody } from '../../platform/body.js';
import { clientAddress } from '../../platform/client-address.js';
import { assertJson } from '../../platform/json-exchange.js';
import type { RequestContext, RouteHandler } from '../../platform/routes.js';
import type { Admission, Failure, Surface, Verdict } from '../admission/call.js';
import { toRefusal } from '../admission/hint.js';
import type { Policy, PolicyView } from '../admission/ports.js';
import { modelRateHeaders, type RateReport } from '../limits/report.js';
import { type ModelAnswer, sendModelAnswer } from './answer.js';
import type { Dialect } from './dialect.js';
import { type ModelCallDeps, type ModelRequest, modelCall } from './model-call.js';

export interface ModelFrontDeps extends Omit<ModelCallDeps, 'answerBytes'> {
  readonly admission: Admission;
  readonly policy: PolicyView;
}

/** Serves the route of one protocol: `POST /v1/chat/completions`, `POST /anthropic/v1/messages`. */
export function createModelFront(deps: ModelFrontDeps, dialect: Dialect): RouteHandler {
  return async (request, response, context) => {
    const surface = createSurface(deps, dialect, request, context);
    const arrival = {
      requestId: context.requestId,
      address: clientAddress(request),
      rawHeaders: request.rawHeaders,
      method: request.method ?? '',
      target: request.url ?? '',
    };
    const told = { dialect, response, context };
    let verdict: Verdict<ModelRequest, ModelAnswer>;
    try {
      verdict = await deps.admission(arrival, surface);
    } catch (error) {
      return refuse(told, failureOf(error, context), undefined);
    }
    const { receipt } = 'receipt' in verdict ? verdict : { receipt: undefined };
    if (verdict.kind === 'answered') return answer(response, verdict);
    if (verdict.kind === 'denied') return refuse({ ...told, rates: verdict.rates }, verdict.refusal, receipt);
    if (verdict.kind === 'unauthenticated')
      return refuse(told, verdict.refusal, receipt, UNREADABLE.has(verdict.refusal.code) ? 401 : undefined);
    throw new TypeError('a call of a model is always decided');
  };
}

type Answered = Extract<Verdict<ModelRequest, ModelAnswer>, { kind: 'answered' }>;

function answer(response: ServerResponse, { answer: given, receipt, rates }: Answered): Promise<void> {
  const headers = { ...modelRateHeaders(rates), ...given.headers, 'x-talos-receipt': receipt };
  return sendModelAnswer(response, { ...given, headers });
}

interface Told {
  readonly dialect: Dialect;
  readonly response: ServerResponse;
  readonly context: RequestContext;
  readonly rates?: RateReport | undefined;
}

/** Of a credential these say that it is none, as official clients expect it to be told. */
const UNREADABLE: ReadonlySet<string> = new Set(['MALFORMED', 'REPLAY']);

/** A refusal in the form of the protocol. Official clients try again what says that it helps, and nothing else. */
function refuse(
  { dialect, response, context, rates }: Told,
  failure: Failure,
  receipt: string | undefined,
  as?: number,
): Promise<void> {
  const { status: own, retryable } = PROBLEMS[failure.code];
  const status = as ?? own;
  const body = JSON.stringify(dialect.error({ status, failure, requestId: context.requestId, receipt }));
  const headers = {
    'content-type': 'application/json',
    'x-should-retry': String(retryable),
    ...(retryable ? { 'retry-after': '1' } : {}),
    ...modelRateHeaders(rates),
    ...(status === 401 ? { 'www-authenticate': 'Bearer realm="talos"' } : {}),
    ...(receipt === undefined ? {} : { 'x-talos-receipt': receipt }),
  };
  return sendModelAnswer(response, { status, headers, body });
}

function failureOf(error: unknown, { log }: RequestContext): Failure {
  const code: ProblemCode = isTrustError(error) ? error.code : 'INTERNAL';
  if (code !== 'INTERNAL') return { ...toRefusal(error), code };
  log.error('a call of a model failed', { err: error });
  return { code, hint: 'Something failed on our side; the request id finds it in the log.' };
}

function createSurface(
  deps: ModelFrontDeps,
  dialect: Dialect,
  request: IncomingMessage,
  { requestId }: RequestContext,
): Surface<ModelRequest, ModelAnswer> {
  return {
    name: 'llm',
    action: { method: dialect.method },
    keyHeaders: KEY_HEADERS,
    async read(_, isRefused) {
      assertJson(request);
      const { bodyBytes, bodyMs } = deps.policy().limits;
      const maxBytes = isRefused ? 0 : bodyBytes;
      const bytes = await readBody(request, { maxBytes, timeoutMs: bodyMs });
      const body = parseJsonObject(bytes, { floats: true, maxBytes });
      return { body: bytes, message: { dialect, body, bytes } };
    },
    actionOf: () => ({ method: dialect.method }),
    callOf(message, caller) {
      const { providers, limits, rates } = deps.policy();
      return modelCall({
        ...deps,
        request: message,
        providers,
        caller,
        requestId,
        answerBytes: limits.answerBytes,
        isRated: rates.some(countsTokens),
      });
    },
  };
}

const countsTokens = ({ tokens }: Policy['rates'][number]): boolean => tokens !== undefined;

/** Where official clients put their key besides `Authorization`. */
const KEY_HEADERS: ReadonlySet<string> = new Set(['x-api-key', 'api-key']);
