import type { IncomingMessage } from 'node:http';
import { TrustError } from '@talosprotocol/protocol';
import { NODE_HEADERS } from './cluster/node-proof.js';

/** Under which names a listener answers, and to pages of which origins. Lower case. */
export interface Allowed {
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
  /** True only on the listener that nodes call: elsewhere nobody may say of a request what only a node may say. */
  readonly fromNodes?: boolean;
}

/** Refuses what could mean two things to two readers, before any route sees it (spec SES-7), then foreign hosts
 *  (DNS rebinding) and foreign pages. @throws {TrustError} MALFORMED | HOST_REFUSED | ORIGIN_REFUSED */
export function checkRequest(request: IncomingMessage, allowed: Allowed): void {
  checkTarget(request.url ?? '');
  checkHeaders(request.rawHeaders);
  if (allowed.fromNodes !== true) checkNoNode(request);
  checkHost(request.headers.host, allowed.hosts);
  checkOrigin(request.headers.origin, allowed.origins);
}

const malformed = (reason: string): TrustError => new TrustError('MALFORMED', reason);

// Unreserved characters literal, everything else of a path as uppercase %XX or a sub-delimiter.
const SEGMENT = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-F]{2})*$/;
// Escapes of unreserved characters and of control characters.
const NEVER_ESCAPED = /%(?:[01][0-9A-F]|2D|2E|5F|7E|7F|3[0-9]|4[1-9A-F]|5[0-9A]|6[1-9A-F]|7[0-9A])/;
const QUERY = /^[\x21\x22\x24-\x7e]*$/;

/** The target is origin-form with a canonical path: a router and the handler behind it cannot read it apart. */
function checkTarget(target: string): void {
  if (!target.startsWith('/')) throw malformed('the request target is not in origin form');
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  if (mark >= 0 && !QUERY.test(target.slice(mark + 1))) throw malformed('the query has forbidden characters');
  if (!path.slice(1).split('/').every(isCanonicalSegment) || !isDecodable(path)) {
    throw malformed('the path is not canonical');
  }
}

function isCanonicalSegment(segment: string, index: number, all: readonly string[]): boolean {
  if (segment === '') return index === 0 && all.length === 1;
  return segment !== '.' && segment !== '..' && SEGMENT.test(segment) && !NEVER_ESCAPED.test(segment);
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

const REFUSED = new Set(
  'x-http-method-override x-http-method x-method-override content-encoding proxy-authorization'.split(' '),
);
/** Credentials; at most one of them, once. */
const CREDENTIALS = new Set(['authorization', 'x-api-key', 'api-key', 'x-goog-api-key']);
/** Headers that admission reads or that frame the message: never twice (node would join or drop the second). */
const SINGLE = new Set(
  (
    'host origin content-type content-length transfer-encoding mcp-protocol-version mcp-session-id mcp-method ' +
    'mcp-name last-event-id signature signature-input content-digest talos-capability'
  ).split(' '),
);

function checkHeaders(rawHeaders: readonly string[]): void {
  const seen = new Set<string>();
  let credentials = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    if (REFUSED.has(name)) throw malformed(`the header ${name} is not accepted`);
    if (SINGLE.has(name) && seen.has(name)) throw malformed(`the header ${name} is given twice`);
    if (CREDENTIALS.has(name)) credentials += 1;
    seen.add(name);
  }
  if (credentials > 1) throw malformed('more than one credential');
}

function checkNoNode(request: IncomingMessage): void {
  const name = NODE_HEADERS.find((one) => request.headers[one] !== undefined);
  if (name !== undefined) throw malformed(`the header ${name} is not accepted here`);
}

const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?$/;

function checkHost(host: string | undefined, allowed: readonly string[]): void {
  const name = host?.toLowerCase() ?? '';
  if (LOOPBACK.test(name) || allowed.includes(name) || allowed.includes(name.replace(/:[0-9]{1,5}$/, '')))
    return;
  throw new TrustError('HOST_REFUSED', 'the Host header names another host', {
    hint: 'call the address the server listens on, or add the name to TALOS_ALLOWED_HOSTS',
  });
}

function checkOrigin(origin: string | undefined, allowed: readonly string[]): void {
  if (origin === undefined || allowed.includes(origin.toLowerCase())) return;
  if (LOOPBACK.test(origin.toLowerCase().replace(/^https?:\/\//, '')) && /^https?:/i.test(origin)) return;
  throw new TrustError('ORIGIN_REFUSED', 'pages of this origin may not call', {
    hint: 'add the origin to TALOS_ALLOWED_ORIGINS if it is yours',
  });
}
