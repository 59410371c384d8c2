import type { IncomingMessage } from 'node:http';
import { createChecker, RequestId, type WellKnown } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import { readJson, sendJson } from '../platform/json-exchange.js';
import type { Route, RouteHandler } from '../platform/routes.js';
import type { Authorizing } from './capability/authorizing.js';
import type { Issuing } from './capability/issuing.js';
import type { Authorize, DecisionLookup, RateLimiter } from './ports.js';
import { callerOf } from './rbac/routes.js';
import { parseRevokeRequest, type Revoking } from './revocation/revoking.js';
import { addressOf } from './session/session-routes.js';

export interface RoutesDeps {
  readonly issuing: Issuing;
  readonly revoking: Revoking;
  readonly authorizing: Authorizing;
  readonly decisions: DecisionLookup;
  readonly limiter: RateLimiter;
  /** The listener checks callers of the surface `admin`; we those of a revocation without signature. */
  readonly authorize: Authorize;
  readonly wellKnown: WellKnown;
}

const admin = (
  method: 'GET' | 'POST',
  path: string,
  permission: NonNullable<Route['permission']>,
  handle: RouteHandler,
  maxBody?: number,
): Route => ({
  method,
  path,
  surface: 'admin',
  permission,
  audit: method === 'POST' ? 'administration' : 'none',
  ...(maxBody === undefined ? {} : { maxBody }),
  handle,
});

const ARGUMENTS = 1024 * 1024;

/** Routes of the administrator, for the kernel's listener only. */
export function createAdminRoutes(deps: RoutesDeps): readonly Route[] {
  const { issuing, authorizing } = deps;
  return [
    admin('POST', '/talos/v1/capabilities', 'capability:issue', async (request, response, context) => {
      sendJson(response, 201, await issuing.issue(await readJson(request, context), callerOf(context)));
    }),
    admin(
      'POST',
      '/talos/v1/authorize',
      'capability:authorize',
      async (request, response, context) => {
        sendJson(response, 200, await authorizing.decide(await readJson(request, context, { floats: true })));
      },
      ARGUMENTS,
    ),
    {
      ...admin('GET', '/talos/v1/requests/:request', 'audit:read', async (_, response, { params }) => {
        sendJson(response, 200, await findRequest(params['request'] ?? '', deps.decisions));
      }),
      place: { kind: 'trace', attributes: { trace_id: 'request' } },
    },
  ];
}

/** Routes for everybody, for the kernel's listener and for the gateway's. */
export function createPublicRoutes(deps: RoutesDeps): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/.well-known/talos.json',
      surface: 'public',
      audit: 'none',
      handle: (_, response) => sendJson(response, 200, deps.wellKnown),
    },
    {
      method: 'POST',
      path: '/talos/v1/revocations',
      surface: 'agent',
      // Of an administrator; a signed revocation speaks for itself.
      permission: 'capability:revoke',
      audit: 'administration',
      handle: async (request, response, context) => {
        deps.limiter.take(addressOf(request));
        const stated = parseRevokeRequest(await readJson(request, context));
        sendJson(response, 200, await revoke(stated, request, deps));
      },
    },
  ];
}

/** A signed revocation speaks for itself; a bare `lid` is an administrator's word. */
async function revoke(
  stated: ReturnType<typeof parseRevokeRequest>,
  request: IncomingMessage,
  { revoking, authorize }: RoutesDeps,
) {
  if ('jws' in stated) return revoking.revokeSigned(stated.jws);
  const administrator = await authorize(request, 'capability:revoke');
  return revoking.revokeAsAdministrator(stated.target, administrator);
}

const checkRequestId = createChecker(RequestId);

/** A refusal without a receipt has no event of its own (AUD-88). */
const COUNTED =
  'a refusal without a receipt was only counted, as its source had more than limits.denialsPerMinute in that minute: talos audit tail --type denials shows the event it is counted in, a minute later';

async function findRequest(id: string, decisions: DecisionLookup) {
  if (checkRequestId(id) !== undefined) throw new TrustError('MALFORMED', 'not the id of a request');
  const record = await decisions.findRequest(id);
  if (record === undefined)
    throw new TrustError('NOT_FOUND', 'no decision of this request is in the log', { hint: COUNTED });
  return record;
}
