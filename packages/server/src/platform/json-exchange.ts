import type { IncomingMessage, ServerResponse } from 'node:http';
import { type JsonObject, parseJsonObject, TrustError } from '@talosprotocol/protocol';
import { readBody } from './body.js';
import type { RequestContext } from './routes.js';

const BODY_MS = 10_000;
const MAX_BODY = 64 * 1024;
const MEDIA_TYPE = /^application\/json(?:[ \t]*;[ \t]*charset="?utf-8"?)?$/i;

/** Reads the JSON object of a request (ENC-6). Fractions only where they are tool arguments.
 *  @throws {TrustError} UNSUPPORTED_MEDIA_TYPE | TOO_LARGE | TIMEOUT | MALFORMED */
export async function readJson(
  request: IncomingMessage,
  { route }: RequestContext,
  options: { readonly floats?: boolean } = {},
): Promise<JsonObject> {
  assertJson(request);
  const maxBytes = route.maxBody ?? MAX_BODY;
  const body = await readBody(request, { maxBytes, timeoutMs: BODY_MS });
  return parseJsonObject(body, { ...options, maxBytes });
}

/** @throws {TrustError} UNSUPPORTED_MEDIA_TYPE: the request does not say that its body is JSON */
export function assertJson({ headers }: IncomingMessage): void {
  if (!MEDIA_TYPE.test(headers['content-type']?.trim() ?? ''))
    throw new TrustError('UNSUPPORTED_MEDIA_TYPE', 'the body must be application/json');
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, value: object): void {
  const body = JSON.stringify(value);
  const length = String(Buffer.byteLength(body));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': length });
  // As text it leaves in one piece with the head.
  response.end(body);
}

/** Answers with what was written as JSON before: many may be sent the same. */
export function sendJsonBytes(response: ServerResponse, status: number, body: Buffer): void {
  const length = String(body.length);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': length });
  response.end(body);
}

/** The query's members by name: each of `names` at most once, no other.
 *  @throws {TrustError} MALFORMED */
export function readQuery(query: string, names: readonly string[]): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (!names.includes(name)) throw new TrustError('MALFORMED', `the query takes only ${names.join(', ')}`);
    if (members.has(name)) throw new TrustError('MALFORMED', `${name} is given twice`);
    // No name, id or time has one, and what is asked by it would fail in the database.
    if (value.includes('\0')) throw new TrustError('MALFORMED', `${name} has a NUL`);
    members.set(name, value);
  }
  return members;
}
