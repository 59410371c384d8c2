import type { Binding, Subject } from '@talosprotocol/contracts';
import { type AccessPolicy, findLack, GLOBAL, TrustError } from '@talosprotocol/protocol';
import { findAccount } from './account-store.js';
import type { ChangeContext } from './change.js';

/** The same policy without some of its bindings. */
export function without(policy: AccessPolicy, isGone: (binding: Binding) => boolean): AccessPolicy {
  return { ...policy, bindings: policy.bindings.filter((binding) => !isGone(binding)) };
}

/** Under the policy to come somebody must still be able to undo the change (RBAC-13): an administrator who is not denied to write
 *  to RBAC, for nobody else could take that denial away. @throws {TrustError} CONFLICT */
export async function assertAdministratorStays(context: ChangeContext, next: AccessPolicy): Promise<void> {
  const { policy } = context;
  const before = administratorsOf(policy);
  const left = administratorsOf(next);
  const isOneGone = before.some(({ id }) => left.every((one) => one.id !== id));
  const isOneDenied = before.some((one) => mayWrite(policy, one) && !mayWrite(next, one));
  if (!isOneGone && !isOneDenied) return;
  for (const one of left) if (mayWrite(next, one) && (await canAct(context, one.subject))) return;
  throw new TrustError('CONFLICT', 'nobody would be left who may administer the platform', {
    hint: 'bind platform-admin to somebody else first',
  });
}

function administratorsOf({ bindings }: AccessPolicy): readonly Binding[] {
  return bindings.filter(({ role, scope }) => role === 'platform-admin' && scope.kind === 'global');
}

/** Everywhere: who is denied it in one place could not take that denial away either (RBAC-7). */
function mayWrite(policy: AccessPolicy, { subject }: Binding): boolean {
  return findLack(policy, [subject], { allow: ['rbac:write'], deny: [] }, GLOBAL) === undefined;
}

/** People of a provider that is not in force cannot log in. */
async function canAct({ tx, now, issuer }: ChangeContext, subject: Subject): Promise<boolean> {
  if (subject.kind !== 'service') return subject.issuer === issuer;
  const account = await findAccount(tx, subject.id, now);
  return account !== undefined && !account.disabled && account.keys.length > 0;
}
