import { createUuidv7 } from '@talosprotocol/protocol';
import type { AgentSession } from './agent-session.js';
import { type OutgoingRequest, readOutgoingRequest, signedHeadersOf } from './outgoing-request.js';
import type { Runtime } from './runtime.js';
import { refusalIn, retryLost, sendWithCredential } from './sending.js';
import type { SessionPool } from './session-pool.js';

/** What the fetch needs. */
export interface SigningFetchDeps {
  readonly origin: string;
  readonly pool: SessionPool;
  readonly runtime: Runtime;
}

/** Makes a `fetch` that signs each request with the MAC of the session (SES-6). When the gateway no longer knows the
 *  session it opens another and sends the request once more, under the same `rid`: it was refused before any
 *  effect. When the connection is lost it is sent again a few times, also under the same `rid`, so that a node that is gone
 *  is made up for by another behind the same address. Redirects are never followed, so that nothing signed goes
 *  elsewhere. */
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
    const { session, response } = await retryLost(() => send(request, rid));
    const code = (await refusalIn(response))?.code;
    if (code !== 'SESSION_UNKNOWN' && code !== 'SESSION_ELSEWHERE') return response;
    await response.body?.cancel();
    pool.forget(session);
    return (await retryLost(() => send(request, rid))).response;
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
  const { method, target, bodyHash, headers } = request;
  const signed = { seq, rid, method, target, bodyHash, headers: signedHeadersOf(headers) };
  return sendWithCredential(request, { authorization: session.authorize(signed) }, runtime);
}
