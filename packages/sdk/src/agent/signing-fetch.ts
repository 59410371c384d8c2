import { createUuidv7 } from '@talosprotocol/protocol';
import { readBody } from '../http/answer.js';
import { parseRefusal } from '../refusal.js';
import type { AgentSession } from './agent-session.js';
import { type OutgoingRequest, readOutgoingRequest, signedHeadersOf } from './outgoing-request.js';
import type { Runtime } from './runtime.js';
import type { SessionPool } from './session-pool.js';

/** What the fetch needs. */
export interface SigningFetchDeps {
  readonly origin: string;
  readonly pool: SessionPool;
  readonly runtime: Runtime;
}

/** Largest answer that is searched for the code of a lost session. */
const MAX_REFUSAL = 65_536;

/** Makes a `fetch` that signs each request with the MAC of the session (SES-6). When the gateway no longer knows the
 *  session it opens another and sends the request once more, under the same `rid`: it was refused before any
 *  effect. Redirects are never followed, so that nothing signed goes elsewhere. */
export function createSigningFetch({ origin, pool, runtime }: SigningFetchDeps): typeof fetch {
  async function send(request: OutgoingRequest, rid: string) {
    const { session, seq } = await pool.acquire();
    try {
      return { session, response: await sendSigned(request, { session, seq, rid }, runtime) };
    } finally {
      session.release(seq);
    }
  }

  return async (input, init) => {
    const request = await readOutgoingRequest(input, init, origin, runtime.crypto);
    const rid = createUuidv7(runtime.now(), runtime.random(16));
    const { session, response } = await send(request, rid);
    if (!(await saysSessionIsGone(response))) return response;
    await response.body?.cancel();
    pool.forget(session);
    return (await send(request, rid)).response;
  };
}

/** Tells the gateway that a session is over (SES-11). Best effort: one that nobody ends is gone after an hour. */
export async function endSession(session: AgentSession, origin: string, runtime: Runtime): Promise<void> {
  const seq = session.take();
  if (seq === undefined) return;
  const url = `${origin}/talos/v1/sessions/${session.sid}`;
  const init = { method: 'DELETE', signal: AbortSignal.timeout(END_TIMEOUT) };
  try {
    const request = await readOutgoingRequest(url, init, origin, runtime.crypto);
    const rid = createUuidv7(runtime.now(), runtime.random(16));
    const response = await sendSigned(request, { session, seq, rid }, runtime);
    await response.body?.cancel();
  } catch {
    // The gateway may be gone, which ends its sessions as well.
  } finally {
    session.release(seq);
  }
}

const END_TIMEOUT = 2000;

async function sendSigned(
  request: OutgoingRequest,
  { session, seq, rid }: { readonly session: AgentSession; readonly seq: number; readonly rid: string },
  runtime: Runtime,
): Promise<Response> {
  request.signal.throwIfAborted();
  const { method, target, bodyHash, headers } = request;
  const signed = { seq, rid, method, target, bodyHash, headers: signedHeadersOf(headers) };
  const credential = session.authorize(signed);
  const response = await runtime.fetch(request.url, initOf(request, credential));
  refuseRedirect(request, response);
  return response;
}

function initOf(request: OutgoingRequest, credential: string): RequestInit {
  const { extra, method, body, signal } = request;
  const headers = new Headers(request.headers);
  headers.set('authorization', credential);
  const init = { ...extra, method, headers, redirect: 'manual', signal } as const;
  return body === undefined ? init : { ...init, body: body as Uint8Array<ArrayBuffer> };
}

function refuseRedirect(request: OutgoingRequest, response: Response): void {
  const redirected = response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400);
  if (redirected && response.status !== 304 && request.redirect !== 'manual') {
    throw new TypeError('the gateway answered with a redirect; a signed request is not sent elsewhere');
  }
}

async function saysSessionIsGone(response: Response): Promise<boolean> {
  if (response.status !== 401 || !/json/i.test(response.headers.get('content-type') ?? '')) return false;
  try {
    const code = parseRefusal(await readBody(response.clone(), MAX_REFUSAL))?.code;
    return code === 'SESSION_UNKNOWN' || code === 'SESSION_ELSEWHERE';
  } catch {
    return false; // too long, or broken off: the caller sees that for itself
  }
}
