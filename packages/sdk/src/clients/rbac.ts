import {
  AccessDecision,
  Binding,
  BindingPage,
  type BindingRequest,
  type CheckRequest,
  createChecker,
  LoginPage,
  NewServiceKey,
  Role,
  RolePage,
  type RoleRequest,
  type RotateKeyRequest,
  ServiceAccount,
  ServiceAccountPage,
  type ServiceAccountRequest,
  WhoAmI,
} from '@talosprotocol/contracts';
import { createHttpClient, type HttpClientOptions } from '../http/client.js';
import type { PageQuery } from './kernel.js';

/** The kernel's routes about who may administer (RBAC-1 to RBAC-15). All reject with a TrustError: FORBIDDEN if the
 *  caller may not, or lacks what it would give; CONFLICT if it was changed meanwhile; else as the other clients. */
export interface RbacClient {
  whoAmI(): Promise<WhoAmI>;
  /** May the caller, or somebody else, do this there, and by which binding? */
  check(request: CheckRequest): Promise<AccessDecision>;
  /** The built-in roles first, then the others, newest first. */
  listRoles(page?: PageQuery): Promise<RolePage>;
  createRole(role: RoleRequest): Promise<Role>;
  /** `version` is that of the role as it was read. */
  changeRole(id: string, version: number, role: RoleRequest): Promise<Role>;
  removeRole(id: string, version: number): Promise<void>;
  /** Newest first. */
  listBindings(page?: PageQuery): Promise<BindingPage>;
  createBinding(binding: BindingRequest): Promise<Binding>;
  removeBinding(id: string): Promise<void>;
  /** Newest first, without secrets. */
  listServiceAccounts(page?: PageQuery): Promise<ServiceAccountPage>;
  /** The key is in this answer and in no other. */
  createServiceAccount(account: ServiceAccountRequest): Promise<NewServiceKey>;
  /** Another key; the others end after the overlap. */
  rotateKey(id: string, request: RotateKeyRequest): Promise<NewServiceKey>;
  setDisabled(id: string, version: number, disabled: boolean): Promise<ServiceAccount>;
  getServiceAccount(id: string): Promise<ServiceAccount>;
  /** Sessions of people, newest first. */
  listSessions(page?: PageQuery): Promise<LoginPage>;
  endSession(id: string): Promise<void>;
}

const checks = {
  whoAmI: createChecker(WhoAmI),
  decision: createChecker(AccessDecision),
  role: createChecker(Role),
  roles: createChecker(RolePage),
  binding: createChecker(Binding),
  bindings: createChecker(BindingPage),
  account: createChecker(ServiceAccount),
  accounts: createChecker(ServiceAccountPage),
  key: createChecker(NewServiceKey),
  sessions: createChecker(LoginPage),
};

const BASE = '/talos/v1/rbac';
const one = (list: string, id: string): string => `${BASE}/${list}/${encodeURIComponent(id)}`;
const ifMatch = (version: number) => ({ headers: { 'if-match': `"${version}"` } });

/** Makes a client of the kernel (port 8000) for these routes.
 *  @throws {TypeError} a URL that is not http or https, or holds user info
 *  @example const rbac = createRbacClient({ url: 'http://127.0.0.1:8000', adminToken }) */
export function createRbacClient(options: HttpClientOptions): RbacClient {
  const { json, bytes } = createHttpClient(options);
  const get = (path: string, query: object = {}) =>
    ({ method: 'GET', path: `${BASE}/${path}`, query: { ...query } }) as const;
  const post = (path: string, body: unknown) => ({ method: 'POST', path: `${BASE}/${path}`, body }) as const;
  const remove = async (path: string, more: object = {}): Promise<void> =>
    void (await bytes({ method: 'DELETE', path, ...more }));
  return {
    whoAmI: () => json(get('whoami'), checks.whoAmI),
    check: (body) => json(post('check', body), checks.decision),
    listRoles: (page) => json(get('roles', page), checks.roles),
    createRole: (body) => json(post('roles', body), checks.role),
    changeRole: (id, version, body) =>
      json({ method: 'PUT', path: one('roles', id), body, ...ifMatch(version) }, checks.role),
    removeRole: (id, version) => remove(one('roles', id), ifMatch(version)),
    listBindings: (page) => json(get('bindings', page), checks.bindings),
    createBinding: (body) => json(post('bindings', body), checks.binding),
    removeBinding: (id) => remove(one('bindings', id)),
    listServiceAccounts: (page) => json(get('service-accounts', page), checks.accounts),
    getServiceAccount: (id) => json({ method: 'GET', path: one('service-accounts', id) }, checks.account),
    createServiceAccount: (body) => json(post('service-accounts', body), checks.key),
    rotateKey: (id, body) =>
      json({ method: 'POST', path: `${one('service-accounts', id)}/keys`, body }, checks.key),
    setDisabled: (id, version, disabled) => {
      const path = one('service-accounts', id);
      return json({ method: 'PUT', path, body: { disabled }, ...ifMatch(version) }, checks.account);
    },
    listSessions: (page) => json(get('sessions', page), checks.sessions),
    endSession: (id) => remove(one('sessions', id)),
  };
}
