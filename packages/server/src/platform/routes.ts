import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessScope, Principal } from '@talosprotocol/contracts';
import type { Log } from './log.js';

/** Who a route is for, and so who checks the caller: `public` nobody, `admin` the platform (a permission),
 *  `agent` the room's admission, `service` the platform (the guard main hands in for sister services). */
export type Surface = 'public' | 'admin' | 'agent' | 'service';

/** What a route must say about itself before it may be served. */
export interface RouteDeclaration {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Segments are literal, `:name`, or a final `*` for all that follows: `/talos/v1/sessions/:sid`. */
  readonly path: string;
  readonly surface: Surface;
  /** What is recorded about a call; `none` only where nothing is decided (health, proofs, public documents). */
  readonly audit: 'none' | 'decision' | 'administration';
  /** What a caller of the surfaces `admin` and `service` must be allowed to do: `namespace:action`. On another surface the
   *  name of what is done, where the handler asks for it. */
  readonly permission?: `${string}:${string}`;
  /** True if the body names where it is done: the guard asks whether the caller may do it anywhere, the handler
   *  whether there. */
  readonly scoped?: true;
  /** Where it is done, if its path says so: the caller needs the permission there (RBAC-18). */
  readonly place?: RoutePlace;
  /** True if every answer, also a refusal, names the request by the `x-request-id` that its caller gave it. */
  readonly echoesRequestId?: true;
  /** Largest request body in bytes; 64 KiB by default. */
  readonly maxBody?: number;
}

/** A place that a path names: the kind of a scope, and for each attribute the `:name` whose value it has. */
export interface RoutePlace {
  readonly kind: Exclude<AccessScope['kind'], 'global'>;
  readonly attributes: Readonly<Record<string, string>>;
}

/** One request, as a handler sees it besides node's own objects. */
export interface RequestContext {
  readonly requestId: string;
  /** The raw path of the request target, in canonical encoding. */
  readonly path: string;
  /** The raw query without `?`; empty if there is none. */
  readonly query: string;
  /** Values of the `:name` segments, percent-decoded, and of `*` (raw). */
  readonly params: Readonly<Record<string, string>>;
  readonly route: RouteDeclaration;
  /** Who calls, on a surface whose guard told it. */
  readonly principal?: Principal;
  /** Aborts when the client is gone or the server gives up waiting for the handler. */
  readonly signal: AbortSignal;
  readonly log: Log;
}

export type RouteHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  context: RequestContext,
) => Promise<void> | void;

/** A declared route with what serves it. */
export interface Route extends RouteDeclaration {
  readonly handle: RouteHandler;
}

/** Finds the route of a request. */
export interface RouteTable {
  readonly routes: readonly Route[];
  /** The route and its parameters; the methods that exist there if this one does not; undefined if nothing does. */
  match(method: string, path: string): RouteMatch | undefined;
}

export type RouteMatch =
  | { readonly route: Route; readonly params: Record<string, string> }
  | { readonly allow: readonly string[] };

const SURFACES: readonly string[] = ['public', 'admin', 'agent', 'service'] satisfies Surface[];
const AUDITS: readonly string[] = [
  'none',
  'decision',
  'administration',
] satisfies RouteDeclaration['audit'][];
const PERMISSION = /^[a-z][a-z0-9-]{0,31}:[a-z][a-z0-9-]{0,31}$/;
const PATH =
  /^\/(?:(?:[A-Za-z0-9._~-]+|:[A-Za-z][A-Za-z0-9]*)(?:\/(?:[A-Za-z0-9._~-]+|:[A-Za-z][A-Za-z0-9]*))*(?:\/\*)?|\*)?$/;

/** Builds the table. Throws TypeError on a route that does not declare itself or is declared twice: a process
 *  with such a route must not start. Literal segments win over `:name`, those over `*`. */
export function createRouteTable(routes: readonly Route[]): RouteTable {
  const patterns = routes.map(toPattern).sort(bySpecificity);
  const shapes = new Set<string>();
  for (const pattern of patterns) {
    if (shapes.has(pattern.shape)) throw new TypeError(`route ${pattern.shape} is declared twice`);
    shapes.add(pattern.shape);
  }
  return {
    routes,
    match: (method, path) => matchPatterns(patterns, method, path.split('/').slice(1)),
  };
}

interface Pattern {
  readonly route: Route;
  readonly segments: readonly string[];
  readonly shape: string;
  readonly rank: string;
}

function toPattern(route: Route): Pattern {
  assertDeclared(route);
  const segments = route.path.split('/').slice(1);
  const anonymous = segments.map((segment) => (segment.startsWith(':') ? ':' : segment));
  return {
    route,
    segments,
    shape: `${route.method} /${anonymous.join('/')}`,
    rank: segments.map(rankOf).join(''),
  };
}

function rankOf(segment: string): string {
  if (segment === '*') return 'c';
  return segment.startsWith(':') ? 'b' : 'a';
}

function assertDeclared(route: Route): void {
  const { method, path, surface, audit, handle } = route;
  const named = `${String(method)} ${String(path)}`;
  if (!/^(GET|HEAD|POST|PUT|PATCH|DELETE)$/.test(method)) throw new TypeError(`route ${named}: no method`);
  if (typeof path !== 'string' || !PATH.test(path)) throw new TypeError(`route ${named}: not a route path`);
  if (!SURFACES.includes(surface)) throw new TypeError(`route ${named} declares no surface`);
  if (!AUDITS.includes(audit)) throw new TypeError(`route ${named} declares no audit mode`);
  const isAsked = surface === 'admin' || surface === 'service';
  if (isAsked && !PERMISSION.test(route.permission ?? ''))
    throw new TypeError(`route ${named} declares no permission`);
  assertPlace(route, named);
  if (typeof handle !== 'function') throw new TypeError(`route ${named} has no handler`);
}

/** A place that the path does not name, or that is also looked for elsewhere, would be asked for nowhere. */
function assertPlace({ path, surface, scoped, place }: Route, named: string): void {
  if (place === undefined) return;
  const names = Object.values(place.attributes);
  const isNamed = names.length > 0 && names.every((name) => path.split('/').includes(`:${name}`));
  if (!isNamed || scoped === true || surface !== 'admin')
    throw new TypeError(`route ${named} declares a place that it does not name`);
}

function bySpecificity(a: Pattern, b: Pattern): number {
  return a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0;
}

function matchPatterns(patterns: readonly Pattern[], method: string, path: string[]): RouteMatch | undefined {
  const allow = new Set<string>();
  for (const { route, segments } of patterns) {
    const params = matchSegments(segments, path);
    if (params === undefined) continue;
    if (route.method === method) return { route, params };
    allow.add(route.method);
  }
  return allow.size === 0 ? undefined : { allow: [...allow].sort() };
}

function matchSegments(segments: readonly string[], path: string[]): Record<string, string> | undefined {
  const open = segments.at(-1) === '*';
  if (open ? path.length < segments.length : path.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const value = path[index] ?? '';
    if (segment === '*') params['*'] = path.slice(index).join('/');
    else if (segment.startsWith(':') && value !== '') params[segment.slice(1)] = decodeURIComponent(value);
    else if (segment !== value) return undefined;
  }
  return params;
}
