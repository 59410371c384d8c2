import type { Checker } from '@talosprotocol/contracts';
import { isTrustError, parseJson, TrustError } from '@talosprotocol/protocol';
import { readBody, refusalOf } from './answer.js';

/** How a service is reached. */
export interface HttpClientOptions {
  /** Where the service answers, such as `http://127.0.0.1:8000`; a path is not used. */
  readonly url: string | URL;
  /** A service account's key or a person's session token, for routes that need it. Sent to this origin only, never along a redirect. */
  readonly adminToken?: string;
  /** Default the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Longest time until the whole answer is there, in milliseconds; default 10,000. */
  readonly timeoutMs?: number;
}

type QueryValue = string | number | undefined;

/** One request to a service of ours. */
interface ServiceCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Starts with `/`; parts that come from outside are encoded by the caller. */
  readonly path: string;
  /** A list gives the parameter once for each of its values. */
  readonly query?: Readonly<Record<string, QueryValue | readonly QueryValue[]>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes of the longest answer; default 1 MiB. */
  readonly maxBytes?: number;
  /** What helps if an answer is cut off. */
  readonly cutHint?: string;
}

/** Calls a service of ours. */
export interface HttpClient {
  readonly origin: string;
  /** The bytes of a 2xx answer.
   *  @throws {TrustError} the code the service gave; UNAVAILABLE: no answer, none in time, or one that was cut off;
   *  UPSTREAM_FAILED: an answer that is not ours, or too long */
  bytes(call: ServiceCall): Promise<Uint8Array>;
  /** The JSON of a 2xx answer, parsed strictly and checked against its schema.
   *  @throws {TrustError} as `bytes`; UPSTREAM_FAILED also if the check fails */
  json<T>(call: ServiceCall, check: Checker): Promise<T>;
  /** The body of a 2xx answer as it comes, until the signal aborts.
   *  @throws {TrustError} as `bytes`; what breaks later shows where the body is read */
  stream(call: ServiceCall, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
}

const MAX_ANSWER = 1_048_576;

/** Makes the client of one service. Redirects are errors: a credential goes nowhere else.
 *  @throws {TypeError} a URL that is not http or https, or holds user info */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const origin = originOf(options.url);
  const send = options.fetch ?? globalThis.fetch;
  const timeoutMs = options.timeoutMs ?? 10_000;

  async function bytes(call: ServiceCall): Promise<Uint8Array> {
    const signal = AbortSignal.timeout(timeoutMs);
    const { response, body } = await exchange(call, signal);
    if (response.ok) return body;
    throw refusalOf(response.status, body);
  }

  function begin(call: ServiceCall, signal: AbortSignal): Promise<Response> {
    const body = call.body === undefined ? {} : { body: JSON.stringify(call.body) };
    const headers = headersOf(call, options.adminToken);
    const { method } = call;
    return send(urlOf(origin, call), { method, redirect: 'error', headers, signal, ...body });
  }

  async function exchange(call: ServiceCall, signal: AbortSignal) {
    let response: Response | undefined;
    try {
      response = await begin(call, signal);
      return { response, body: await readBody(response, call.maxBytes ?? MAX_ANSWER) };
    } catch (cause) {
      if (isTrustError(cause)) throw cause;
      if (signal.aborted)
        throw new TrustError('UNAVAILABLE', `${origin} gave no answer within ${timeoutMs} ms`, {}, cause);
      if (response === undefined)
        throw new TrustError('UNAVAILABLE', `${origin} cannot be reached`, {}, cause);
      throw cutOff(origin, call, cause);
    }
  }

  async function json<T>(call: ServiceCall, check: Checker): Promise<T> {
    const body = await bytes(call);
    try {
      const value = parseJson(body, { maxBytes: call.maxBytes ?? MAX_ANSWER, floats: true });
      const wrong = check(value);
      if (wrong === undefined) return value as T;
      throw new TrustError('UPSTREAM_FAILED', `${origin} answered with ${wrong}`);
    } catch (cause) {
      if (!isTrustError(cause) || cause.code !== 'MALFORMED') throw cause;
      throw new TrustError('UPSTREAM_FAILED', `${origin} did not answer with strict JSON`, {}, cause);
    }
  }

  async function stream(call: ServiceCall, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const late = AbortSignal.timeout(timeoutMs);
    const opened = new AbortController();
    const abort = (): void => opened.abort();
    signal.addEventListener('abort', abort);
    late.addEventListener('abort', abort);
    try {
      const response = await begin(call, opened.signal);
      late.removeEventListener('abort', abort);
      if (response.ok && response.body !== null) return response.body;
      throw refusalOf(response.status, await readBody(response, MAX_ANSWER));
    } catch (cause) {
      if (isTrustError(cause)) throw cause;
      throw new TrustError('UNAVAILABLE', `${origin} cannot be reached`, {}, cause);
    }
  }

  return { origin, bytes, json, stream };
}

/** A service cuts off what it cannot end rightly (AUD-63): it is there, and something else is wrong. */
function cutOff(origin: string, { cutHint: hint }: ServiceCall, cause: unknown): TrustError {
  const facts = hint === undefined ? {} : { hint };
  return new TrustError('UNAVAILABLE', `${origin} ended its answer early`, facts, cause);
}

/** The origin of a base URL.
 *  @throws {TypeError} not http or https, or with user info */
function originOf(url: string | URL): string {
  const parsed = new URL(url);
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw new TypeError('a service is reached by an http or https URL');
  }
  if (parsed.username !== '' || parsed.password !== '') throw new TypeError('a service URL has no user info');
  return parsed.origin;
}

function headersOf(call: ServiceCall, adminToken: string | undefined): Record<string, string> {
  return {
    accept: 'application/json, application/problem+json',
    ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(adminToken === undefined ? {} : { authorization: `Bearer ${adminToken}` }),
    ...call.headers,
  };
}

function urlOf(origin: string, call: ServiceCall): string {
  const url = new URL(call.path, origin);
  for (const [name, value] of Object.entries(call.query ?? {})) {
    for (const one of [value].flat()) if (one !== undefined) url.searchParams.append(name, String(one));
  }
  return url.href;
}
