import type { IncomingMessage } from 'node:http';
import {
  BindingRequest,
  BootstrapRequest,
  type Checker,
  CheckRequest,
  createChecker,
  type Principal,
  RoleRequest,
  RotateKeyRequest,
  ServiceAccountChange,
  ServiceAccountRequest,
} from '@talosprotocol/contracts';
import { decodeCursor, GLOBAL, TrustError } from '@talosprotocol/protocol';
import { clientAddress } from '../../platform/client-address.js';
import { readJson, readQuery, sendJson } from '../../platform/json-exchange.js';
import type { RequestContext, Route, RouteHandler } from '../../platform/routes.js';
import type { RateLimiter } from '../ports.js';
import { type Access, forbidden, SELF } from './access.js';
import type { Bindings } from './bindings.js';
import type { Bootstrap } from './bootstrap.js';
import { unauthenticated } from './credential.js';
import type { PageRequest } from './policy-store.js';
import type { Roles } from './roles.js';
import type { ServiceAccounts } from './service-accounts.js';

export interface RbacRoutesDeps {
  readonly access: Access;
  readonly roles: Roles;
  readonly bindings: Bindings;
  readonly accounts: ServiceAccounts;
  readonly bootstrap: Bootstrap;
  readonly limiter: RateLimiter;
}

type Permission = NonNullable<Route['permission']>;

function route(method: Route['method'], path: string, permission: Permission, handle: RouteHandler): Route {
  const audit = method === 'GET' ? 'none' : 'administration';
  return { method, path, surface: 'admin', audit, permission, handle };
}

/** What administers administrators; for the kernel's listener. */
export function createRbacRoutes(deps: RbacRoutesDeps): readonly Route[] {
  return [
    ...roleRoutes(deps),
    ...bindingRoutes(deps),
    ...accountRoutes(deps),
    ...selfRoutes(deps),
    bootstrapRoute(deps),
  ];
}

function roleRoutes({ roles }: RbacRoutesDeps): Route[] {
  const one = '/talos/v1/rbac/roles/:id';
  return [
    route('GET', '/talos/v1/rbac/roles', 'rbac:read', async (_, response, context) =>
      sendJson(response, 200, await roles.list(pageOf(context))),
    ),
    route('GET', one, 'rbac:read', async (_, response, context) =>
      sendJson(response, 200, await roles.find(idOf(context))),
    ),
    route('POST', '/talos/v1/rbac/roles', 'rbac:write', async (request, response, context) => {
      const body = await read<RoleRequest>(request, context, checkRole);
      sendJson(response, 201, await roles.create(callerOf(context), body));
    }),
    route('PUT', one, 'rbac:write', async (request, response, context) => {
      const body = await read<RoleRequest>(request, context, checkRole);
      const version = versionOf(request);
      sendJson(response, 200, await roles.change(callerOf(context), idOf(context), version, body));
    }),
    route('DELETE', one, 'rbac:write', async (request, response, context) => {
      await roles.remove(callerOf(context), idOf(context), versionOf(request));
      response.writeHead(204).end();
    }),
  ];
}

/** Whoever may bind in one place only may do so there: the room asks again with the scope of the binding. */
function bindingRoutes({ bindings }: RbacRoutesDeps): Route[] {
  const one = '/talos/v1/rbac/bindings/:id';
  return [
    route('GET', '/talos/v1/rbac/bindings', 'rbac:read', async (_, response, context) =>
      sendJson(response, 200, await bindings.list(pageOf(context))),
    ),
    route('GET', one, 'rbac:read', async (_, response, context) =>
      sendJson(response, 200, await bindings.find(idOf(context))),
    ),
    {
      ...route('POST', '/talos/v1/rbac/bindings', 'rbac:write', async (request, response, context) => {
        const body = await read<BindingRequest>(request, context, checkBinding);
        sendJson(response, 201, await bindings.create(callerOf(context), body));
      }),
      scoped: true,
    },
    {
      ...route('DELETE', one, 'rbac:write', async (_, response, context) => {
        await bindings.remove(callerOf(context), idOf(context));
        response.writeHead(204).end();
      }),
      scoped: true,
    },
  ];
}

function accountRoutes({ accounts }: RbacRoutesDeps): Route[] {
  const one = '/talos/v1/rbac/service-accounts/:id';
  return [
    route('GET', '/talos/v1/rbac/service-accounts', 'rbac:read', async (_, response, context) =>
      sendJson(response, 200, await accounts.list(pageOf(context))),
    ),
    inSecret(
      route('GET', one, 'rbac:read', async (_, response, context) =>
        sendJson(response, 200, await accounts.find(idOf(context))),
      ),
    ),
    route('POST', '/talos/v1/rbac/service-accounts', 'rbac:write', async (request, response, context) => {
      const body = await read<ServiceAccountRequest>(request, context, checkAccount);
      sendJson(response, 201, await accounts.create(callerOf(context), body));
    }),
    inSecret(
      route('PUT', one, 'rbac:write', async (request, response, context) => {
        const { disabled } = await read<ServiceAccountChange>(request, context, checkChange);
        const version = versionOf(request);
        const caller = callerOf(context);
        sendJson(response, 200, await accounts.setDisabled(caller, idOf(context), version, disabled));
      }),
    ),
    inSecret(
      route(
        'POST',
        '/talos/v1/rbac/service-accounts/:id/keys',
        'rbac:write',
        async (request, response, context) => {
          const body = await read<RotateKeyRequest>(request, context, checkRotate);
          sendJson(response, 201, await accounts.rotate(callerOf(context), idOf(context), body));
        },
      ),
    ),
  ];
}

/** The keys of an account are a secret, named by its id (RBAC-18). */
function inSecret(one: Route): Route {
  return { ...one, place: { kind: 'secret', attributes: { secret_id: 'id' } } };
}

function selfRoutes({ access, bindings }: RbacRoutesDeps): Route[] {
  return [
    route('GET', '/talos/v1/rbac/whoami', SELF, async (_, response, context) => {
      const principal = callerOf(context);
      const own = (await bindings.of(principal.subjects)).slice(0, 500);
      sendJson(response, 200, { principal, bindings: own });
    }),
    route('POST', '/talos/v1/rbac/check', SELF, async (request, response, context) => {
      const caller = callerOf(context);
      const { permission, scope = GLOBAL, subject } = await read<CheckRequest>(request, context, checkCheck);
      // What others may do is told to whoever may read bindings.
      if (subject !== undefined) {
        const may = await access.decide(caller, 'rbac:read', GLOBAL);
        if (may.effect === 'deny') throw forbidden('rbac:read', may);
      }
      const asked = { subjects: subject === undefined ? caller.subjects : [subject] };
      sendJson(response, 200, await access.decide(asked, permission, scope));
    }),
  ];
}

function bootstrapRoute({ bootstrap, limiter }: RbacRoutesDeps): Route {
  return {
    method: 'POST',
    path: '/talos/v1/rbac/bootstrap',
    surface: 'public',
    audit: 'administration',
    handle: async (request, response, context) => {
      limiter.take(clientAddress(request));
      const body = await read<BootstrapRequest>(request, context, checkBootstrap);
      sendJson(response, 201, await bootstrap.redeem(request, body));
    },
  };
}

const checkRole = createChecker(RoleRequest);
const checkBinding = createChecker(BindingRequest);
const checkAccount = createChecker(ServiceAccountRequest);
const checkChange = createChecker(ServiceAccountChange);
const checkRotate = createChecker(RotateKeyRequest);
const checkCheck = createChecker(CheckRequest);
const checkBootstrap = createChecker(BootstrapRequest);

async function read<T>(request: IncomingMessage, context: RequestContext, check: Checker): Promise<T> {
  const body = await readJson(request, context);
  const fault = check(body);
  if (fault === undefined) return body as unknown as T;
  throw new TrustError('MALFORMED', `the body: ${fault}`);
}

/** @throws {TrustError} UNAUTHENTICATED: a listener without guard must not come as far as this */
export function callerOf({ principal }: RequestContext): Principal {
  if (principal === undefined) throw unauthenticated();
  return principal;
}

export const idOf = ({ params }: RequestContext): string => params['id'] ?? '';

const MAX_PAGE = 500;

export function pageOf({ query }: RequestContext): PageRequest {
  const members = readQuery(query, ['limit', 'cursor']);
  const limit = members.get('limit') ?? '100';
  const count = /^[1-9][0-9]{0,2}$/.test(limit) ? Number(limit) : 0;
  if (count < 1 || count > MAX_PAGE) throw new TrustError('MALFORMED', `limit must be 1 to ${MAX_PAGE}`);
  const cursor = members.get('cursor');
  return { count, after: cursor === undefined ? undefined : decodeCursor(cursor) };
}

/** The version a change is made of: `If-Match: "3"`. @throws {TrustError} MALFORMED */
function versionOf({ headers }: IncomingMessage): number {
  const version = /^"([1-9][0-9]{0,14})"$/.exec(headers['if-match'] ?? '')?.[1];
  if (version !== undefined) return Number(version);
  throw new TrustError('MALFORMED', 'a change needs the version it is made of', {
    hint: 'read it first and send If-Match: "<version>"',
  });
}
