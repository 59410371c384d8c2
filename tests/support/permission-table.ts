import { BUILT_IN_ROLES, decideAccess, GLOBAL } from '@talosprotocol/protocol';

/** What a served route says of itself. */
export interface DeclaredRoute {
  readonly method: string;
  readonly path: string;
  readonly surface: string;
  readonly permission?: string;
  readonly scoped?: true;
  readonly place?: { readonly kind: string; readonly attributes: Readonly<Record<string, string>> };
}

const INTRODUCTION = `# Permissions

Which permission each route for administrators and services needs, and which of the built-in roles have it. Generated from
the routes that the services declare; a test fails when this page and the routes differ, and writes it again when it is run
as \`TALOS_WRITE_DOCS=1 npx vitest run tests/e2e/permissions.test.ts\`.

A route marked *scoped* acts in a place: its caller needs the permission there, a binding with that scope gives it, and one that
denies there denies. Either its body says where, or its path does: \`trace\` is one request, by its id, and \`secret\` a service account, by the id
of the account whose keys it is about. **Every other route acts everywhere: only a \`global\` binding gives its permission, or denies it.** So a denial for one \`trace\` does not
hide that request from who may read all events, and no route has a place of the kinds \`repo\` and \`path\` yet, nor of \`team\` but for bindings. \`rbac:self\` is held
by everybody who is somebody. What permissions, roles and bindings mean is in [the specification](spec/rbac.md).
`;

/** The page docs/permissions.md. */
export function permissionPage(services: Readonly<Record<string, readonly DeclaredRoute[]>>): string {
  const roles = BUILT_IN_ROLES.map(({ id }) => id);
  const head = ['service', 'route', 'permission', ...roles];
  const rows = Object.entries(services).flatMap(([service, routes]) =>
    routes
      .filter(({ surface }) => surface === 'admin' || surface === 'service')
      .map((route) => rowOf(service, route, roles)),
  );
  const lines = [head, head.map(() => '---'), ...rows.sort(byText)].map(
    (cells) => `| ${cells.join(' | ')} |`,
  );
  return `${INTRODUCTION}\n${lines.join('\n')}\n\n${roleTable()}`;
}

function rowOf(service: string, route: DeclaredRoute, roles: readonly string[]): string[] {
  const { method, path, permission = 'none', scoped, place } = route;
  const marks = roles.map((role) => (permission === 'rbac:self' || holds(role, permission) ? 'yes' : ''));
  return [
    service,
    `\`${method} ${path}\``,
    `\`${permission}\`${scoped === true ? ' *scoped*' : ''}${placeOf(place)}`,
    ...marks,
  ];
}

function placeOf(place: DeclaredRoute['place']): string {
  if (place === undefined) return '';
  const names = Object.entries(place.attributes).map(([name, param]) => `\`${name}\` = \`:${param}\``);
  return ` *scoped*: ${place.kind}, ${names.join(', ')}`;
}

/** Asked of the decision itself, not read off the patterns. */
function holds(role: string, permission: string): boolean {
  const subject = { kind: 'service', id: 'somebody' } as const;
  const binding = { id: 'bind', role, subject, scope: GLOBAL, created: '' };
  const policy = { roles: new Map(BUILT_IN_ROLES.map((one) => [one.id, one])), bindings: [binding] };
  return decideAccess(policy, { subjects: [subject], permission, resource: GLOBAL }).effect === 'allow';
}

function byText(a: readonly string[], b: readonly string[]): number {
  return a.join(' ') < b.join(' ') ? -1 : 1;
}

function roleTable(): string {
  const rows = BUILT_IN_ROLES.map(({ id, allow }) => {
    return `| \`${id}\` | ${allow.map((pattern) => `\`${pattern}\``).join(' ')} |`;
  });
  return `## Built-in roles\n| role | allows |\n|---|---|\n${rows.join('\n')}\n`;
}
