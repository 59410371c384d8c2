import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Principal } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import { closeWithConnection, sayIfKept, untilRead } from './kept-connection.js';
import type { Log } from './log.js';
import type { HttpMeter } from './metrics/http-metrics.js';
import { isOurFault, type Problem, sendProblem, toProblem } from './problem.js';
import { type Allowed, checkRequest } from './request-checks.js';
import { createRequestIds, echoRequestId, nameRequest } from './request-id.js';
import {
  createRouteTable,
  type RequestContext,
  type Route,
  type RouteDeclaration,
  type RouteMatch,
  type Surface,
} from './routes.js';
import type { Clock, Random } from './system.js';

/** Checks the caller of a surface before its handler runs, and says who it is; throws a TrustError to refuse. */
export type Guard = (
  request: IncomingMessage,
  route: RouteDeclaration,
  params: RequestContext['params'],
) => Principal | undefined | Promise<Principal | undefined>;

export interface ListenerOptions {
  /** For the log and for messages: `kernel`. */
  readonly name: string;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly routes: readonly Route[];
  /** `admin` and `service` routes need theirs; a listener that serves one without does not start. */
  readonly guards: Partial<Record<Surface, Guard>>;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  /** True for the listener that other nodes call. */
  readonly fromNodes?: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter?: HttpMeter;
  readonly limits?: Partial<ListenerLimits>;
  /** What is told of a request that no route took, in the form of whoever calls there; undefined: a problem as everywhere. */
  readonly inFormOf?: (path: string, shown: Problem) => object | undefined;
}

export interface ListenerLimits {
  /** Bytes of all request headers; a legal 16 KiB chain fits. */
  readonly headerBytes: number;
  readonly headersTimeoutMs: number;
  /** Until a whole request arrived. */
  readonly requestTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly maxConnections: number;
}

const LIMITS: ListenerLimits = {
  headerBytes: 32 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  keepAliveMs: 5_000,
  maxConnections: 2_000,
};

/** A listening server. */
export interface Listener {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** `http://host:port`, with the port that was chosen. */
  readonly url: string;
  /** Stops accepting, waits for running requests at most `limitMs`, then cuts what is left.
   *  True if nothing had to be cut. */
  closeGracefully(limitMs: number): Promise<boolean>;
}

/** Checks every route, then listens. Every answer carries `x-request-id` and the security headers.
 *  @throws {TypeError} for a route that is not fully declared, or whose surface has no guard
 *  @throws {TrustError} SETTINGS_INVALID if the port is taken or the address is not ours */
export async function createListener(options: ListenerOptions): Promise<Listener> {
  const limits = { ...LIMITS, ...options.limits };
  const table = createRouteTable(options.routes);
  assertGuarded(options);
  const hosts = [...options.allowedHosts];
  const allowed = { hosts, origins: options.allowedOrigins, fromNodes: options.fromNodes === true };
  const handle = createHandler(options, (method, path) => table.match(method, path), allowed);
  const server = createServer(serverOptions(limits), handle.request);
  server.maxConnections = limits.maxConnections;
  // Node drops headers beyond a number without a word, and with them the second of two credentials. Bytes bound them.
  server.maxHeadersCount = 0;
  server.on('clientError', (error, socket) => {
    options.meter?.unreadable();
    answerClientError(error, socket, handle.nextId());
  });
  const port = await listen(server, options);
  hosts.push(authority(options.host, port));
  return {
    name: options.name,
    host: options.host,
    port,
    url: `http://${authority(options.host, port)}`,
    closeGracefully: (limitMs) => closeGracefully(server, handle, limitMs),
  };
}

function assertGuarded({ routes, guards, name }: ListenerOptions): void {
  for (const route of routes) {
    const needs = route.surface === 'admin' || route.surface === 'service';
    if (needs && guards[route.surface] === undefined) {
      throw new TypeError(
        `${name}: ${route.method} ${route.path} needs a guard for surface ${route.surface}`,
      );
    }
  }
}

function serverOptions(limits: ListenerLimits) {
  return {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.min(5_000, limits.headersTimeoutMs),
    insecureHTTPParser: false,
    requireHostHeader: false,
  };
}

type Match = (method: string, path: string) => RouteMatch | undefined;

/** Most handlers need neither a log of their own nor a signal. */
function lazyContext(make: () => Pick<RequestContext, 'log' | 'signal'>) {
  let made: Pick<RequestContext, 'log' | 'signal'> | undefined;
  const get = () => {
    made ??= make();
    return made;
  };
  return {
    get log() {
      return get().log;
    },
    get signal() {
      return get().signal;
    },
  };
}

function createHandler(options: ListenerOptions, match: Match, allowed: Allowed) {
  const nextId = createRequestIds(options);
  // Not AbortSignal.any on one signal for the life of the process: Node keeps a trace of each that depends on it.
  const running = new Set<AbortController>();
  let stopping = false;
  let leaving = false;
  const isLeaving = () => leaving;
  const serve = async (request: IncomingMessage, response: ServerResponse, requestId: string) => {
    checkRequest(request, allowed);
    const [path = '', query = ''] = splitTarget(request.url ?? '');
    const { route, params } = found(match(request.method ?? '', path), response);
    options.meter?.routed(response, route);
    if (route.echoesRequestId === true) echoRequestId(request, response);
    const principal = await options.guards[route.surface]?.(request, route, params);
    const who = principal === undefined ? {} : { principal };
    const lazy = lazyContext(() => {
      const log = options.log.child({ requestId, route: route.path, method: route.method });
      return { log, signal: closeSignal(response, running, stopping) };
    });
    const context: RequestContext = Object.assign(lazy, { requestId, path, query, params, route, ...who });
    await route.handle(request, response, context);
  };
  const request = (incoming: IncomingMessage, response: ServerResponse): void => {
    const requestId = nextId();
    options.meter?.begin(response);
    nameRequest(incoming, requestId);
    setHeaders(response, requestId);
    sayIfKept(incoming, response, isLeaving);
    closeWithConnection(incoming, response);
    serve(incoming, response, requestId).catch(async (error: unknown) => {
      await untilRead(incoming);
      if (isOurFault(error)) options.log.error('a request failed', { requestId, err: error });
      const shown = toProblem(error, requestId);
      const told = options.inFormOf?.(splitTarget(incoming.url ?? '')[0], shown);
      if (told === undefined) sendProblem(response, shown);
      else sendProblem(response, shown, toldHeaders(shown), told);
    });
  };
  const leave = (): void => {
    leaving = true;
  };
  const abort = (): void => {
    stopping = true;
    for (const controller of [...running]) controller.abort();
  };
  return { request, nextId, leave, abort };
}

const toldHeaders = ({ retryable }: Problem): Record<string, string> => ({
  'content-type': 'application/json',
  'x-should-retry': String(retryable),
});

function splitTarget(target: string): [string, string] {
  const mark = target.indexOf('?');
  return mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
}

function found(matched: RouteMatch | undefined, response: ServerResponse) {
  if (matched === undefined) throw new TrustError('NOT_FOUND', 'no such route');
  if ('route' in matched) return matched;
  response.setHeader('allow', matched.allow.join(', '));
  throw new TrustError('METHOD_NOT_ALLOWED', `the route serves ${matched.allow.join(', ')}`);
}

/** Aborts when the client goes before its answer was written. Until the connection is done it is among `running`. */
function closeSignal(response: ServerResponse, running: Set<AbortController>, isOver: boolean): AbortSignal {
  const controller = new AbortController();
  // A guard may have taken its time.
  if (isOver || response.destroyed) controller.abort();
  else {
    running.add(controller);
    response.once('close', () => {
      running.delete(controller);
      if (!response.writableFinished) controller.abort();
    });
  }
  return controller.signal;
}

function setHeaders(response: ServerResponse, requestId: string): void {
  response.setHeader('x-request-id', requestId);
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('cache-control', 'no-store');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
  response.setHeader('cross-origin-resource-policy', 'same-origin');
}

/** What never became a request: bad syntax, headers too large, too slow. */
function answerClientError(error: NodeJS.ErrnoException, socket: Duplex, requestId: string): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, code] = CLIENT_ERRORS[error.code ?? ''] ?? (['400 Bad Request', 'MALFORMED'] as const);
  const shown = toProblem(new TrustError(code, 'the request could not be read'), requestId);
  const body = JSON.stringify({ ...shown, status: Number(status.slice(0, 3)) });
  const head = [
    `HTTP/1.1 ${status}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

const CLIENT_ERRORS: Readonly<Record<string, readonly [string, 'TOO_LARGE' | 'TIMEOUT']>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'TOO_LARGE'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'TIMEOUT'],
};

function listen(server: Server, { name, host, port }: ListenerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, name, host, port)));
    server.listen({ host, port, backlog: 512 }, () => resolve((server.address() as AddressInfo).port));
  });
}

function listenError(error: NodeJS.ErrnoException, name: string, host: string, port: number): Error {
  const hint = LISTEN_HINTS[error.code ?? ''];
  if (hint === undefined) return error;
  const variable = `TALOS_${name.toUpperCase()}_PORT`;
  const option = PORT_OPTIONS[name];
  const setting = option === undefined ? variable : `${option} (${variable})`;
  const reason = `${name} cannot listen on ${authority(host, port)} (${error.code})`;
  return new TrustError('SETTINGS_INVALID', reason, { hint: hint.replace('$PORT', setting) }, error);
}

/** How the command that starts a service calls its port. */
const PORT_OPTIONS: Readonly<Record<string, string>> = {
  kernel: '--kernel-port',
  gateway: '--gateway-port',
  audit: '--audit-port',
  witness: '--port',
};

const LISTEN_HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program uses this port: stop it, or set $PORT to a free one',
  EACCES: 'ports below 1024 are reserved: set $PORT to a higher one',
  EADDRNOTAVAIL: 'TALOS_HOST is not an address of this machine',
  ENOTFOUND: 'TALOS_HOST cannot be resolved',
};

function authority(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host.toLowerCase()}:${port}`;
}

const SWEEP_MS = 50;

interface Leaving {
  readonly leave: () => void;
  readonly abort: () => void;
}

async function closeGracefully(server: Server, { leave, abort }: Leaving, limitMs: number): Promise<boolean> {
  leave();
  const closed = new Promise<boolean>((resolve) => server.close(() => resolve(true)));
  server.closeIdleConnections();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  // A connection whose answer is out would be kept open for the next request, which is not taken any more.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  const clean = await Promise.race([closed, late]);
  clearInterval(sweep);
  clearTimeout(timer);
  if (!clean) {
    abort();
    server.closeAllConnections();
    await closed;
  }
  return clean;
}
