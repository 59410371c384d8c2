import { isTrustError } from '@talosprotocol/protocol';
import { readBody } from '../http/answer.js';
import { type Denial, parseRefusal } from '../refusal.js';
import type { OutgoingRequest } from './outgoing-request.js';
import type { Runtime } from './runtime.js';

/** Thrown inside the SDK when a request may not have arrived; `cause` is what `fetch` said. */
class ConnectionLost extends Error {}

/** Times a request is sent before the caller hears of a lost connection. */
const MAX_TRIES = 3;

/** Sends a request with its credential. Redirects are never followed, so that nothing signed goes elsewhere.
 *  @throws {TypeError} a redirect; {ConnectionLost} for `retryLost` */
export async function sendWithCredential(
  request: OutgoingRequest,
  credential: Readonly<Record<string, string>>,
  runtime: Runtime,
): Promise<Response> {
  request.signal.throwIfAborted();
  const response = await runtime.fetch(request.url, initOf(request, credential)).catch((cause: unknown) => {
    // Any other error is the caller's own doing, such as its signal.
    if (!(cause instanceof TypeError) || request.signal.aborted) throw cause;
    throw new ConnectionLost('the connection was lost', { cause });
  });
  refuseRedirect(request, response);
  return response;
}

/** Tries again, at once and a few times, when the connection was lost: the node is gone, and behind the same address
 *  another one answers. The calls of an attempt have the same `rid`, so that a write is not made twice (SES-10).
 *  @throws what the last attempt did */
export async function retryLost<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries < MAX_TRIES && isLost(error)) continue;
      throw error instanceof ConnectionLost ? error.cause : error;
    }
  }
}

/** An opening loses its connection as an error of the HTTP client. */
function isLost(error: unknown): boolean {
  if (error instanceof ConnectionLost) return true;
  return isTrustError(error) && error.code === 'UNAVAILABLE' && error.cause instanceof TypeError;
}

/** Largest answer that is searched for the code of a refusal. */
const MAX_REFUSAL = 65_536;

/** Why a request was refused with 401; undefined for every other answer. The answer can still be read. */
export async function refusalIn(response: Response): Promise<Denial | undefined> {
  if (response.status !== 401 || !/json/i.test(response.headers.get('content-type') ?? '')) return undefined;
  try {
    return parseRefusal(await readBody(response.clone(), MAX_REFUSAL));
  } catch {
    return undefined; // too long, or broken off: the caller sees that for itself
  }
}

function initOf(request: OutgoingRequest, credential: Readonly<Record<string, string>>): RequestInit {
  const { extra, method, body, signal } = request;
  const headers = new Headers(request.headers);
  for (const [name, value] of Object.entries(credential)) headers.set(name, value);
  const init = { ...extra, method, headers, redirect: 'manual', signal } as const;
  return body === undefined ? init : { ...init, body: body as Uint8Array<ArrayBuffer> };
}

function refuseRedirect(request: OutgoingRequest, response: Response): void {
  const redirected = response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400);
  if (redirected && response.status !== 304 && request.redirect !== 'manual') {
    throw new TypeError('the gateway answered with a redirect; a signed request is not sent elsewhere');
  }
}
