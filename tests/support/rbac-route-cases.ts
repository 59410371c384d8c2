import type { Case } from './route-cases.js';

const UUID = '01890000-0000-7000-8000-000000000001';
const BASE = '/talos/v1/rbac';
const admin = { auth: 'admin' } as const;
const open = { auth: 'none' } as const;
const role = () => ({ name: 'hostile', allow: ['audit:read'], deny: [] });
const binding = () => ({
  role: 'viewer',
  subject: { kind: 'group', issuer: 'https://id.example', id: 'hostile' },
  scope: { kind: 'team', attributes: { team_id: 'a' } },
});

type Line = readonly [method: Case['method'], path: string, target?: string | undefined, body?: () => object];

const LINES: readonly Line[] = [
  ['GET', 'roles', 'roles?limit=5'],
  ['POST', 'roles', undefined, role],
  ['GET', 'roles/:id', 'roles/viewer'],
  ['PUT', 'roles/:id', `roles/role_${UUID}`, role],
  ['DELETE', 'roles/:id', `roles/role_${UUID}`],
  ['GET', 'bindings', 'bindings?limit=5'],
  ['POST', 'bindings', undefined, binding],
  ['GET', 'bindings/:id', `bindings/bind_${UUID}`],
  ['DELETE', 'bindings/:id', `bindings/bind_${UUID}`],
  ['GET', 'service-accounts', 'service-accounts?limit=5'],
  ['POST', 'service-accounts', undefined, () => ({ name: 'hostile' })],
  ['GET', 'service-accounts/:id', `service-accounts/svc_${UUID}`],
  ['PUT', 'service-accounts/:id', `service-accounts/svc_${UUID}`, () => ({ disabled: true })],
  ['POST', 'service-accounts/:id/keys', `service-accounts/svc_${UUID}/keys`, () => ({ overlap: 0 })],
  ['GET', 'whoami'],
  ['POST', 'check', undefined, () => ({ permission: 'audit:read' })],
  ['POST', 'logout'],
  ['GET', 'sessions', 'sessions?limit=5'],
  ['DELETE', 'sessions/:id', `sessions/log_${UUID}`],
];

/** The routes that administer administrators. */
export const RBAC_CASES: readonly Case[] = [
  ...LINES.map(([method, path, target = path, body]) => ({
    method,
    path: `${BASE}/${path}`,
    target: `${BASE}/${target}`,
    ...admin,
    ...(body === undefined ? {} : { body }),
  })),
  {
    method: 'POST',
    path: `${BASE}/bootstrap`,
    target: `${BASE}/bootstrap`,
    ...open,
    body: () => ({ token: `tal_boot_${'A'.repeat(43)}` }),
  },
  { method: 'GET', path: `${BASE}/login`, target: `${BASE}/login`, ...open },
  { method: 'GET', path: `${BASE}/callback`, target: `${BASE}/callback`, ...open },
];
