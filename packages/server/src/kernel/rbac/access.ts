import type { IncomingMessage } from 'node:http';
import type { AccessDecision, AccessScope, Principal } from '@talosprotocol/contracts';
import {
  type AccessPolicy,
  decideAccess,
  GLOBAL,
  hasAnywhere,
  isTrustError,
  TrustError,
} from '@talosprotocol/protocol';
import type { RequestContext, Route, RouteDeclaration } from '../../platform/routes.js';
import type { Sql } from '../../platform/sql.js';
import { createAttempts } from './attempts.js';
import { type AuthenticationDeps, createAuthentication } from './authentication.js';
import { readPolicy } from './policy-store.js';
import type { Refusals } from './refusals.js';

/** Decides who may call what on the admin surface of this process. It needs the shared database and nothing else, so
 *  every role's process has one of its own. */
export interface Access {
  /** The guard of a listener: who calls, if it may call this route (RBAC-9).
   *  @throws {TrustError} UNAUTHENTICATED | MALFORMED | FORBIDDEN | UNAVAILABLE */
  authorizeRoute(
    request: IncomingMessage,
    route: RouteDeclaration,
    params: RequestContext['params'],
  ): Promise<Principal>;
  /** The same for one permission, where the route itself is open to others as well. */
  authorize(request: IncomingMessage, permission: string): Promise<Principal>;
  /** The same routes, and whatever a handler refuses of what would change something is on record (AUD-5): the caller was
   *  let in, and what it asked for was not done. */
  recordRefusals(routes: readonly Route[]): readonly Route[];
  /** Whether a caller may do it in a place; read from the database now. */
  decide(
    principal: Pick<Principal, 'subjects'>,
    permission: string,
    resource: AccessScope,
  ): Promise<AccessDecision>;
}

/** Every caller that is somebody holds this one; it only tells callers about themselves. */
export const SELF = 'rbac:self';

export interface AccessDeps extends Omit<AuthenticationDeps, 'sql' | 'attempts'> {
  readonly sql: Sql;
  readonly refusals: Refusals;
}

export function createAccess(deps: AccessDeps): Access {
  const authenticate = createAuthentication({ ...deps, attempts: createAttempts(deps.clock.monotonic) });
  const policyAt = createPolicyView(deps.sql);
  const record = createRecordOnce(deps.refusals);
  const authorize = async (
    request: IncomingMessage,
    permission: string | undefined,
    where: AccessScope | 'anywhere',
  ): Promise<Principal> => {
    let known: Principal | undefined;
    try {
      const { principal, version } = await authenticate(request);
      known = principal;
      if (permission === SELF) return principal;
      const policy = await policyAt(version);
      const question = { subjects: principal.subjects, permission };
      if (where === 'anywhere' && hasAnywhere(policy, question)) return principal;
      const resource = where === 'anywhere' ? GLOBAL : where;
      const decision = decideAccess(policy, { ...question, resource });
      if (decision.effect === 'allow') return principal;
      throw forbidden(permission, decision);
    } catch (error) {
      await record(request, { error, permission, principal: known });
      throw error;
    }
  };
  return {
    authorizeRoute: (request, route, params) => authorize(request, route.permission, placeOf(route, params)),
    authorize: (request, permission) => authorize(request, permission, GLOBAL),
    recordRefusals: (routes) => routes.map((route) => withRefusals(route, record)),
    decide: async ({ subjects }, permission, resource) => {
      return decideAccess(await readPolicyNow(deps.sql), { subjects, permission, resource });
    },
  };
}

/** Where a request asks to act: in the place that its path names, in one that its body names, or everywhere. */
function placeOf(
  { place, scoped }: RouteDeclaration,
  params: RequestContext['params'],
): AccessScope | 'anywhere' {
  if (scoped === true) return 'anywhere';
  if (place === undefined) return GLOBAL;
  const named = Object.entries(place.attributes).map(([name, param]) => [name, params[param] ?? '*']);
  return { kind: place.kind, attributes: Object.fromEntries(named) } as AccessScope;
}

/** What the guard or `authorize` refused in a handler is on record as that: the same error is no second refusal. Whatever else a
 *  handler refuses is one, FORBIDDEN too: who asks for more than it may give was let in. */
function createRecordOnce(refusals: Refusals): Refusals['record'] {
  const known = new WeakSet<object>();
  return async (request, refused) => {
    const { error } = refused;
    if (!isTrustError(error) || known.has(error)) return;
    await refusals.record(request, refused);
    known.add(error);
  };
}

function withRefusals(route: Route, record: Refusals['record']): Route {
  if (route.audit !== 'administration') return route;
  return {
    ...route,
    handle: async (request, response, context) => {
      try {
        await route.handle(request, response, context);
      } catch (error) {
        const { principal } = context;
        await record(request, { error, permission: route.permission, principal });
        throw error;
      }
    },
  };
}

/** The refusal of a decision; it names the binding that denied. */
export function forbidden(permission: string | undefined, { reason, binding }: AccessDecision): TrustError {
  const why = binding === undefined ? 'no binding grants it' : `the binding ${binding} denies it`;
  return new TrustError('FORBIDDEN', `${permission ?? 'this'} is not permitted: ${why}`, {
    hint:
      reason === 'denied'
        ? 'talos rbac binding list shows the binding; whoever holds its role there can remove it'
        : 'ask an administrator for a role with it: talos rbac binding create; talos rbac check tells what you may do',
  });
}

const readPolicyNow = (sql: Sql): Promise<AccessPolicy> => sql.transaction(readPolicy, 'repeatable read');

/** Keeps roles and bindings as long as the version a caller was found with says that they are the newest. */
function createPolicyView(sql: Sql): (version: number) => Promise<AccessPolicy> {
  let kept: { readonly version: number; readonly policy: AccessPolicy } | undefined;
  return async (version) => {
    if (kept?.version === version) return kept.policy;
    const read = await sql.transaction(async (tx) => {
      const [state] = await tx.query<{ version: number }>('SELECT version FROM rbac_state');
      return { version: state?.version ?? 0, policy: await readPolicy(tx) };
    }, 'repeatable read');
    kept = read;
    return read.policy;
  };
}
