import type { IncomingMessage } from 'node:http';
import { readJson, sendJson } from '../../platform/json-exchange.js';
import type { RequestContext, Route } from '../../platform/routes.js';
import type { Authzen } from './authzen.js';

const MAX_BODY = 1024 * 1024;

/** The routes of OpenID AuthZEN 1.0 (DEC-15): evaluations for authenticated services, the metadata for everybody. */
export function createAuthzenRoutes(authzen: Authzen): readonly Route[] {
  return [
    evaluation('/access/v1/evaluation', authzen.evaluate),
    evaluation('/access/v1/evaluations', authzen.evaluateAll),
    {
      method: 'GET',
      path: '/.well-known/authzen-configuration',
      surface: 'public',
      audit: 'none',
      handle: (request, response) => sendJson(response, 200, configurationOf(request)),
    },
  ];
}

function evaluation(path: string, evaluate: Authzen['evaluate'] | Authzen['evaluateAll']): Route {
  return {
    method: 'POST',
    path,
    surface: 'admin',
    permission: 'capability:authorize',
    audit: 'administration',
    maxBody: MAX_BODY,
    // An enforcement point finds its own request again by the id it gave (section 10.1.5 of AuthZEN).
    echoesRequestId: true,
    handle: async (request, response, context) => {
      sendJson(response, 200, await evaluate(await read(request, context)));
    },
  };
}

async function read(request: IncomingMessage, context: RequestContext) {
  return readJson(request, context, { floats: true });
}

const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?$/i;

/** Under the name the caller knows us by, which the listener has checked. On loopback there is no TLS; any other name is
 *  that of a proxy that ends it. */
function configurationOf({ headers }: IncomingMessage) {
  const host = headers.host ?? '';
  const base = `${LOOPBACK.test(host) ? 'http' : 'https'}://${host}`;
  return {
    policy_decision_point: base,
    access_evaluation_endpoint: `${base}/access/v1/evaluation`,
    access_evaluations_endpoint: `${base}/access/v1/evaluations`,
  };
}
