import type {
  AccessScope,
  Principal,
  Role,
  RolePage,
  RoleRequest,
  RoleRules,
} from '@talosprotocol/contracts';
import { findLack, GLOBAL, TrustError } from '@talosprotocol/protocol';
import type { Queries } from '../../platform/sql.js';
import { assertAdministratorStays } from './administrators.js';
import { assertVersion, type ChangeContext, type Changes, found } from './change.js';
import { findRole, MAX_ROLES, type PageRequest, putRole, readRoles, removeRole } from './policy-store.js';

/** Custom roles (RBAC-2, RBAC-7). */
export interface Roles {
  list(request: PageRequest): Promise<RolePage>;
  /** @throws {TrustError} NOT_FOUND */
  find(id: string): Promise<Role>;
  /** @throws {TrustError} FORBIDDEN | CONFLICT: too many */
  create(by: Principal, request: RoleRequest): Promise<Role>;
  /** @throws {TrustError} FORBIDDEN | NOT_FOUND | CONFLICT: built in, changed meanwhile, or it would deny the last
   *    administrator */
  change(by: Principal, id: string, version: number, request: RoleRequest): Promise<Role>;
  /** @throws {TrustError} as `change`; CONFLICT also while it is bound */
  remove(by: Principal, id: string, version: number): Promise<void>;
}

export function createRoles(deps: { readonly sql: Queries; readonly changes: Changes }): Roles {
  const { sql, changes } = deps;
  return {
    list: async (request) => {
      const { rows, next } = await readRoles(sql, request);
      return { roles: [...rows], next };
    },
    find: async (id) => found(await findRole(sql, id), 'role'),
    create: (by, { name, allow, deny = [] }) =>
      changes.runAs(by, async (context) => {
        const { policy, tx, now } = context;
        if (policy.roles.size >= MAX_ROLES) throw tooMany('roles', MAX_ROLES);
        assertMayGrant(context, by, { allow, deny }, GLOBAL);
        const id = context.newId('role');
        const role: Role = { id, name, allow, deny, built_in: false, version: 1 };
        await putRole(tx, role, now);
        await context.record('role.created', id, role);
        return role;
      }),
    change: (by, id, version, { name, allow, deny = [] }) =>
      changes.runAs(by, async (context) => {
        const old = await changeable(context, by, id, version);
        assertMayGrant(context, by, { allow, deny }, GLOBAL);
        const role: Role = { ...old, name, allow, deny, version: old.version + 1 };
        const { policy } = context;
        await assertAdministratorStays(context, { ...policy, roles: new Map(policy.roles).set(id, role) });
        await putRole(context.tx, role, context.now);
        await context.record('role.changed', id, role);
        return role;
      }),
    remove: (by, id, version) =>
      changes.runAs(by, async (context) => {
        const old = await changeable(context, by, id, version);
        if (context.policy.bindings.some(({ role }) => role === id))
          throw new TrustError('CONFLICT', 'the role is bound', {
            hint: 'remove its bindings first: talos rbac binding list',
          });
        await removeRole(context.tx, id);
        await context.record('role.removed', id, old);
      }),
  };
}

async function changeable(context: ChangeContext, by: Principal, id: string, version: number): Promise<Role> {
  const role = found(await findRole(context.tx, id), 'role');
  if (role.built_in) throw new TrustError('CONFLICT', 'a built-in role never changes');
  assertVersion(role.version, version);
  assertMayGrant(context, by, role, GLOBAL);
  return role;
}

/** Nobody grants what they lack (RBAC-7). @throws {TrustError} FORBIDDEN */
export function assertMayGrant(
  context: ChangeContext,
  by: Principal,
  { allow, deny }: RoleRules,
  scope: AccessScope,
): void {
  assertHolds(context, by, { allow: ['rbac:write', ...allow], deny }, scope);
}

/** The same, where it was asked elsewhere whether anything may be changed. @throws {TrustError} FORBIDDEN */
export function assertHolds(
  { policy }: ChangeContext,
  { subjects }: Principal,
  rules: RoleRules,
  scope: AccessScope,
): void {
  const lack = findLack(policy, subjects, rules, scope);
  if (lack === undefined) return;
  throw new TrustError(
    'FORBIDDEN',
    `you do not hold ${lack} in all of ${placeOf(scope)}, so you cannot give it`,
    {
      hint: 'ask somebody who holds it; talos rbac whoami shows what you hold',
    },
  );
}

function placeOf({ kind, attributes }: AccessScope): string {
  const named = Object.entries(attributes).map(([name, value]) => `${name}=${String(value)}`);
  return [kind, ...named].join(' ');
}

/** @throws {TrustError} CONFLICT */
export function tooMany(what: string, count: number): TrustError {
  return new TrustError('CONFLICT', `there are ${count} ${what} already`, {
    hint: 'remove those that nobody needs',
  });
}
