import type { AccessDecision, AccessScope, Binding, RoleRules, Subject } from '@talosprotocol/contracts';
import { patternCovers, patternsMeet, rankOfPattern } from './pattern.js';
import { isExact, rankOfScope, scopeCovers, scopesMeet } from './scope.js';
import { subjectKey } from './subject.js';

/** What decides: roles by id, and all bindings. The order of bindings and patterns means nothing. */
export interface AccessPolicy {
  readonly roles: ReadonlyMap<string, RoleRules>;
  readonly bindings: readonly Binding[];
}

/** Who asks, for what, where. A route without a place of its own is asked for globally. */
export interface AccessQuestion {
  /** Everything the caller proved to be: itself, its groups. */
  readonly subjects: readonly Subject[];
  /** `namespace:action`; undefined for a route that is not mapped: nobody has that. */
  readonly permission: string | undefined;
  readonly resource: AccessScope;
}

/** The scope that covers everything. */
export const GLOBAL: AccessScope = { kind: 'global', attributes: {} };

interface Match {
  readonly binding: Binding;
  readonly pattern: string;
}

/** Decides one question (RBAC-5, RBAC-6): any deny that matches denies, else any allow allows, else nobody may.
 *  The most specific of what decided is reported: scope first, then pattern, then the smallest id of a binding. */
export function decideAccess(policy: AccessPolicy, question: AccessQuestion): AccessDecision {
  const { subjects, permission, resource } = question;
  if (permission === undefined) return { effect: 'deny', reason: 'not_granted' };
  if (permission.includes('*') || !isExact(resource)) return { effect: 'deny', reason: 'malformed' };
  const here = bindingsOf(policy, subjects).filter(({ scope }) => scopeCovers(scope, resource));
  const denied = best(matches(policy, here, 'deny', permission));
  if (denied !== undefined) return { effect: 'deny', reason: 'denied', ...named(denied) };
  const allowed = best(matches(policy, here, 'allow', permission));
  if (allowed !== undefined) return { effect: 'allow', reason: 'allowed', ...named(allowed) };
  return { effect: 'deny', reason: 'not_granted' };
}

/** Whether there may be a place where the caller has the permission. For routes that decide about a place only they
 *  can name: they must ask again. */
export function hasAnywhere(
  policy: AccessPolicy,
  { subjects, permission }: Omit<AccessQuestion, 'resource'>,
): boolean {
  if (permission === undefined) return false;
  const own = bindingsOf(policy, subjects);
  const everywhere = own.filter(({ scope }) => scope.kind === 'global');
  const isDenied = matches(policy, everywhere, 'deny', permission).length > 0;
  return !isDenied && matches(policy, own, 'allow', permission).length > 0;
}

/** The first pattern of `rules` that the caller does not hold in all of `scope`; undefined if it holds them all and
 *  may grant them there (RBAC-7). One allow must cover the whole pattern, and no deny of the caller may touch it. A
 *  role's denials have to be held as well: who could hand them out could lock out whoever is above.  */
export function findLack(
  policy: AccessPolicy,
  subjects: readonly Subject[],
  { allow, deny }: RoleRules,
  scope: AccessScope,
): string | undefined {
  const own = bindingsOf(policy, subjects);
  const holds = (wanted: string): boolean =>
    own.some(
      (binding) =>
        scopeCovers(binding.scope, scope) && rules(policy, binding, 'allow', patternCovers, wanted),
    ) &&
    !own.some(
      (binding) => scopesMeet(binding.scope, scope) && rules(policy, binding, 'deny', patternsMeet, wanted),
    );
  return [...allow, ...deny].find((pattern) => !holds(pattern));
}

function rules(
  { roles }: AccessPolicy,
  { role }: Binding,
  effect: keyof RoleRules,
  fits: (pattern: string, wanted: string) => boolean,
  wanted: string,
): boolean {
  return roles.get(role)?.[effect].some((pattern) => fits(pattern, wanted)) === true;
}

function bindingsOf({ bindings }: AccessPolicy, subjects: readonly Subject[]): readonly Binding[] {
  const keys = new Set(subjects.map(subjectKey));
  return bindings.filter(({ subject }) => keys.has(subjectKey(subject)));
}

function matches(
  { roles }: AccessPolicy,
  bindings: readonly Binding[],
  effect: keyof RoleRules,
  permission: string,
): Match[] {
  return bindings.flatMap((binding) =>
    (roles.get(binding.role)?.[effect] ?? [])
      .filter((pattern) => patternCovers(pattern, permission))
      .map((pattern) => ({ binding, pattern })),
  );
}

function best(found: readonly Match[]): Match | undefined {
  return [...found].sort(bySpecificity)[0];
}

function bySpecificity(a: Match, b: Match): number {
  return (
    rankOfScope(b.binding.scope) - rankOfScope(a.binding.scope) ||
    rankOfPattern(b.pattern) - rankOfPattern(a.pattern) ||
    (a.binding.id < b.binding.id ? -1 : 1)
  );
}

function named({ binding, pattern }: Match): { binding: string; role: string; pattern: string } {
  return { binding: binding.id, role: binding.role, pattern };
}
