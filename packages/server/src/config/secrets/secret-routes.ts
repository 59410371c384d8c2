import { createChecker, type Principal, SecretRequest } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import { readJson, sendJson } from '../../platform/json-exchange.js';
import type { RequestContext, Route } from '../../platform/routes.js';
import { createSecret } from '../../platform/secret.js';
import type { Secrets } from './secrets.js';

const ONE = '/talos/v1/secrets/:name';
const admin = { surface: 'admin', place: { kind: 'secret', attributes: { secret_id: 'name' } } } as const;
const checkBody = createChecker(SecretRequest);

/** What administrators do with secrets: set, list, remove. No route gives a value (SEC-5). */
export function createSecretRoutes(secrets: Secrets): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/talos/v1/secrets',
      surface: 'admin',
      audit: 'none',
      permission: 'secret:read',
      handle: async (_, response) => sendJson(response, 200, { secrets: await secrets.list() }),
    },
    {
      ...admin,
      method: 'PUT',
      path: ONE,
      audit: 'administration',
      permission: 'secret:write',
      handle: async (request, response, context) => {
        const body = await readJson(request, context);
        // Of what is wrong with it nothing is said: the fault could name what must not be seen.
        if (checkBody(body) !== undefined) throw malformed();
        const value = createSecret((body as SecretRequest).value);
        sendJson(response, 200, await secrets.set(callerOf(context), nameOf(context), value));
      },
    },
    {
      ...admin,
      method: 'DELETE',
      path: ONE,
      audit: 'administration',
      permission: 'secret:write',
      handle: async (_, response, context) => {
        await secrets.remove(callerOf(context), nameOf(context));
        response.writeHead(204).end();
      },
    },
  ];
}

function malformed(): TrustError {
  return new TrustError('MALFORMED', 'the body must be {"value": text of 1 to 8192 bytes without NUL}');
}

const nameOf = ({ params }: RequestContext): string => params['name'] ?? '';

/** @throws {TrustError} UNAUTHENTICATED: a listener without guard must not come as far as this */
function callerOf({ principal }: RequestContext): Principal {
  if (principal === undefined) throw new TrustError('UNAUTHENTICATED', 'nobody showed who it is');
  return principal;
}
