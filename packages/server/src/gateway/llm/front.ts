import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TrustError } from '@talosprotocol/protocol';
import { readBody } from '../../platform/body.js';
import { assertJson } from '../../platform/json-exchange.js';
import type { RequestContext, RouteHandler } from '../../platform/routes.js';
import { arrivalOf } from '../admission/arrival.js';
import type { Admission, Arrival, Surface, Verdict } from '../admission/call.js';
import type { Policy, PolicyView } from '../admission/ports.js';
import { budgetHeaders } from '../budgets/report.js';
import { modelRateHeaders } from '../limits/report.js';
import { type ModelAnswer, sendModelAnswer } from './answer.js';
import { betasOf } from './betas.js';
import type { BodyRoom, BodyShare } from './body-room.js';
import type { Dialect } from './dialect.js';
import type { Hedging } from './hedging.js';
import { modelCall } from './model-call.js';
import type { ModelTarget } from './model-name.js';
import { type ModelCallDeps, type ModelRequest, ownerOf } from './plan.js';
import { failureOf, refuse, refuseCaller, type Told } from './refusal.js';
import { parseModelBody } from './request-body.js';
import { canBeSaid } from './translate/wire.js';

export interface ModelFrontDeps extends Omit<ModelCallDeps, 'answerBytes'> {
  readonly admission: Admission;
  readonly policy: PolicyView;
  readonly hedging: Hedging;
  readonly bodies: BodyRoom;
}

/** Serves the route of one protocol: `POST /v1/chat/completions`, `POST /anthropic/v1/messages`. */
export function createModelFront(deps: ModelFrontDeps, dialect: Dialect): RouteHandler {
  return async (request, response, context) => {
    // Until the last of its answer: so long its body is kept.
    const share = deps.bodies.enter();
    try {
      const surface = createSurface(deps, dialect, share, request, context);
      await serve(deps, surface, { dialect, response, context }, arrivalOf(request, context));
    } finally {
      share.leave();
    }
  };
}

type ModelSurface = Surface<ModelRequest, ModelAnswer>;

async function serve(
  { admission }: ModelFrontDeps,
  surface: ModelSurface,
  told: Told,
  arrival: Arrival,
): Promise<void> {
  let verdict: Verdict<ModelRequest, ModelAnswer>;
  try {
    verdict = await admission(arrival, surface);
  } catch (error) {
    return refuse(told, failureOf(error, told.context), undefined);
  }
  const { receipt } = 'receipt' in verdict ? verdict : { receipt: undefined };
  if (verdict.kind === 'answered') return answer(told.response, verdict);
  if (verdict.kind === 'denied') return refuse({ ...told, rates: verdict.rates }, verdict.refusal, receipt);
  if (verdict.kind === 'unauthenticated') return refuseCaller(told, verdict.refusal, receipt);
  throw new TypeError('a call of a model is always decided');
}

type Answered = Extract<Verdict<ModelRequest, ModelAnswer>, { kind: 'answered' }>;

function answer(
  response: ServerResponse,
  { answer: given, receipt, rates, warnings }: Answered,
): Promise<void> {
  const own = { ...modelRateHeaders(rates), ...budgetHeaders(warnings) };
  const headers = { ...own, ...given.headers, 'x-talos-receipt': receipt };
  return sendModelAnswer(response, { ...given, headers });
}

function createSurface(
  deps: ModelFrontDeps,
  dialect: Dialect,
  share: BodyShare,
  request: IncomingMessage,
  { requestId }: RequestContext,
): ModelSurface {
  return {
    name: 'llm',
    action: { method: dialect.method },
    keyHeaders: KEY_HEADERS,
    async read(_, isRefused, principal) {
      assertJson(request);
      const { bodyBytes, modelBodyBytes, bodyMs } = deps.policy().limits;
      const ordinary = Math.min(bodyBytes, modelBodyBytes);
      // Who shows by the body itself that it is he may have sent any.
      const maxBytes = isRefused ? 0 : principal === undefined ? ordinary : modelBodyBytes;
      const noRoom = (size: number): TrustError | undefined =>
        size > ordinary ? share.grow(size - ordinary, principal ?? '') : undefined;
      const bytes = await readBody(request, { maxBytes, timeoutMs: bodyMs, noRoom });
      const body = parseModelBody(bytes, { maxBytes, ordinary });
      const betas = dialect.api === 'anthropic' ? betasOf(request.headers['anthropic-beta']) : [];
      return { body: bytes, message: { dialect, body, bytes, betas, wantsNew: wantsNew(request) } };
    },
    actionOf: () => ({ method: dialect.method }),
    callOf(message, caller) {
      const { hash, providers, aliases, limits, rates, budgets, guards } = deps.policy();
      const { model } = message.body;
      const alias = typeof model === 'string' ? aliases.get(model) : undefined;
      const { op } = dialect;
      const ids = alias && dialect.references?.idsIn(message.body);
      const canBeAsked = (target: ModelTarget): boolean => {
        const owner = ownerOf({ caller }, target.provider);
        return canBeSaid(message, target) && (ids ?? []).every((id) => deps.given.has(owner, id));
      };
      const asks = { by: dialect, canBeAsked, op, capability: caller.capability };
      const { prices, upstreams, secret, now, cache, routing, monotonic } = deps;
      // Member by member: to add as many to an object that was spread takes longer than all the rest of this.
      return modelCall({
        prices,
        upstreams,
        secret,
        now,
        guards: deps.guards,
        cache,
        given: deps.given,
        routing,
        monotonic,
        request: message,
        providers,
        targets: alias && routing.candidates(alias, asks),
        hedge: alias && deps.hedging.of(alias),
        budgets,
        guardPolicies: guards,
        policyHash: hash,
        // Of small values as many as a body may have: whoever refers to them sends none of their bytes.
        referredBytes: Math.min(limits.bodyBytes, limits.modelBodyBytes),
        caller,
        hasLeft: () => request.socket.destroyed,
        whenLeft: (tell) => whenClosed(request.socket, tell),
        requestId,
        answerBytes: limits.answerBytes,
        isRated: rates.some(countsTokens),
      });
    },
  };
}

/** Calls once it is closed, or if it is; what it gives ends that. */
function whenClosed(socket: Socket, tell: () => void): () => void {
  socket.once('close', tell);
  if (socket.destroyed) tell();
  return () => void socket.off('close', tell);
}

/** Clients say it as HTTP has it; none of it goes further. */
const wantsNew = ({ headers }: IncomingMessage): boolean =>
  /(?:^|[\s,])no-(?:cache|store)(?:$|[\s,])/i.test(headers['cache-control'] ?? '');

const countsTokens = ({ tokens }: Policy['rates'][number]): boolean => tokens !== undefined;

/** Where official clients put their key besides `Authorization`. */
export const KEY_HEADERS: ReadonlySet<string> = new Set(['x-api-key', 'api-key']);
