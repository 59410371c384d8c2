import type { ServerResponse } from 'node:http';
import { decodeUtf8, encodeHex, formatTime, TrustError } from '@talosprotocol/protocol';
import { readBody } from '../platform/body.js';
import { clientAddress } from '../platform/client-address.js';
import { readQuery, sendJson } from '../platform/json-exchange.js';
import type { Route, RouteHandler } from '../platform/routes.js';
import type { SeenLog } from './store.js';
import type { Witness } from './witness.js';

/** Refuses an address that asks too often. @throws {TrustError} RATE_LIMITED */
export interface AddressLimiter {
  take(address: string): void;
}

/** Room for a checkpoint with 16 signatures of any kind and the longest proof. */
const MAX_BODY = 64 * 1024;
const BODY_MS = 10_000;

/** The routes of a witness, all public: what is asked is signed by a log, what is answered by the witness (AUD-30). */
export function createWitnessRoutes(witness: Witness, limiter: AddressLimiter): Route[] {
  return [
    { ...route('POST', '/add-checkpoint'), maxBody: MAX_BODY, handle: addCheckpoint(witness, limiter) },
    {
      ...route('GET', '/logs'),
      handle: async (request, response, { query }) => {
        limiter.take(clientAddress(request));
        readQuery(query, []);
        const logs = (await witness.seen()).map(viewOf);
        sendJson(response, 200, { name: witness.name, vkey: witness.vkey, logs });
      },
    },
    {
      ...route('GET', '/split-views'),
      handle: async (request, response, { query }) => {
        limiter.take(clientAddress(request));
        const origin = readQuery(query, ['origin']).get('origin');
        if (origin === undefined) throw new TrustError('MALFORMED', 'the query must name an origin');
        sendJson(response, 200, { splitViews: await witness.splitViews(origin) });
      },
    },
  ];
}

function route(method: 'GET' | 'POST', path: string) {
  return { method, path, surface: 'public', audit: 'none' } as const;
}

/** C2SP tlog-witness. What the media type of the request says is of no meaning there. */
function addCheckpoint(witness: Witness, limiter: AddressLimiter): RouteHandler {
  return async (request, response) => {
    limiter.take(clientAddress(request));
    const body = await readBody(request, { maxBytes: MAX_BODY, timeoutMs: BODY_MS });
    const answer = await witness.addCheckpoint(decodeUtf8(body));
    if ('lines' in answer) send(response, 200, PLAIN, answer.lines);
    else if ('size' in answer) send(response, 409, 'text/x.tlog.size', `${answer.size}\n`);
    else send(response, answer.status, PLAIN, `${answer.reason}\n`);
  };
}

const PLAIN = 'text/plain; charset=utf-8';

function send(response: ServerResponse, status: number, type: string, text: string): void {
  const body = Buffer.from(text);
  response.writeHead(status, { 'content-type': type, 'content-length': String(body.length) });
  response.end(body);
}

function viewOf({ origin, size, root, time, note, splitViews }: SeenLog): object {
  const cosigned = note === undefined ? null : { checkpoint: note, time: formatTime(time * 1000) };
  return { origin, size, root: encodeHex(root), cosigned, splitViews };
}
