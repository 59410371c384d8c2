import {
  AccessScope,
  createChecker,
  PermissionPattern,
  Role,
  RoleId,
  Subject,
} from '@talosprotocol/contracts';
import { decideAccess, GLOBAL } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { readStandard, standardsFolder } from '../support/standards.js';

const FOLDER = 'talos/talos-contracts/test_vectors/rbac';
const isRole = createChecker(Role);
const isPattern = createChecker(PermissionPattern);
const isRoleId = createChecker(RoleId);
const isScope = createChecker(AccessScope);
const isSubject = createChecker(Subject);

type Json = Record<string, unknown>;
interface Vectors {
  readonly valid_roles: { input: Json }[];
  readonly invalid_roles: { description: string; input: Json }[];
  readonly valid_bindings: { input: Json }[];
  readonly invalid_bindings: { description: string; input: Json }[];
}

/** Their role in our members: an id with our prefix, permissions that are allowed. */
function roleFault({ role_id, permissions, name = 'a role' }: Json): string | undefined {
  return isRole({
    id: `role_${String(role_id)}`,
    name,
    allow: permissions,
    deny: [],
    built_in: false,
    version: 1,
  });
}

/** Everything wrong with their binding in ours: a principal with a UUID is a service account; scopes have `kind` for `scope_type`. */
function bindingFaults({ principal_id, bindings }: Json): string[] {
  const id = String(principal_id).replace(/^user_/, 'svc_');
  const parts = (
    bindings as { role_id: unknown; scope: { scope_type: unknown; attributes: unknown } }[]
  ).flatMap(({ role_id, scope }) => [
    isRoleId(role_id),
    isScope({ kind: scope.scope_type, attributes: scope.attributes }),
  ]);
  return [isSubject({ kind: 'service', id }), ...parts].filter((fault) => fault !== undefined);
}

/** What each of their descriptions must be refused for. */
const ROLE_FAULTS: Readonly<Record<string, string>> = {
  'Invalid UUIDv7': '/id: must be of this form: id of a role',
  'Invalid Permission Format': '/allow/0: must be of this form',
  'Role ID as null': '/id: must be of this form: id of a role',
  'Role ID Uppercase UUID': '/id: must be of this form: id of a role',
  'Role with Null Permissions (Absent Parity)': '/allow: must be array',
};
const BINDING_FAULTS: Readonly<Record<string, string>> = {
  'Missing principal_id': '/id: must be of this form: id of a service account',
  'Principal ID as null': '/id: must be of this form: id of a service account',
  'Principal ID Uppercase UUID': '/id: must be of this form: id of a service account',
  'Invalid scope_type enum': '/kind',
  'Binding with Null Attributes (Absent Parity)': '/attributes: must be object',
};

// RBAC-1, RBAC-2, RBAC-3, RBAC-4
describe.skipIf(standardsFolder() === undefined)('older vectors (skipped without ../shared/vectors)', () => {
  it('roles and bindings: what was valid is, what was not is not', () => {
    const vectors = readStandard<Vectors>(`${FOLDER}/rbac_vectors.json`);
    for (const { input } of vectors.valid_roles) expect(roleFault(input)).toBeUndefined();
    for (const { input, description } of vectors.invalid_roles)
      expect(roleFault(input), description).toContain(ROLE_FAULTS[description]);
    for (const { input } of vectors.valid_bindings) expect(bindingFaults(input)).toEqual([]);
    for (const { input, description } of vectors.invalid_bindings)
      expect(bindingFaults(input).join(' | '), description).toContain(BINDING_FAULTS[description]);
    expect(vectors.invalid_roles.length + vectors.invalid_bindings.length).toBeGreaterThan(9);
  });

  it('nobody, nothing granted and a key that does not count are denied', () => {
    const { tests } = readStandard<{ tests: { expected: string; action: string }[] }>(
      `${FOLDER}/deny_by_default.json`,
    );
    expect(tests.length).toBe(3);
    for (const { action, expected } of tests) {
      const permission = action.replace('.', ':');
      expect(isPattern(permission)).toBeUndefined();
      const question = { subjects: [], permission, resource: GLOBAL };
      expect(decideAccess({ roles: new Map(), bindings: [] }, question).effect).toBe(expected);
    }
  });
});
