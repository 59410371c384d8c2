import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OidcSettings } from '@talosprotocol/contracts';
import { clientAddress } from '../../platform/client-address.js';
import { readQuery, sendJson } from '../../platform/json-exchange.js';
import type { Route } from '../../platform/routes.js';
import type { RateLimiter } from '../ports.js';
import { SELF } from './access.js';
import { readAdminCredential, readCookies, sessionCookie } from './credential.js';
import type { Logins } from './logins.js';
import { callerOf, idOf, pageOf } from './routes.js';

/** Under https no other host may plant it, as with the session's. */
const browserCookie = (settings: OidcSettings | undefined): string =>
  `${sessionCookie(settings?.origin)}-login`;

export interface LoginRoutesDeps {
  readonly logins: Logins;
  readonly limiter: RateLimiter;
  readonly settings: () => OidcSettings | undefined;
}

/** How people log in and out, for the kernel's listener. Nothing a caller sends decides where a browser goes. */
export function createLoginRoutes(deps: LoginRoutesDeps): readonly Route[] {
  return [...browserRoutes(deps), ...sessionRoutes(deps)];
}

function browserRoutes({ logins, limiter, settings }: LoginRoutesDeps): Route[] {
  const open = { method: 'GET', surface: 'public', audit: 'administration' } as const;
  return [
    {
      ...open,
      path: '/talos/v1/rbac/login',
      handle: async (request, response, { query }) => {
        limiter.take(clientAddress(request));
        readQuery(query, []);
        const { location, browser } = await logins.begin();
        // Lax: the way back from the provider begins on the provider's page.
        const cookie = cookieOf(browserCookie(settings()), browser, 600, settings(), 'Lax');
        response.writeHead(303, { location, 'set-cookie': cookie, 'cache-control': 'no-store' }).end();
      },
    },
    {
      ...open,
      path: '/talos/v1/rbac/callback',
      handle: async (request, response, { query }) => {
        limiter.take(clientAddress(request));
        const [browser] = readCookies(request.headers.cookie, browserCookie(settings()));
        const name = sessionCookie(settings()?.origin);
        const [before] = readCookies(request.headers.cookie, name);
        const { token, seconds } = await logins.complete({ query, browser, before });
        response.setHeader('set-cookie', [
          cookieOf(name, token, seconds, settings(), 'Strict'),
          cookieOf(browserCookie(settings()), '', 0, settings(), 'Lax'),
        ]);
        response.setHeader('cache-control', 'no-store');
        sendJson(response, 200, { logged_in: true });
      },
    },
  ];
}

function sessionRoutes({ logins, settings }: LoginRoutesDeps): Route[] {
  const route = { surface: 'admin', audit: 'administration' } as const;
  const logOut = async (request: IncomingMessage, response: ServerResponse) => {
    const name = sessionCookie(settings()?.origin);
    response.setHeader('set-cookie', cookieOf(name, '', 0, settings(), 'Strict'));
    response.writeHead(204).end();
    request.resume();
  };
  return [
    {
      ...route,
      method: 'POST',
      path: '/talos/v1/rbac/logout',
      permission: SELF,
      handle: async (request, response, context) => {
        const principal = callerOf(context);
        const { text } = readAdminCredential(request, sessionCookie(settings()?.origin));
        await logins.end(principal, text);
        await logOut(request, response);
      },
    },
    {
      ...route,
      method: 'GET',
      path: '/talos/v1/rbac/sessions',
      audit: 'none',
      permission: 'rbac:read',
      handle: async (_, response, context) => sendJson(response, 200, await logins.list(pageOf(context))),
    },
    {
      ...route,
      method: 'DELETE',
      path: '/talos/v1/rbac/sessions/:id',
      permission: 'rbac:write',
      handle: async (_, response, context) => {
        await logins.revoke(callerOf(context), idOf(context));
        response.writeHead(204).end();
      },
    },
  ];
}

function cookieOf(
  name: string,
  value: string,
  seconds: number,
  settings: OidcSettings | undefined,
  sameSite: 'Lax' | 'Strict',
): string {
  const secure = settings?.origin.startsWith('https:') === true ? '; Secure' : '';
  return `${name}=${value}; Path=/; HttpOnly; SameSite=${sameSite}; Max-Age=${seconds}${secure}`;
}
