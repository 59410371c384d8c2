import { TrustError } from '@talosprotocol/protocol';
import { startTimeLimit, type TimeLimit } from '../../platform/time-limit.js';

/** One request to a service that the operator named: an RPC endpoint, a calendar, an explorer. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Longest answer in bytes. */
  readonly maxBytes: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly bytes: Uint8Array;
}

/** Sends a request. Its address is no part of what is thrown: it may hold a key.
 *  @throws {TrustError} UNAVAILABLE: no answer in time | UPSTREAM_FAILED: it redirects, or answers more than asked for */
export type HttpExchange = (request: HttpRequest) => Promise<HttpAnswer>;

/** Builds the exchange. `who` is what messages call the other side; `signal` ends what runs. */
export function createHttpExchange(who: string, signal: AbortSignal, timeoutMs: number): HttpExchange {
  return async (request) => {
    const limit = startTimeLimit(timeoutMs, signal);
    try {
      return await exchange(who, request, limit);
    } finally {
      limit.end();
    }
  };
}

async function exchange(
  who: string,
  { method, url, headers, body, maxBytes }: HttpRequest,
  limit: TimeLimit,
): Promise<HttpAnswer> {
  // A redirect would lead to where nobody decided to go.
  const response = await fetch(url, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
    redirect: 'manual',
    signal: limit.signal,
  }).catch((cause: unknown) => {
    throw unavailable(who, cause, limit);
  });
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel();
    throw new TrustError('UPSTREAM_FAILED', `${who} redirects to another place`, {
      hint: 'name that place in talos.yaml, if it is the one you mean',
    });
  }
  return { status: response.status, bytes: await readBounded(response, { maxBytes, who, limit }) };
}

async function readBounded(
  response: Response,
  { maxBytes, who, limit }: { readonly maxBytes: number; readonly who: string; readonly limit: TimeLimit },
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      // Leaving the loop cancels the rest.
      if (size > maxBytes) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw unavailable(who, cause, limit);
  }
  if (size > maxBytes) throw new TrustError('UPSTREAM_FAILED', `${who} answers more than ${maxBytes} bytes`);
  return new Uint8Array(Buffer.concat(chunks));
}

/** The cause may name the address that was asked: only what kind of fault it was is passed on. */
function unavailable(who: string, cause: unknown, limit: TimeLimit): TrustError {
  const { code } = Object((cause as { cause?: unknown }).cause) as { code?: unknown };
  const { name } = cause as Error;
  const why = typeof code === 'string' ? code : limit.isOver() ? 'no answer in time' : name;
  return new TrustError('UNAVAILABLE', `${who} cannot be reached (${why})`);
}
