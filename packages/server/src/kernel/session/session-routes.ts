import type { IncomingMessage, ServerResponse } from 'node:http';
import { type CredentialRecord, type DecisionCode, PROBLEMS } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  encodeUtf8,
  isTalosAuthorization,
  isTrustError,
  readRequestHeaders,
  TrustError,
} from '@talosprotocol/protocol';
import { readBody } from '../../platform/body.js';
import { clientAddress } from '../../platform/client-address.js';
import { readJson, sendJson } from '../../platform/json-exchange.js';
import { presentedToken } from '../../platform/presented-token.js';
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
      audit: 'decision',
      maxBody: 0,
      handle: async (request, response, context) => {
        limiter.take(addressOf(request));
        const denial = newDenial('sessions/close', request, context, deps);
        await orDenied(response, denial, () => close(denial));
        response.writeHead(204).end();
      },
    },
  ];
}

/** The client's address: that of its socket, or what a node of ours says who passed the request on. */
export function addressOf(request: IncomingMessage): string {
  return clientAddress(request);
}

async function close(denial: Denial): Promise<void> {
  const { request, context, deps } = denial;
  const { sessions, crypto } = deps;
  const { credential, signed } = readRequestHeaders(request.rawHeaders);
  const authorization = credential?.name === 'authorization' ? credential.value : undefined;
  if (authorization === undefined) throw new TrustError('NO_CAPABILITY', 'the session must end itself');
  denial.credential = credentialOfClosing(authorization, crypto);
  sessions.peek(authorization);
  const body = await readBody(request, { maxBytes: 0, timeoutMs: 10_000 });
  const { method = '', url: target = '' } = request;
  sessions.close(context.params['sid'] ?? '', authorization, { method, target, headers: signed, body });
}

/** As of any other request with a session (AUD-5). */
function credentialOfClosing(authorization: string, crypto: CryptoProvider): CredentialRecord {
  if (!isTalosAuthorization(authorization)) return NOTHING;
  return { kind: 'session', ...presentedToken(authorization, (text) => crypto.sha256Hex(encodeUtf8(text))) };
}

async function open(
  request: IncomingMessage,
  response: ServerResponse,
  context: RequestContext,
  deps: SessionRoutesDeps,
): Promise<void> {
  deps.limiter.take(addressOf(request));
  const denial = newDenial('sessions/open', request, context, deps);
  await orDenied(response, denial, async () => {
    if (request.headers.authorization !== undefined) throw new TrustError('MALFORMED', 'a second credential');
    const body = await readJson(request, context);
    denial.credential = credentialOfOpening(body, deps.crypto);
    const address = `${request.headers.host ?? ''}${request.url ?? ''}`;
    const session = await deps.sessions.open(body, { method: request.method ?? '', address });
    sendJson(response, 201, { session });
  });
}

/** What a refusal is recorded with. */
interface Denial {
  readonly action: { readonly method: string };
  /** What was presented, as far as it was read. */
  credential: CredentialRecord;
  readonly request: IncomingMessage;
  readonly context: RequestContext;
  readonly deps: SessionRoutesDeps;
}

const NOTHING: CredentialRecord = { kind: 'none' };

function newDenial(
  method: string,
  request: IncomingMessage,
  context: RequestContext,
  deps: SessionRoutesDeps,
): Denial {
  return { action: { method }, credential: NOTHING, request, context, deps };
}

async function orDenied(response: ServerResponse, denial: Denial, step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    const receipt = await recordDenial(error, denial);
    if (receipt !== undefined) response.setHeader('x-talos-receipt', receipt);
    throw error;
  }
}

/** Durable before it is answered, like every denial; gives the receipt's id. What is no decision (a fault of ours, a
 *  body that never arrived) is not recorded as one. */
async function recordDenial(
  error: unknown,
  { action, credential, request, context, deps }: Denial,
): Promise<string | undefined> {
  if (!isTrustError(error) || !PROBLEMS[error.code].decision) return undefined;
  const { link, caveat } = error.data;
  const recorded = await deps.events.denied({
    request: context.requestId,
    address: addressOf(request),
    code: error.code as DecisionCode,
    credential,
    action,
    where: { ...(link === undefined ? {} : { link }), ...(caveat === undefined ? {} : { caveat }) },
  });
  return recorded === undefined ? undefined : `rcp_${recorded.id.slice('evt_'.length)}`;
}
