import type { IncomingMessage } from 'node:http';
import { SERVER_NAME } from '@talosprotocol/contracts';
import type { JsonObject } from '@talosprotocol/protocol';
import { readBody } from '../../platform/body.js';
import type { RequestContext, RouteHandler } from '../../platform/routes.js';
import { arrivalOf } from '../admission/arrival.js';
import type { Admission, Surface, Verdict } from '../admission/call.js';
import type { PolicyView } from '../admission/ports.js';
import { answerOf, answerOfError, type Decided, type McpAnswer, NOTHING, sendAnswer } from './answer.js';
import type { Catalogue } from './catalogue.js';
import type { InFlight } from './in-flight.js';
import { parseMessage } from './message.js';
import { serveMethod, serveNotification, withServerInfo } from './methods.js';
import { ERA_2025, type McpMessage, RPC, RpcFault } from './rpc.js';
import { checkCallParams, toolCall } from './tool-call.js';

export interface McpFrontDeps {
  readonly admission: Admission;
  readonly policy: PolicyView;
  readonly catalogue: Catalogue;
  readonly inFlight: InFlight;
}

/** Serves `POST /mcp` and `POST /mcp/:server`: one JSON-RPC message in, one JSON answer out. */
export function createMcpFront(deps: McpFrontDeps): RouteHandler {
  return async (request, response, context) => {
    const tracked = { done: (): void => undefined };
    const surface = createSurface(deps, request, context, tracked);
    const arrival = arrivalOf(request, context);
    try {
      const verdict = await deps.admission(arrival, surface);
      const served = verdict.kind === 'identified' ? serve(deps, verdict, context) : undefined;
      sendAnswer(response, served ? await served : answerOf(verdict as Decided, context.requestId));
    } catch (error) {
      sendAnswer(response, answerOfError(error, surface.current(), context));
    } finally {
      tracked.done();
    }
  };
}

type McpSurface = Surface<McpMessage, JsonObject> & { readonly current: () => McpMessage | undefined };

function createSurface(
  deps: McpFrontDeps,
  request: IncomingMessage,
  context: RequestContext,
  tracked: { done: () => void },
): McpSurface {
  const route = context.params['server'];
  const server = route !== undefined && SERVER.test(route) ? { server: route } : {};
  let current: McpMessage | undefined;
  return {
    name: 'mcp',
    action: { method: 'unread', ...server },
    current: () => current,
    async read(headers, isRefused) {
      const { bodyBytes, bodyMs } = deps.policy().limits;
      const maxBytes = isRefused ? Math.min(bodyBytes, MAX_REFUSED_BODY) : bodyBytes;
      const body = await readBody(request, { maxBytes, timeoutMs: bodyMs });
      const message = parseMessage(body, headers, maxBytes);
      checkParams(message);
      current = message;
      return { body, message };
    },
    actionOf: ({ method }) => ({ method, ...server }),
    callOf(message, caller) {
      if (!isToolCall(message) || message.id === undefined) return undefined;
      let cancelled = context.signal;
      if (message.era === ERA_2025) {
        // In this revision a closed connection does not cancel; a notification does.
        const entry = deps.inFlight.add(caller, message.id);
        tracked.done = entry.done;
        cancelled = entry.signal;
      }
      const { catalogue } = deps;
      const { requestId } = context;
      return toolCall({ message, caller, route, policy: deps.policy(), catalogue, requestId, cancelled });
    },
  };
}

const SERVER = new RegExp(SERVER_NAME);
/** Whoever proved nothing makes us hold and parse no more than this. */
const MAX_REFUSED_BODY = 16_384;

function isToolCall({ kind, method }: McpMessage): boolean {
  return kind === 'request' && method === 'tools/call';
}

function checkParams(message: McpMessage): void {
  const wrong = isToolCall(message) ? checkCallParams(message.params) : undefined;
  if (wrong !== undefined) throw new RpcFault(200, RPC.invalidParams, wrong, message.id ?? null);
}

type Identified = Extract<Verdict<McpMessage, JsonObject>, { kind: 'identified' }>;

async function serve(
  { catalogue, inFlight }: McpFrontDeps,
  { message, caller }: Identified,
  context: RequestContext,
): Promise<McpAnswer> {
  const route = context.params['server'];
  const method = { message, caller, route, catalogue, inFlight, signal: context.signal };
  if (message.kind === 'request') {
    const result = withServerInfo(await serveMethod(method), message.era);
    return { status: 200, id: message.id ?? null, body: { result } };
  }
  if (message.kind === 'notification') serveNotification(method);
  return NOTHING;
}
