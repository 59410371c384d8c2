import type { IncomingMessage } from 'node:http';
import { clientAddress } from '../../platform/client-address.js';
import type { RequestContext } from '../../platform/routes.js';
import type { Arrival } from './call.js';

/** A request of a route, as admission takes it. */
export function arrivalOf(request: IncomingMessage, { requestId }: RequestContext): Arrival {
  return {
    requestId,
    address: clientAddress(request),
    rawHeaders: request.rawHeaders,
    method: request.method ?? '',
    target: request.url ?? '',
  };
}
