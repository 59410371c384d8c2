import type { IncomingMessage } from 'node:http';
import { MAX_INTEGER } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import { readQuery } from '../../platform/json-exchange.js';
import type { Route } from '../../platform/routes.js';
import { FILTER_NAMES, readFilter, readNumber } from './query.js';
import type { EventStreams } from './streams.js';

/** Times of a stream are those at which it is read. */
const STREAM_FILTER = FILTER_NAMES.filter((name) => name !== 'since' && name !== 'until');

/** The route of the streams (AUD-68). `authorize` looks, again and again, whether a caller still may. */
export function createStreamRoutes(
  streams: EventStreams,
  authorize: (request: IncomingMessage) => Promise<unknown>,
): Route[] {
  return [
    {
      method: 'GET',
      path: '/talos/v1/events/stream',
      surface: 'admin',
      permission: 'audit:read',
      audit: 'none',
      handle: (request, response, { query, signal }) => {
        const members = readQuery(query, [...STREAM_FILTER, 'from']);
        const from = readLastId(request) ?? readNumber(members, 'from', { least: 0, most: MAX_INTEGER });
        return streams.serve({ request, response, filter: readFilter(members), from, signal, authorize });
      },
    },
  ];
}

/** A reader that lost its connection names the last event it saw; what its query says of the beginning is over then. */
function readLastId({ headersDistinct }: IncomingMessage): number | undefined {
  const [id, ...others] = headersDistinct['last-event-id'] ?? [];
  if (id === undefined) return undefined;
  if (others.length > 0 || !/^(?:0|[1-9][0-9]{0,14})$/.test(id))
    throw new TrustError('MALFORMED', 'Last-Event-ID is the index of an event');
  return Number(id) + 1;
}
