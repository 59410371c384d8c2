import type { AccessScope, Binding, Role, RoleRules, Subject } from '@talosprotocol/contracts';
import {
  type AccessPolicy,
  BUILT_IN_ROLES,
  type Cursor,
  encodeCursor,
  formatTime,
} from '@talosprotocol/protocol';
import type { Queries } from '../../platform/sql.js';

interface RoleRow {
  readonly id: string;
  readonly name: string;
  readonly allow: string[];
  readonly deny: string[];
  readonly version: number;
  readonly created_at: number;
}

interface BindingRow {
  readonly id: string;
  readonly role: string;
  readonly subject: Subject;
  readonly scope: AccessScope;
  readonly created_at: number;
}

/** Everything there is of a kind at most (RBAC-13). */
export const MAX_ROLES = 256;
export const MAX_BINDINGS = 4_096;

/** Roles and bindings, all of them: what decides. */
export async function readPolicy(db: Queries): Promise<AccessPolicy> {
  const roles = await db.query<RoleRow>('SELECT * FROM rbac_role');
  const bindings = await db.query<BindingRow>('SELECT * FROM rbac_binding');
  const rules = [...BUILT_IN_ROLES, ...roles].map((role) => [role.id, role] as const);
  return { roles: new Map<string, RoleRules>(rules), bindings: bindings.map(toBinding) };
}

/** A page, newest first, with the cursor of the next one. */
export interface Page<T> {
  readonly rows: readonly T[];
  readonly next: string | null;
}

interface Paged {
  readonly id: string;
  readonly created_at: number;
}

/** A page of a table whose rows have `created_at` and an `id` that is a prefix, `_` and a UUID. */
export async function readPage<T extends Paged>(
  db: Queries,
  table: 'rbac_role' | 'rbac_binding' | 'rbac_service_account' | 'rbac_login',
  prefix: string,
  { count, after }: PageRequest,
): Promise<Page<T>> {
  const rows = await db.query<T>(
    `SELECT * FROM ${table} WHERE $1::bigint IS NULL OR (created_at / 1000, id) < ($1::bigint, $2::text)
     ORDER BY created_at / 1000 DESC, id DESC LIMIT $3`,
    [after?.seconds ?? null, after === undefined ? null : `${prefix}_${after.id}`, count + 1],
  );
  const page = rows.slice(0, count);
  const last = page.at(-1);
  const isMore = rows.length > count && last !== undefined;
  return { rows: page, next: isMore ? encodeCursor(cursorOf(last)) : null };
}

/** How many, and after which row. */
export interface PageRequest {
  readonly count: number;
  readonly after: Cursor | undefined;
}

function cursorOf({ id, created_at }: Paged): Cursor {
  return { seconds: Math.floor(created_at / 1000), id: id.slice(id.indexOf('_') + 1) };
}

export async function readRoles(db: Queries, request: PageRequest): Promise<Page<Role>> {
  const { rows, next } = await readPage<RoleRow>(db, 'rbac_role', 'role', request);
  return { rows: [...(request.after === undefined ? BUILT_IN_ROLES : []), ...rows.map(toRole)], next };
}

export async function findRole(db: Queries, id: string): Promise<Role | undefined> {
  const builtIn = BUILT_IN_ROLES.find((role) => role.id === id);
  if (builtIn !== undefined) return builtIn;
  const [row] = await db.query<RoleRow>('SELECT * FROM rbac_role WHERE id = $1', [id]);
  return row === undefined ? undefined : toRole(row);
}

/** Adds a role, or puts a new version of it. */
export async function putRole(db: Queries, role: Role, at: number): Promise<void> {
  await db.query(
    `INSERT INTO rbac_role (id, name, allow, deny, version, created_at) VALUES ($1, $2, $3::jsonb, $4::jsonb, $5, $6)
     ON CONFLICT (id) DO UPDATE SET name = $2, allow = $3::jsonb, deny = $4::jsonb, version = $5`,
    [role.id, role.name, JSON.stringify(role.allow), JSON.stringify(role.deny), role.version, at],
  );
}

export async function removeRole(db: Queries, id: string): Promise<void> {
  await db.query('DELETE FROM rbac_role WHERE id = $1', [id]);
}

export async function readBindings(db: Queries, request: PageRequest): Promise<Page<Binding>> {
  const { rows, next } = await readPage<BindingRow>(db, 'rbac_binding', 'bind', request);
  return { rows: rows.map(toBinding), next };
}

export async function addBinding(db: Queries, binding: Omit<Binding, 'created'>, at: number): Promise<void> {
  const { id, role, subject, scope } = binding;
  await db.query(
    'INSERT INTO rbac_binding (id, role, subject, scope, created_at) VALUES ($1, $2, $3::jsonb, $4::jsonb, $5)',
    [id, role, JSON.stringify(subject), JSON.stringify(scope), at],
  );
}

export async function removeBinding(db: Queries, id: string): Promise<void> {
  await db.query('DELETE FROM rbac_binding WHERE id = $1', [id]);
}

function toRole({ id, name, allow, deny, version }: RoleRow): Role {
  return { id, name, allow, deny, built_in: false, version };
}

function toBinding({ id, role, subject, scope, created_at }: BindingRow): Binding {
  return { id, role, subject, scope, created: formatTime(created_at) };
}
