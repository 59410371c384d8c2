import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { TrustError } from '@talosprotocol/protocol';
import { type Env, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { isOurFault, problemHeaders, toProblem } from './problem.js';
import type { RequestContext, Route, RouteDeclaration } from './routes.js';

/** What a mounted Hono app finds in `c.env`. */
export interface MountBindings extends HttpBindings {
  readonly context: RequestContext;
}

const MAX_BODY = 64 * 1024;

/** Serves control-plane routes with a Hono app. Each route of the app needs a declaration and each declaration a
 *  route (TypeError): an undeclared route cannot be served. TrustErrors become problems, bodies are bounded. */
export function mountHono<E extends Env & { Bindings: MountBindings }>(
  app: Hono<E>,
  declarations: readonly RouteDeclaration[],
): Route[] {
  assertSame(app, declarations);
  return declarations.map((declaration) => ({ ...declaration, handle: createHandle(app, declaration) }));
}

function assertSame(
  app: { routes: { method: string; path: string }[] },
  declared: readonly RouteDeclaration[],
) {
  // Hono lists middleware under the method ALL; it serves nothing by itself.
  const served = new Set(app.routes.filter((r) => r.method !== 'ALL').map((r) => `${r.method} ${r.path}`));
  const named = new Set(declared.map((route) => `${route.method} ${route.path}`));
  for (const route of served) if (!named.has(route)) throw new TypeError(`route ${route} is not declared`);
  for (const route of named)
    if (!served.has(route)) throw new TypeError(`route ${route} is declared, not served`);
}

function createHandle<E extends Env>(app: Hono<E>, declaration: RouteDeclaration): Route['handle'] {
  const outer = new Hono<{ Bindings: MountBindings }>();
  outer.onError((error, c) => answerProblem(error, c.env.context));
  const tooLarge = (): never => {
    throw new TrustError('TOO_LARGE', `the body may have ${declaration.maxBody ?? MAX_BODY} bytes`);
  };
  outer.use(bodyLimit({ maxSize: declaration.maxBody ?? MAX_BODY, onError: tooLarge }));
  app.onError((error, c) => answerProblem(error, (c.env as unknown as MountBindings).context));
  outer.route('/', app as unknown as Hono);
  return async (request: IncomingMessage, response: ServerResponse, context: RequestContext) => {
    const listener = getRequestListener(
      (req, env) => outer.fetch(req, { ...(env as HttpBindings), context }),
      {
        overrideGlobalObjects: false,
        errorHandler: (error) => answerProblem(error, context),
      },
    );
    await listener(request, response);
  };
}

function answerProblem(error: unknown, context: RequestContext): Response {
  if (isOurFault(error)) context.log.error('a request failed', { err: error });
  const shown = toProblem(error, context.requestId);
  return new Response(JSON.stringify(shown), { status: shown.status, headers: problemHeaders(shown) });
}
