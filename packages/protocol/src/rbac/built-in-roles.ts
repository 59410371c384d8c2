import type { Role } from '@talosprotocol/contracts';

const role = (id: string, name: string, allow: readonly string[]): Role => ({
  id,
  name,
  allow: [...allow],
  deny: [],
  built_in: true,
  version: 1,
});

/** The roles that are part of Talos (RBAC-8). They cannot be changed or removed, and deny nothing. */
export const BUILT_IN_ROLES: readonly Role[] = [
  role('platform-admin', 'Platform administrator', ['*:*']),
  role('security-admin', 'Security administrator', [
    'rbac:*',
    'secret:*',
    'identity:*',
    'capability:revoke',
    'capability:authorize',
    'revocation:*',
    'session:*',
    'audit:read',
    'audit:export',
    'node:read',
    'tool:read',
  ]),
  role('operator', 'Operator', [
    'policy:*',
    'secret:*',
    'identity:read',
    'identity:write',
    'capability:issue',
    'capability:revoke',
    'capability:authorize',
    'revocation:read',
    'audit:read',
    'node:*',
    'metrics:read',
    'session:read',
    'tool:*',
    'budget:read',
  ]),
  role('auditor', 'Auditor', [
    'audit:read',
    'audit:export',
    'identity:read',
    'revocation:read',
    'rbac:read',
    'session:read',
    'node:read',
    'metrics:read',
    'tool:read',
    'budget:read',
  ]),
  role('viewer', 'Viewer', [
    'identity:read',
    'revocation:read',
    'session:read',
    'node:read',
    'metrics:read',
    'tool:read',
  ]),
];
