import type { AccessScope, Binding, RoleRules, Subject } from '@talosprotocol/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AccessPolicy, decideAccess, findLack, GLOBAL, hasAnywhere } from './access.js';
import { BUILT_IN_ROLES } from './built-in-roles.js';
import { patternCovers } from './pattern.js';
import { scopeCovers, scopesMeet } from './scope.js';
import { subjectKey } from './subject.js';

const person = (id: string): Subject => ({ kind: 'person', issuer: 'https://id.example', id });
const ANN = person('ann');
const STAFF: Subject = { kind: 'group', issuer: 'https://id.example', id: 'staff' };
const id = (n: number): string => `bind_01890000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const bind = (n: number, role: string, scope: AccessScope = GLOBAL, subject: Subject = ANN): Binding => ({
  id: id(n),
  role,
  subject,
  scope,
  created: '2026-11-23T12:00:00.000Z',
});
const team = (team_id: string): AccessScope => ({ kind: 'team', attributes: { team_id } });
const path = (where: string): AccessScope => ({ kind: 'path', attributes: { path: where } });
const rules = (allow: string[], deny: string[] = []): RoleRules => ({ allow, deny });
const ROLES = new Map<string, RoleRules>([
  ...BUILT_IN_ROLES.map((role) => [role.id, role] as const),
  ['reader', rules(['audit:read'])],
  ['audit', rules(['audit:*'])],
  ['no-export', rules([], ['audit:export'])],
  ['no-audit', rules([], ['audit:*'])],
  ['granter', rules(['rbac:*', 'audit:*'])],
]);
const policy = (...bindings: Binding[]): AccessPolicy => ({ roles: ROLES, bindings });
const ask = (of: AccessPolicy, permission: string | undefined, resource = GLOBAL, subjects = [ANN]) =>
  decideAccess(of, { subjects, permission, resource });

// RBAC-1
describe('a pattern', () => {
  it.each([
    ['*:*', 'a:b', true],
    ['a:*', 'a:b', true],
    ['a:*', 'a:*', true],
    ['a:*', 'ab:c', false],
    ['a:*', '*:*', false],
    ['a:b', 'a:b', true],
    ['a:b', 'a:bc', false],
    ['a:b', 'a:*', false],
  ])('%s covers %s: %s', (pattern, other, expected) => {
    expect(patternCovers(pattern, other)).toBe(expected);
  });
});

// RBAC-3
describe('a scope', () => {
  const repo = (attributes: object): AccessScope => ({ kind: 'repo', attributes });
  it.each<[AccessScope, AccessScope, boolean]>([
    [GLOBAL, team('a'), true],
    [team('a'), GLOBAL, false],
    [team('a'), team('a'), true],
    [team('a'), team('A'), false],
    [team('*'), team('a'), true],
    [team('a'), team('*'), false],
    [team('a'), repo({ team_id: 'a' }), false],
    [repo({ team_id: 'a' }), repo({ team_id: 'a', repo_id: 'r' }), true],
    [repo({ team_id: 'a', repo_id: 'r' }), repo({ team_id: 'a' }), false],
    [repo({ team_id: 'a', repo_id: 'r' }), repo({ team_id: 'a', repo_id: 's' }), false],
    [repo({}), repo({ team_id: 'a' }), false],
    [repo({}), repo({}), false],
    [repo({ repo_id: 'r' }), repo({ repo_id: 'r/s' }), false],
    [path('/docs'), path('/docs'), true],
    [path('/docs'), path('/docs/a'), true],
    [path('/docs'), path('/docsecret'), false],
    [path('/'), path('/docs'), true],
    [path('/docs'), path('*'), false],
    [path('/docs/a'), path('/docs'), false],
  ])('%j covers %j: %s', (outer, inner, expected) => {
    expect(scopeCovers(outer, inner)).toBe(expected);
  });

  it.each<[AccessScope, AccessScope, boolean]>([
    [GLOBAL, team('a'), true],
    [team('a'), GLOBAL, true],
    [team('a'), team('b'), false],
    [team('*'), team('b'), true],
    [team('a'), repo({ team_id: 'a' }), false],
    [repo({ team_id: 'a' }), repo({ repo_id: 'r' }), true],
    [path('/docs/a'), path('/docs'), true],
    [path('/docs/a'), path('/docs/b'), false],
  ])('%j meets %j: %s', (one, other, expected) => {
    expect(scopesMeet(one, other)).toBe(expected);
    expect(scopesMeet(other, one)).toBe(expected);
  });
});

// RBAC-4
it('a subject is told from every other, issuers and kinds too', () => {
  const all: Subject[] = [
    ANN,
    person('bob'),
    STAFF,
    { kind: 'person', issuer: 'https://other.example', id: 'ann' },
    { kind: 'email', issuer: 'https://id.example', id: 'ann' },
    { kind: 'service', id: 'ann' },
    person('ann","x'),
  ];
  expect(new Set(all.map(subjectKey)).size).toBe(all.length);
});

// RBAC-5, RBAC-6
describe('a decision', () => {
  it('denies by default: nobody, no binding, an unmapped route, a role that is gone', () => {
    const none = { effect: 'deny', reason: 'not_granted' };
    const admin = policy(bind(1, 'platform-admin'));
    expect(ask(admin, 'audit:read', GLOBAL, [])).toEqual(none);
    expect(ask(policy(), 'audit:read')).toEqual(none);
    expect(ask(admin, undefined)).toEqual(none);
    expect(ask(policy(bind(1, 'gone')), 'audit:read')).toEqual(none);
    expect(ask(policy(bind(1, 'reader', GLOBAL, person('bob'))), 'audit:read')).toEqual(none);
    expect(ask(policy(bind(1, 'reader', { kind: 'repo', attributes: {} })), 'audit:read')).toEqual(none);
  });

  it('refuses a question with a wildcard in it', () => {
    const admin = policy(bind(1, 'platform-admin'));
    for (const permission of ['*:*', 'audit:*']) expect(ask(admin, permission).reason).toBe('malformed');
    expect(ask(admin, 'audit:read', team('*')).reason).toBe('malformed');
  });

  it('names the most specific binding: exact over wildcard, global last, then the smallest id', () => {
    const all = [
      bind(1, 'audit'),
      bind(2, 'reader'),
      bind(3, 'audit', team('*')),
      bind(5, 'audit', team('a')),
      bind(4, 'audit', team('a')),
    ];
    const first = (bindings: Binding[]) => ask(policy(...bindings), 'audit:read', team('a')).binding;
    expect(first(all)).toBe(id(4));
    expect(first(all.filter((one) => one.id !== id(4)))).toBe(id(5));
    expect(first(all.slice(0, 3))).toBe(id(3));
    expect(first(all.slice(0, 2))).toBe(id(2));
    expect(first(all.slice(0, 1))).toBe(id(1));
  });

  it('any deny wins, however general, and says so', () => {
    const of = policy(bind(1, 'reader', team('a')), bind(2, 'no-audit'));
    expect(ask(of, 'audit:read', team('a'))).toEqual({
      effect: 'deny',
      reason: 'denied',
      binding: id(2),
      role: 'no-audit',
      pattern: 'audit:*',
    });
    expect(ask(policy(bind(1, 'reader'), bind(2, 'no-audit', team('a'))), 'audit:read').effect).toBe('allow');
  });

  it('counts every subject the caller is, a denied group too', () => {
    const of = policy(bind(1, 'reader'), bind(2, 'no-audit', GLOBAL, STAFF));
    expect(ask(of, 'audit:read').effect).toBe('allow');
    expect(ask(of, 'audit:read', GLOBAL, [ANN, STAFF]).effect).toBe('deny');
  });
});

it('a permission somewhere is not one everywhere, and a global deny ends it', () => {
  const of = policy(bind(1, 'reader', team('a')));
  const asked = { subjects: [ANN], permission: 'audit:read' };
  expect(hasAnywhere(of, asked)).toBe(true);
  expect(ask(of, 'audit:read').effect).toBe('deny');
  expect(hasAnywhere(of, { subjects: [ANN], permission: 'audit:export' })).toBe(false);
  expect(hasAnywhere(policy(bind(1, 'reader'), bind(2, 'no-audit')), asked)).toBe(false);
  expect(hasAnywhere(of, { subjects: [ANN], permission: undefined })).toBe(false);
});

// RBAC-7
describe('nobody grants what they lack', () => {
  const lack = (of: AccessPolicy, wanted: RoleRules, scope = GLOBAL) => findLack(of, [ANN], wanted, scope);
  it.each<[string, AccessPolicy, RoleRules, AccessScope, string | undefined]>([
    ['all of it', policy(bind(1, 'platform-admin')), rules(['*:*']), GLOBAL, undefined],
    ['a part', policy(bind(1, 'granter')), rules(['audit:read']), GLOBAL, undefined],
    ['a namespace by its actions', policy(bind(1, 'reader')), rules(['audit:*']), GLOBAL, 'audit:*'],
    ['everything by a namespace', policy(bind(1, 'granter')), rules(['*:*']), GLOBAL, '*:*'],
    ['a place', policy(bind(1, 'granter', team('a'))), rules(['audit:read']), team('a'), undefined],
    ['another place', policy(bind(1, 'granter', team('a'))), rules(['audit:read']), team('b'), 'audit:read'],
    ['everywhere', policy(bind(1, 'granter', team('a'))), rules(['audit:read']), GLOBAL, 'audit:read'],
    ['every team', policy(bind(1, 'granter', team('a'))), rules(['audit:read']), team('*'), 'audit:read'],
    ['to deny', policy(bind(1, 'granter')), rules([], ['policy:reload']), GLOBAL, 'policy:reload'],
    [
      'what is denied to them',
      policy(bind(1, 'platform-admin'), bind(2, 'no-export')),
      rules(['audit:*']),
      GLOBAL,
      'audit:*',
    ],
    [
      'what is denied to them in a part of it',
      policy(bind(1, 'platform-admin'), bind(2, 'no-export', team('a'))),
      rules(['*:*']),
      GLOBAL,
      '*:*',
    ],
  ])('%s', (_, of, wanted, scope, expected) => {
    expect(lack(of, wanted, scope)).toBe(expected);
  });
});

const PERMISSIONS = ['a:r', 'a:w', 'b:r'];
const PATTERNS = [...PERMISSIONS, 'a:*', 'b:*', '*:*'];
const anyRules = fc.record({
  allow: fc.uniqueArray(fc.constantFrom(...PATTERNS), { maxLength: 3 }),
  deny: fc.uniqueArray(fc.constantFrom(...PATTERNS), { maxLength: 2 }),
});
const value = fc.constantFrom('*', '1', '2');
const anyScope: fc.Arbitrary<AccessScope> = fc.oneof(
  fc.constant(GLOBAL),
  fc.record({ team_id: value, org_id: value }, { requiredKeys: [] }).map((attributes) => {
    return { kind: 'team' as const, attributes };
  }),
  fc.constantFrom('/', '/a', '/a/b', '*').map(path),
);
const anySubject = fc.constantFrom(ANN, STAFF, person('bob'));
const anyBinding = fc.record({
  n: fc.nat(9999),
  role: fc.constantFrom('r0', 'r1', 'r2'),
  scope: anyScope,
  subject: anySubject,
});
const anyPolicy = fc.record({
  roles: fc
    .tuple(anyRules, anyRules, anyRules)
    .map((all) => new Map(all.map((one, n) => [`r${n}`, one] as const))),
  bindings: fc
    .uniqueArray(anyBinding, { maxLength: 8, selector: ({ n }) => n })
    .map((all) => all.map(({ n, role, scope, subject }) => bind(n, role, scope, subject))),
});
const anyQuestion = fc.record({
  subjects: fc.uniqueArray(anySubject, { maxLength: 3 }),
  permission: fc.constantFrom(...PERMISSIONS),
  resource: fc.oneof(
    fc.constant(GLOBAL),
    fc.constantFrom('1', '2').map(team),
    fc.constantFrom('/a', '/a/b', '/c').map(path),
  ),
});

// RBAC-5, RBAC-6, RBAC-7
describe('properties', () => {
  it('the order of bindings and patterns changes nothing', () => {
    const shuffled = anyPolicy.chain((of) =>
      fc
        .shuffledSubarray([...of.bindings], { minLength: of.bindings.length })
        .map((bindings) => [of, bindings] as const),
    );
    fc.assert(
      fc.property(shuffled, anyQuestion, ([of, bindings], question) => {
        const roles = new Map(
          [...of.roles].reverse().map(([name, { allow, deny }]) => {
            return [name, { allow: [...allow].reverse(), deny: [...deny].reverse() }] as const;
          }),
        );
        expect(decideAccess({ roles, bindings }, question)).toEqual(decideAccess(of, question));
      }),
    );
  });

  it('another binding never takes a deny away; one that only denies never allows', () => {
    fc.assert(
      fc.property(anyPolicy, anyQuestion, anyBinding, (of, question, extra) => {
        const before = decideAccess(of, question);
        const added = bind(10_000 + extra.n, extra.role, extra.scope, extra.subject);
        const after = decideAccess({ ...of, bindings: [...of.bindings, added] }, question);
        if (before.reason === 'denied') expect(after.reason).toBe('denied');
        if (of.roles.get(extra.role)!.allow.length === 0 && before.effect === 'deny') {
          expect(after.effect).toBe('deny');
        }
      }),
    );
  });

  it('a granted role gives its holder nothing that the granter lacks, at any place', () => {
    fc.assert(
      fc.property(anyPolicy, anyScope, anyQuestion, (of, scope, { permission, resource }) => {
        const wanted = of.roles.get('r0')!;
        fc.pre(findLack(of, [ANN], wanted, scope) === undefined);
        const eve = person('eve');
        const granted = { ...of, bindings: [bind(1, 'r0', scope, eve)] };
        const gets = decideAccess(granted, { subjects: [eve], permission, resource });
        if (gets.effect === 'allow') expect(ask(of, permission, resource).effect).toBe('allow');
      }),
      { numRuns: 500 },
    );
  });
});

// RBAC-8
it('the built-in roles hold what the table says, and only the first holds everything', () => {
  const can = (role: string, permission: string) => ask(policy(bind(1, role)), permission).effect === 'allow';
  expect(BUILT_IN_ROLES.filter(({ allow }) => allow.includes('*:*')).map((one) => one.id)).toEqual([
    'platform-admin',
  ]);
  expect(can('security-admin', 'rbac:write')).toBe(true);
  expect(can('security-admin', 'capability:issue')).toBe(false);
  expect(can('operator', 'capability:issue')).toBe(true);
  expect(can('operator', 'rbac:write')).toBe(false);
  expect(can('auditor', 'audit:export')).toBe(true);
  expect(can('viewer', 'audit:read')).toBe(false);
  for (const role of ['auditor', 'viewer']) expect(can(role, 'identity:write')).toBe(false);
});
