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

/** Their binding in ours: a principal with a UUID is a service account; scopes have `kind` for `scope_type`. */
function bindingFault({ principal_id, bindings }: Json): string | undefined {
  const id = String(principal_id).replace(/^user_/, 'svc_');
  const subject = isSubject({ kind: 'service', id });
  const parts = (bindings as { role_id: unknown; scope: { scope_type: unknown; attributes: unknown } }[]).map(
    ({ role_id, scope }) =>
      isRoleId(role_id) ?? isScope({ kind: scope.scope_type, attributes: scope.attributes }),
  );
  return subject ?? parts.find((fault) => fault !== undefined);
}

// RBAC-1, RBAC-2, RBAC-3, RBAC-4
describe.skipIf(standardsFolder() === undefined)('older vectors (skipped without ../shared/vectors)', () => {
  it('roles and bindings: what was valid is, what was not is not', () => {
    const vectors = readStandard<Vectors>(`${FOLDER}/rbac_vectors.json`);
    for (const { input } of vectors.valid_roles) expect(roleFault(input)).toBeUndefined();
    for (const { input, description } of vectors.invalid_roles)
      expect(roleFault(input), description).toBeDefined();
    for (const { input } of vectors.valid_bindings) expect(bindingFault(input)).toBeUndefined();
    for (const { input, description } of vectors.invalid_bindings)
      expect(bindingFault(input), description).toBeDefined();
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
