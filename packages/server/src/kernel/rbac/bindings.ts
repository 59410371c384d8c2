import type {
  AccessScope,
  Binding,
  BindingPage,
  BindingRequest,
  Principal,
  RoleRules,
  Subject,
} from '@talosprotocol/contracts';
import { formatTime, subjectKey, TrustError } from '@talosprotocol/protocol';
import type { Sql } from '../../platform/sql.js';
import { findAccount } from './account-store.js';
import { assertAdministratorStays, without } from './administrators.js';
import { type ChangeContext, type Changes, found } from './change.js';
import {
  addBinding,
  MAX_BINDINGS,
  type PageRequest,
  readBindings,
  readPolicy,
  removeBinding,
} from './policy-store.js';
import { assertMayGrant, tooMany } from './roles.js';

/** Roles for somebody, somewhere (RBAC-4, RBAC-7). */
export interface Bindings {
  list(request: PageRequest): Promise<BindingPage>;
  /** @throws {TrustError} NOT_FOUND */
  find(id: string): Promise<Binding>;
  /** Those of a caller. */
  of(subjects: readonly Subject[]): Promise<Binding[]>;
  /** @throws {TrustError} FORBIDDEN | NOT_FOUND: role or account | CONFLICT: too many, there is one, or it denies the last
   *    administrator */
  create(by: Principal, request: BindingRequest): Promise<Binding>;
  /** @throws {TrustError} FORBIDDEN | NOT_FOUND | CONFLICT: the last administrator's */
  remove(by: Principal, id: string): Promise<void>;
}

export function createBindings(deps: { readonly sql: Sql; readonly changes: Changes }): Bindings {
  const { sql, changes } = deps;
  const all = async (): Promise<readonly Binding[]> => (await readPolicy(sql)).bindings;
  return {
    list: async (request) => {
      const { rows, next } = await readBindings(sql, request);
      return { bindings: [...rows], next };
    },
    find: async (id) =>
      found(
        (await all()).find((binding) => binding.id === id),
        'binding',
      ),
    of: async (subjects) => {
      const keys = new Set(subjects.map(subjectKey));
      return (await all()).filter(({ subject }) => keys.has(subjectKey(subject)));
    },
    create: (by, request) => changes.runAs(by, (context) => create(context, by, request)),
    remove: (by, id) =>
      changes.runAs(by, async (context) => {
        const binding = found(
          context.policy.bindings.find((one) => one.id === id),
          'binding',
        );
        assertMayGrant(context, by, rulesOf(context, binding.role), binding.scope);
        await assertAdministratorStays(
          context,
          without(context.policy, (one) => one.id === id),
        );
        await removeBinding(context.tx, id);
        await context.record('binding.removed', id, binding);
      }),
  };
}

async function create(
  context: ChangeContext,
  by: Principal,
  { role, subject, scope }: BindingRequest,
): Promise<Binding> {
  const { policy, now } = context;
  assertMayGrant(context, by, rulesOf(context, role), scope);
  if (subject.kind === 'service') found(await findAccount(context.tx, subject.id, now), 'service account');
  if (policy.bindings.length >= MAX_BINDINGS) throw tooMany('bindings', MAX_BINDINGS);
  const same = policy.bindings.find((one) => isSame(one, { role, subject, scope }));
  if (same !== undefined) throw new TrustError('CONFLICT', `the binding ${same.id} says the same`);
  const made: Binding = { id: '', role, subject, scope, created: '' };
  await assertAdministratorStays(context, { ...policy, bindings: [...policy.bindings, made] });
  return bind(context, { role, subject, scope });
}

/** Binds without asking who does it. */
export async function bind(context: ChangeContext, request: BindingRequest): Promise<Binding> {
  const id = context.newId('bind');
  const binding: Binding = { id, ...request, created: formatTime(context.now) };
  await addBinding(context.tx, binding, context.now);
  await context.record('binding.created', id, binding);
  return binding;
}

function isSame(one: BindingRequest, other: BindingRequest): boolean {
  return (
    one.role === other.role &&
    subjectKey(one.subject) === subjectKey(other.subject) &&
    sortedScope(one.scope) === sortedScope(other.scope)
  );
}

const sortedScope = ({ kind, attributes }: AccessScope): string =>
  JSON.stringify([kind, ...Object.entries(attributes).sort()]);

function rulesOf({ policy }: ChangeContext, role: string): RoleRules {
  return found(policy.roles.get(role), 'role');
}
