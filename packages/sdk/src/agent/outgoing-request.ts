import { type CryptoProvider, SIGNED_HEADERS, type SignedHeaders } from '@talosprotocol/protocol';

/** A request read to its end, so that it can be hashed, signed, and sent again. */
export interface OutgoingRequest {
  readonly url: string;
  /** Origin-form target. */
  readonly target: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Uint8Array | undefined;
  readonly bodyHash: string;
  /** What the caller asked for; `follow` unless told otherwise. */
  readonly redirect: Request['redirect'];
  /** The caller's own: that of a `Request` made here would be deaf once nobody holds that request (undici follows signals
   *  by weak references). */
  readonly signal: AbortSignal;
  /** Held for the same reason. */
  readonly held: unknown;
  /** Members of `init` that only this `fetch` implementation knows, such as undici's `dispatcher`. */
  readonly extra: RequestInit;
}

const CREDENTIALS = ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'];

/** Reads what `fetch` was called with.
 *  @throws {TypeError} another origin than the gateway's, or a credential of the caller's own: neither is what
 *  somebody wants who signs with a capability, and both could carry a secret where it does not belong */
export async function readOutgoingRequest(
  input: Parameters<typeof fetch>[0],
  init: RequestInit | undefined,
  origin: string,
  crypto: CryptoProvider,
): Promise<OutgoingRequest> {
  const request = new Request(input, init);
  const { origin: itsOrigin, pathname, search } = new URL(request.url);
  if (itsOrigin !== origin) {
    throw new TypeError(`this fetch signs requests to ${origin} only; use another for ${itsOrigin}`);
  }
  const credential = CREDENTIALS.find((name) => request.headers.has(name));
  if (credential !== undefined) {
    throw new TypeError(
      `the capability is the credential of this request: leave out the header ${credential}`,
    );
  }
  const body = request.body === null ? undefined : new Uint8Array(await request.arrayBuffer());
  return {
    url: request.url,
    target: pathname + search,
    method: request.method,
    headers: request.headers,
    body,
    bodyHash: crypto.sha256Hex(body ?? new Uint8Array(0)),
    redirect: request.redirect,
    signal: signalOf(input, init) ?? request.signal,
    held: [request, input],
    extra: { ...init },
  };
}

/** Null in `init` takes back the signal of `input`. */
function signalOf(
  input: Parameters<typeof fetch>[0],
  init: RequestInit | undefined,
): AbortSignal | undefined {
  if (init?.signal !== undefined) return init.signal ?? undefined;
  return input instanceof Request ? input.signal : undefined;
}

/** The headers a MAC covers, as they will be sent. */
export function signedHeadersOf(headers: Headers): SignedHeaders {
  const present = SIGNED_HEADERS.map((name) => [name, headers.get(name)] as const);
  return Object.fromEntries(present.filter(([, value]) => value !== null));
}
