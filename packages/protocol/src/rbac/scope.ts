import type { AccessScope } from '@talosprotocol/contracts';

type Attributes = Readonly<Record<string, string>>;

/** Kind and attributes, all kinds alike. */
function partsOf({ kind, attributes }: AccessScope): {
  kind: string;
  attributes: Attributes;
  names: string[];
} {
  return { kind, attributes: attributes as Attributes, names: Object.keys(attributes) };
}

/** Whether everything below `inner` lies below `outer` (RBAC-3, RBAC-7). For a resource as `inner`: whether the scope
 *  matches it. A scope that is not global and has no attributes covers nothing. */
export function scopeCovers(outer: AccessScope, inner: AccessScope): boolean {
  if (outer.kind === 'global') return true;
  const { kind, attributes, names } = partsOf(outer);
  const other = partsOf(inner);
  if (kind !== other.kind || names.length === 0) return false;
  return names.every((name) => valueCovers(name, attributes[name], other.attributes[name]));
}

function valueCovers(name: string, outer: string | undefined, inner: string | undefined): boolean {
  if (outer === undefined || inner === undefined) return false;
  if (outer === '*' || outer === inner) return true;
  return name === 'path' && inner !== '*' && inner.startsWith(outer === '/' ? '/' : `${outer}/`);
}

/** Whether some resource lies in both; an attribute that only one of them names keeps nothing apart. */
export function scopesMeet(one: AccessScope, other: AccessScope): boolean {
  if (one.kind === 'global' || other.kind === 'global') return true;
  if (one.kind !== other.kind) return false;
  const a = partsOf(one).attributes;
  const b = partsOf(other).attributes;
  return Object.keys(a).every((name) => {
    if (!Object.hasOwn(b, name)) return true;
    return valueCovers(name, a[name], b[name]) || valueCovers(name, b[name], a[name]);
  });
}

/** Whether it names one place: no attribute is `*`. */
export function isExact(scope: AccessScope): boolean {
  return !Object.values(partsOf(scope).attributes).includes('*');
}

/** The more exact attributes the higher, then the more attributes at all; global is last (RBAC-6). */
export function rankOfScope(scope: AccessScope): number {
  const values = Object.values(partsOf(scope).attributes);
  if (scope.kind === 'global') return -1;
  return values.filter((value) => value !== '*').length * 16 + values.length;
}
