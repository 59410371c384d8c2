import type { IncomingMessage, ServerResponse } from 'node:http';
import { type DecisionCode, PROBLEMS } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  isTrustError,
  type JsonObject,
  readRequestHeaders,
  TrustError,
} from '@talosprotocol/protocol';
import { readBody } from '../../platform/body.js';
import { clientAddress } from '../../platform/client-address.js';
import { readJson, sendJson } from '../../platform/json-exchange.js';
import type { RequestContext, Route } from '../../platform/routes.js';
import type { Events } from '../events.js';
import type { RateLimiter } from '../ports.js';
import { credentialOfOpening, type Sessions } from './sessions.js';

export interface SessionRoutesDeps {
  readonly sessions: Sessions;
  readonly events: Pick<Events, 'denied'>;
  readonly limiter: RateLimiter;
  readonly crypto: CryptoProvider;
}

/** Routes an agent opens and ends sessions with: for the kernel's listener and for the gateway's. */
export function createSessionRoutes(deps: SessionRoutesDeps): readonly Route[] {
  const { sessions, limiter } = deps;
  return [
    {
      method: 'POST',
      path: '/talos/v1/nonces',
      surface: 'agent',
      audit: 'none',
      maxBody: 0,
      handle: (request, response) => {
        limiter.take(addressOf(request));
        sendJson(response, 201, sessions.nonce());
      },
    },
    {
      method: 'POST',
      path: '/talos/v1/sessions',
      surface: 'agent',
      audit: 'decision',
      handle: (request, response, context) => open(request, response, context, deps),
    },
    {
      method: 'DELETE',
      path: '/talos/v1/sessions/:sid',
      surface: 'agent',
      audit: 'none',
      maxBody: 0,
      handle: async (request, response, { params }) => {
        limiter.take(addressOf(request));
        const { credential, signed } = readRequestHeaders(request.rawHeaders);
        const authorization = credential?.name === 'authorization' ? credential.value : undefined;
        if (authorization === undefined) throw new TrustError('NO_CAPABILITY', 'the session must end itself');
        sessions.peek(authorization);
        const body = await readBody(request, { maxBytes: 0, timeoutMs: 10_000 });
        const { method = '', url: target = '' } = request;
        sessions.close(params['sid'] ?? '', authorization, { method, target, headers: signed, body });
        response.writeHead(204).end();
      },
    },
  ];
}

/** The client's address: that of its socket, or what a node of ours says who passed the request on. */
export function addressOf(request: IncomingMessage): string {
  return clientAddress(request);
}

async function open(
  request: IncomingMessage,
  response: ServerResponse,
  context: RequestContext,
  deps: SessionRoutesDeps,
): Promise<void> {
  deps.limiter.take(addressOf(request));
  let body: JsonObject = {};
  try {
    if (request.headers.authorization !== undefined) throw new TrustError('MALFORMED', 'a second credential');
    body = await readJson(request, context);
    const address = `${request.headers.host ?? ''}${request.url ?? ''}`;
    const session = await deps.sessions.open(body, { method: request.method ?? '', address });
    sendJson(response, 201, { session });
  } catch (error) {
    const receipt = await recordDenial(error, body, { request, context, deps });
    if (receipt !== undefined) response.setHeader('x-talos-receipt', receipt);
    throw error;
  }
}

/** Durable before it is answered, like every denial; gives the receipt's id. What is no decision (a fault of ours, a
 *  body that never arrived) is not recorded as one. */
async function recordDenial(
  error: unknown,
  body: JsonObject,
  { request, context, deps }: { request: IncomingMessage; context: RequestContext; deps: SessionRoutesDeps },
): Promise<string | undefined> {
  if (!isTrustError(error) || !PROBLEMS[error.code].decision) return undefined;
  const { link, caveat } = error.data;
  const recorded = await deps.events.denied({
    request: context.requestId,
    address: addressOf(request),
    code: error.code as DecisionCode,
    credential: credentialOfOpening(body, deps.crypto),
    action: { method: 'sessions/open' },
    where: { ...(link === undefined ? {} : { link }), ...(caveat === undefined ? {} : { caveat }) },
  });
  return recorded === undefined ? undefined : `rcp_${recorded.id.slice('evt_'.length)}`;
}
