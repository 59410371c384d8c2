import type { IncomingMessage, ServerResponse } from 'node:http';
import { createUuidv7, TrustError } from '@talosprotocol/protocol';
import type { Clock, Random } from './system.js';

/** Names requests `req_<UUIDv7>`: sortable by time, not guessable from one another. */
export function createRequestIds(deps: { readonly clock: Clock; readonly random: Random }): () => string {
  return () => `req_${createUuidv7(deps.clock.now(), deps.random(16))}`;
}

const ID = Symbol('the id of the request');
type Named = IncomingMessage & { [ID]?: string };

/** The id that the listener gave a request. */
export function requestIdOf(request: IncomingMessage): string {
  return (request as Named)[ID] ?? '';
}

export function nameRequest(request: IncomingMessage, id: string): void {
  (request as Named)[ID] = id;
}

const SENT = /^[\x21-\x7e]{1,256}$/;

/** Answers under the id the caller gave its request, where it gave one. @throws {TrustError} MALFORMED */
export function echoRequestId({ headers }: IncomingMessage, response: ServerResponse): void {
  const id = headers['x-request-id'];
  if (id === undefined) return;
  if (typeof id !== 'string' || !SENT.test(id))
    throw new TrustError('MALFORMED', 'an x-request-id that is none');
  response.setHeader('x-request-id', id);
}
