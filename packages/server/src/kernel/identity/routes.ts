import type { CryptoProvider } from '@talosprotocol/protocol';
import { TrustError } from '@talosprotocol/protocol';
import { readJson, readQuery, sendJson } from '../../platform/json-exchange.js';
import type { Route, RouteHandler } from '../../platform/routes.js';
import type { Clock } from '../../platform/system.js';
import type { Authorize, RateLimiter } from '../ports.js';
import { callerOf } from '../rbac/routes.js';
import { addressOf } from '../session/session-routes.js';
import { type Endings, parseDeactivation } from './endings.js';
import { formerKeysOf } from './former-keys.js';
import type { Identities } from './identities.js';
import type { IdentityStore } from './store.js';

export interface IdentityRoutesDeps {
  readonly identities: Identities;
  readonly endings: Endings;
  readonly store: Pick<IdentityStore, 'findIdentity' | 'contentsOf'>;
  readonly limiter: RateLimiter;
  readonly authorize: Authorize;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
}

const MAX_PAGE = 500;

const admin = (method: 'GET' | 'POST', path: string, handle: RouteHandler): Route => ({
  method,
  path,
  surface: 'admin',
  permission: method === 'POST' ? 'identity:write' : 'identity:read',
  audit: method === 'POST' ? 'administration' : 'none',
  handle,
});

/** The registry, for the kernel's listener only. */
export function createIdentityAdminRoutes(deps: IdentityRoutesDeps): readonly Route[] {
  const { identities } = deps;
  return [
    admin('POST', '/talos/v1/identities', async (request, response, context) => {
      sendJson(response, 201, await identities.register(await readJson(request, context), callerOf(context)));
    }),
    admin('GET', '/talos/v1/identities', async (_, response, { query }) => {
      const members = readQuery(query, ['limit', 'cursor']);
      sendJson(response, 200, await identities.list(pageSize(members.get('limit')), members.get('cursor')));
    }),
    admin('GET', '/talos/v1/identities/:did', async (_, response, { params }) => {
      sendJson(response, 200, await identities.find(params['did'] ?? ''));
    }),
    admin('GET', '/talos/v1/identities/:did/history', async (_, response, { params }) => {
      sendJson(response, 200, await identities.history(params['did'] ?? ''));
    }),
    admin('GET', '/talos/v1/identities/:did/keys', async (_, response, { params, query }) => {
      const at = readQuery(query, ['at']).get('at');
      if (at === undefined) throw new TrustError('MALFORMED', 'at: the moment is required');
      sendJson(response, 200, await formerKeysOf(params['did'] ?? '', at, deps));
    }),
  ];
}

/** What identities say of themselves: signed, so for everybody. */
export function createIdentityPublicRoutes(deps: IdentityRoutesDeps): readonly Route[] {
  const { endings, limiter, authorize } = deps;
  const agent = (path: string, handle: RouteHandler): Route => ({
    method: 'POST',
    path,
    surface: 'agent',
    audit: 'administration',
    handle: (request, response, context) => {
      limiter.take(addressOf(request));
      return handle(request, response, context);
    },
  });
  return [
    agent('/talos/v1/identities/:did/rotation', async (request, response, context) => {
      const stated = await readJson(request, context);
      sendJson(response, 200, await endings.rotate(context.params['did'] ?? '', stated));
    }),
    agent('/talos/v1/identities/:did/deactivation', async (request, response, context) => {
      const did = context.params['did'] ?? '';
      const statement = parseDeactivation(await readJson(request, context));
      const ended =
        statement === undefined
          ? await endings.deactivateAsAdministrator(did, await authorize(request, 'identity:write'))
          : await endings.deactivate(did, statement);
      sendJson(response, 200, ended);
    }),
  ];
}

function pageSize(text: string | undefined): number {
  if (text === undefined) return 100;
  const size = /^[1-9][0-9]{0,2}$/.test(text) ? Number(text) : 0;
  if (size < 1 || size > MAX_PAGE) throw new TrustError('MALFORMED', `limit must be 1 to ${MAX_PAGE}`);
  return size;
}
