import { isTrustError, TrustError } from '@talosprotocol/protocol';
import { readBody, refusalOf } from '../http/answer.js';

/** Where the files of a log are, and how they are read. */
export interface LogFilesOptions {
  /** The prefix of the log: `checkpoint` and `tile/...` lie below it. Of a Talos platform that is `/tlog` of its audit
   *  service. http or https, without query. */
  readonly url: string | URL;
  /** Shown to that server and nobody else, for entries that not everybody may read. */
  readonly token?: string;
  /** Default the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Longest time until a whole file is there, in milliseconds; default 10,000. */
  readonly timeoutMs?: number;
  /** Ends what is being read. */
  readonly signal?: AbortSignal;
}

/** The files of a log, which are what its server says: nothing is verified here. */
export interface LogFiles {
  readonly url: string;
  /** A file of at most `maxBytes`, unpacked; undefined if there is none (404 or 410). Redirects are not followed: they
   *  would lead to where nobody decided to ask.
   *  @throws {TrustError} UNAVAILABLE: no answer, or not in time; UPSTREAM_FAILED: too long, a redirect, or another
   *  status; the code a Talos service refused with */
  read(path: string, maxBytes: number): Promise<Uint8Array | undefined>;
}

const TIMEOUT_MS = 10_000;

/** @throws {TypeError} not http or https, or with user info, query or fragment */
export function createLogFiles(options: LogFilesOptions): LogFiles {
  const url = prefixOf(options.url);
  const send = options.fetch ?? globalThis.fetch;
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const headers = {
    accept: '*/*',
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
  };

  const exchange = async (path: string, maxBytes: number, signal: AbortSignal) => {
    const response = await send(`${url}${path}`, {
      redirect: 'manual',
      credentials: 'omit',
      headers,
      signal,
    });
    const { status } = response;
    if (response.type === 'opaqueredirect' || (status >= 300 && status < 400)) {
      response.body?.cancel().catch(() => undefined);
      throw new TrustError('UPSTREAM_FAILED', `${url}${path} is a redirect, which is not followed`);
    }
    const body = await readBody(response, response.ok ? maxBytes : MAX_PROBLEM);
    if (response.ok) return body;
    if (status === 404 || status === 410) return undefined;
    throw refusalOf(status, body);
  };
  const read: LogFiles['read'] = async (path, maxBytes) => {
    const limit = withLimit(timeoutMs, options.signal);
    try {
      return await exchange(path, maxBytes, limit.signal);
    } catch (cause) {
      if (isTrustError(cause)) throw cause;
      const why = limit.signal.aborted ? `gave no answer within ${timeoutMs} ms` : 'cannot be reached';
      throw new TrustError('UNAVAILABLE', `${url} ${why}`, {}, cause);
    } finally {
      limit.end();
    }
  };
  return { url, read };
}

const MAX_PROBLEM = 65_536;

function prefixOf(text: string | URL): string {
  const url = new URL(text);
  const { protocol, username, password, search, hash } = url;
  if (protocol !== 'http:' && protocol !== 'https:') throw new TypeError('a log is read by http or https');
  if (`${username}${password}${search}${hash}` !== '')
    throw new TypeError('the URL of a log has no user info, query or fragment');
  return url.href.endsWith('/') ? url.href : `${url.href}/`;
}

/** Not AbortSignal.any: on a signal that lives long, each that depends on it would leave a trace. */
function withLimit(ms: number, outer: AbortSignal | undefined): { signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  if (outer?.aborted === true) abort();
  const timer = setTimeout(abort, ms);
  outer?.addEventListener('abort', abort);
  return {
    signal: controller.signal,
    end: () => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', abort);
    },
  };
}
