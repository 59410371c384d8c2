import type { IncomingMessage } from 'node:http';
import { createChecker, Hash43 } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import { readQuery, sendJson, sendJsonBytes } from '../../platform/json-exchange.js';
import type { Route, RouteHandler } from '../../platform/routes.js';
import type { RateLimiter } from '../ports.js';
import { addressOf } from '../session/session-routes.js';
import { createFeedPages, type FeedPagesDeps } from './feed-pages.js';
import { createStatusLists, type StatusListsDeps } from './status-lists.js';

export type RevocationRoutesDeps = FeedPagesDeps & StatusListsDeps & { readonly limiter: RateLimiter };

/** Routes for everybody who follows what is revoked here: all they answer is signed or says no more than a caller who
 *  holds the link finds out anyway. */
export function createRevocationRoutes(deps: RevocationRoutesDeps): readonly Route[] {
  const pages = createFeedPages(deps);
  const lists = createStatusLists(deps);
  const open = (path: string, handle: RouteHandler): Route => ({
    method: 'GET',
    path,
    surface: 'public',
    audit: 'none',
    handle: (request, response, context) => {
      deps.limiter.take(addressOf(request));
      return handle(request, response, context);
    },
  });
  return [
    open('/talos/v1/revocations/feed', async (request, response, { query, signal }) => {
      const after = readAfter(readQuery(query, ['after']).get('after'));
      response.setHeader('cache-control', 'no-store');
      sendJson(response, 200, await pages.after(after, signal, addressOf(request)));
    }),
    open('/talos/v1/revocations/snapshot', async (_, response, { query }) => {
      readQuery(query, []);
      response.setHeader('cache-control', 'no-store');
      sendJsonBytes(response, 200, await pages.snapshot());
    }),
    open('/talos/v1/status-lists/:id', async (request, response, { params, query }) => {
      readQuery(query, []);
      const { token, ttl } = await lists.token(readNumber(params['id'] ?? ''), originOf(request));
      response.writeHead(200, {
        'content-type': 'application/statuslist+jwt',
        'content-length': String(token.length),
        'cache-control': `public, max-age=${ttl}`,
      });
      response.end(token);
    }),
    open('/talos/v1/capabilities/:lid/status', async (request, response, { params, query }) => {
      readQuery(query, []);
      const lid = params['lid'] ?? '';
      if (checkLid(lid) !== undefined) throw new TrustError('MALFORMED', 'not the id of a link');
      response.setHeader('cache-control', 'no-store');
      sendJson(response, 200, await lists.status(lid, originOf(request)));
    }),
  ];
}

const checkLid = createChecker(Hash43);

function readAfter(text: string | undefined): number {
  if (text === undefined) throw new TrustError('MALFORMED', 'after must be the number of the last entry');
  return readNumber(text);
}

function readNumber(text: string): number {
  const number = /^(?:0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw new TrustError('MALFORMED', 'not a whole number');
  return number;
}

/** Where the caller reached us: the listener has checked `Host`. Behind a proxy that ends TLS the scheme is https. */
function originOf(request: IncomingMessage): string {
  const isLocal = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::|$)/.test(request.headers.host ?? '');
  return `${isLocal ? 'http' : 'https'}://${request.headers.host ?? ''}`;
}
