import {
  AccessDecision,
  Binding,
  BindingPage,
  BindingRequest,
  BootstrapAnswer,
  BootstrapRequest,
  CheckRequest,
  LoginPage,
  NewServiceKey,
  Role,
  RolePage,
  RoleRequest,
  RotateKeyRequest,
  ServiceAccount,
  ServiceAccountChange,
  ServiceAccountPage,
  ServiceAccountRequest,
  WhoAmI,
} from '@talosprotocol/contracts';
import type { Route } from './openapi-routes.js';

/** Shapes of these routes, by name. */
export const RBAC_COMPONENTS: Readonly<Record<string, object>> = {
  AccessDecision,
  Binding,
  BindingPage,
  BindingRequest,
  BootstrapAnswer,
  BootstrapRequest,
  CheckRequest,
  LoginPage,
  NewServiceKey,
  Role,
  RolePage,
  RoleRequest,
  RotateKeyRequest,
  ServiceAccount,
  ServiceAccountChange,
  ServiceAccountPage,
  ServiceAccountRequest,
  WhoAmI,
};

const PAGE = {
  cursor: { type: 'string', pattern: '^[A-Za-z0-9_-]{51,71}$' },
  limit: { type: 'integer', minimum: 1, maximum: 500, default: 100 },
};
const BASE = '/talos/v1/rbac';
const kernel = { on: ['kernel'], needs: 'admin' } as const;

/** One resource: its list, how one is made, one. */
function resource(
  path: string,
  names: readonly [one: string, many: string],
  shapes: readonly object[],
): Route[] {
  const [one, many] = names;
  const [page, body, made, single] = shapes;
  const list = `${BASE}/${path}`;
  const at = `${list}/{id}`;
  const some = path.replace('-', ' ');
  return [
    {
      ...kernel,
      method: 'get',
      path: list,
      id: `list${many}`,
      summary: `Lists ${some}, newest first`,
      query: PAGE,
      status: 200,
      answer: page as object,
    },
    {
      ...kernel,
      method: 'post',
      path: list,
      id: `create${one}`,
      summary: `Adds to the ${some}`,
      body: body as object,
      status: 201,
      answer: made as object,
    },
    {
      ...kernel,
      method: 'get',
      path: at,
      id: `get${one}`,
      summary: `Answers one of the ${some}`,
      status: 200,
      answer: single as object,
    },
  ];
}

const remove = (path: string, id: string, summary: string): Route => {
  return { ...kernel, method: 'delete', path: `${BASE}/${path}/{id}`, id, summary, status: 204 };
};

/** The routes that administer administrators. A change needs the header `If-Match` with the version it is made of. */
export const RBAC_ROUTES: readonly Route[] = [
  ...resource('roles', ['Role', 'Roles'], [RolePage, RoleRequest, Role, Role]),
  {
    ...kernel,
    method: 'put',
    path: `${BASE}/roles/{id}`,
    id: 'changeRole',
    summary: 'Changes a role',
    body: RoleRequest,
    status: 200,
    answer: Role,
  },
  remove('roles', 'removeRole', 'Removes a role that is not bound'),
  ...resource('bindings', ['Binding', 'Bindings'], [BindingPage, BindingRequest, Binding, Binding]),
  remove('bindings', 'removeBinding', 'Removes a binding'),
  ...resource(
    'service-accounts',
    ['ServiceAccount', 'ServiceAccounts'],
    [ServiceAccountPage, ServiceAccountRequest, NewServiceKey, ServiceAccount],
  ),
  {
    ...kernel,
    method: 'put',
    path: `${BASE}/service-accounts/{id}`,
    id: 'changeServiceAccount',
    summary: 'Disables or enables a service account',
    body: ServiceAccountChange,
    status: 200,
    answer: ServiceAccount,
  },
  {
    ...kernel,
    method: 'post',
    path: `${BASE}/service-accounts/{id}/keys`,
    id: 'rotateServiceKey',
    summary: 'Makes another key; the others end after the overlap',
    body: RotateKeyRequest,
    status: 201,
    answer: NewServiceKey,
  },
  {
    ...kernel,
    method: 'get',
    path: `${BASE}/whoami`,
    id: 'whoAmI',
    summary: 'Answers who calls and which bindings that has',
    status: 200,
    answer: WhoAmI,
  },
  {
    ...kernel,
    method: 'post',
    path: `${BASE}/check`,
    id: 'checkAccess',
    summary: 'Says whether somebody may do something somewhere, and by which binding',
    body: CheckRequest,
    status: 200,
    answer: AccessDecision,
  },
  {
    ...kernel,
    method: 'get',
    path: `${BASE}/sessions`,
    id: 'listLogins',
    summary: 'Lists the sessions of people, newest first',
    query: PAGE,
    status: 200,
    answer: LoginPage,
  },
  remove('sessions', 'endLogin', 'Ends the session of a person'),
  {
    ...kernel,
    method: 'post',
    path: `${BASE}/logout`,
    id: 'logOut',
    summary: 'Ends the own session',
    status: 204,
  },
  {
    on: ['kernel'],
    method: 'post',
    path: `${BASE}/bootstrap`,
    id: 'bootstrap',
    summary: 'Makes the first administrator with the one-time token, from this machine only',
    body: BootstrapRequest,
    status: 201,
    answer: BootstrapAnswer,
  },
  {
    on: ['kernel'],
    method: 'get',
    path: `${BASE}/login`,
    id: 'logIn',
    summary: 'Sends the browser to the OpenID provider',
    status: 303,
  },
  {
    on: ['kernel'],
    method: 'get',
    path: `${BASE}/callback`,
    id: 'completeLogin',
    summary: 'Takes the browser back from the OpenID provider and opens a session',
    query: { code: { type: 'string' }, state: { type: 'string' }, iss: { type: 'string' } },
    status: 200,
    media: 'application/json',
  },
];
